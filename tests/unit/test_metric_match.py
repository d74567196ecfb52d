"""Which metric a user means by `converge.metric` on a program."""

from sweep.domain.metric_match import NoMatch, match_metric

SEEN = ("step/loss", "step/loss_2", "train/loss", "val/acc", "val/top_5_acc", "best/val/acc", "final/f1", "watch/lr")


def test_an_exact_name_wins():
    assert match_metric("acc", ["val/acc", "acc", "train/acc"]) == "acc"
    assert match_metric("best/val/acc", SEEN) == "best/val/acc"
    assert match_metric("watch/lr", SEEN) == "watch/lr"


def test_a_name_as_the_program_writes_it():
    assert match_metric("val_acc", SEEN) == "val/acc"
    assert match_metric("Val Acc", SEEN) == "val/acc"
    assert match_metric("best_val_acc", SEEN) == "best/val/acc"


def test_an_unambiguous_end():
    assert match_metric("acc", SEEN) == "val/acc"
    assert match_metric("5_acc", ["val/top_5_acc"]) == "val/top_5_acc"
    assert match_metric("accuracy", ["test/average_accuracy", "step/loss"]) == "test/average_accuracy"


def test_an_end_of_several_names_is_none():
    assert match_metric("loss", SEEN) == NoMatch(
        asked="loss", candidates=("step/loss", "train/loss"), is_ambiguous=True
    )


def test_bests_are_meant_only_in_full():
    names = ["best/val/acc", "step/loss"]
    assert match_metric("acc", names) == NoMatch(asked="acc", candidates=tuple(names), is_ambiguous=False)


def test_a_final_figure_is_meant_by_its_end_if_no_other_metric_is():
    assert match_metric("f1", SEEN) == "final/f1"
    assert match_metric("val_accuracy", ["step/loss", "final/val/accuracy"]) == "final/val/accuracy"
    assert match_metric("acc", ["val/acc", "final/acc"]) == "val/acc"


def test_part_of_a_word_is_no_end():
    assert isinstance(match_metric("ss", SEEN), NoMatch)


def test_nothing_seen():
    assert match_metric("acc", []) == NoMatch(asked="acc", candidates=(), is_ambiguous=False)
