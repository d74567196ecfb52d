"""Automatic names of studies: the first config has the plain name, another one a name that says the difference."""

import re
from dataclasses import replace

import pytest

from sweep.domain.naming import Question, change_words, changes, study_name
from sweep.domain.recorded_config import Home, RecordedConfig
from sweep.domain.target import Mode, Target

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=100, stop_early=True)
BASE = {"_target_": "seq.train", "lr": 100, "opt": {"name": "sgd", "clip": None}, "hidden": [8, 8]}


def question(target=TARGET, **task):
    return Question({**BASE, **task}, target)


def name_of(asked, **recorded):
    """Return the name beside a plain study that asks `BASE`; other studies on record by keyword."""
    found = {"seq-base": question(), **{name.replace("__", "="): each for name, each in recorded.items()}}
    return study_name("seq-base", asked, found.get)


def test_the_first_config_has_the_plain_name():
    assert study_name("seq-base", question(), {}.get) == "seq-base"
    assert name_of(question()) == "seq-base"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (question(lr=0.22), "seq-base-lr=0.22"),
        (question(lr=1e-05), "seq-base-lr=1e-05"),
        (question(opt={"name": "adam", "clip": None}), "seq-base-opt.name=adam"),
        (question(opt={"name": "sgd", "clip": True}), "seq-base-opt.clip=true"),
        (question(hidden=[4, 4, 4]), "seq-base-hidden=4_4_4"),
        (question(width=4, lr=2), "seq-base-lr=2+width=4"),
        (question(replace(TARGET, threshold=0.8)), "seq-base-target=0.8"),
        (question(replace(TARGET, budget_steps=50)), "seq-base-budget_steps=50"),
        (question(lr=None), "seq-base-lr=null"),
        (question(data="set/train.csv"), "seq-base-data=set_train.csv"),
        (question(data="../ü b\n"), "seq-base-data=.._b_"),
    ],
)
def test_another_config_is_named_by_its_difference(asked, name):
    assert name_of(asked) == name


def test_the_order_of_keys_makes_no_difference():
    one, other = question(width=4, depth=2), question(depth=2, width=4)
    assert name_of(one) == name_of(other)


@pytest.mark.parametrize("lr", [100, 100.0])
def test_equal_numbers_are_one_config(lr):
    assert name_of(question(lr=lr)) == "seq-base"


def test_a_number_and_a_truth_value_are_two_configs():
    first = {"seq-base": question(lr=1)}
    assert study_name("seq-base", question(lr=True), first.get) == "seq-base-lr=true"


@pytest.mark.parametrize("asked", [question(text="x" * 41), question(**{f"key{i}": i for i in range(9)})])
def test_a_long_difference_is_a_digest(asked):
    name = name_of(asked)
    assert re.fullmatch(r"seq-base-[0-9a-f]{8}", name)
    assert name_of(asked) == name


def test_a_difference_that_would_end_as_a_database_is_a_digest():
    assert re.fullmatch(r"seq-base-[0-9a-f]{8}", name_of(question(data="x.db")))


def test_a_readable_name_that_asks_something_else_is_not_taken():
    by_slash, by_colon = question(data="a/b"), question(data="a:b")
    taken = {"seq-base-data__a_b": by_slash}
    assert name_of(by_slash, **taken) == "seq-base-data=a_b"
    assert re.fullmatch(r"seq-base-[0-9a-f]{8}", name_of(by_colon, **taken))


def test_a_study_that_was_given_that_very_name_is_not_taken_over():
    assert re.fullmatch(r"seq-base-[0-9a-f]{8}", name_of(question(lr=2), **{"seq-base-lr__2": question(lr=3)}))


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        (question(lr=0.22), "seq-base-lr=0.22"),
        (question(lr=0.22, width=4), "seq-base-lr=0.22+width=4"),
        ({k: v for k, v in BASE.items() if k != "opt"}, "seq-base-opt.clip=unset+opt.name=unset"),
        (question(text="x" * 41), None),
    ],
)
@pytest.mark.parametrize("plain", [question(lr=7), question(replace(TARGET, threshold=0.5), lr=0.22), None])
def test_a_config_on_record_keeps_its_name_if_the_plain_study_was_replaced_or_deleted(asked, own, plain):
    asked = asked if isinstance(asked, Question) else Question(asked, TARGET)
    own = own or name_of(asked)
    held = {"seq-base-other": asked, "seq-base": plain, own: asked}
    assert name_of(asked) == own
    assert study_name("seq-base", asked, held.get, lambda: list(held)) == own


def test_a_config_on_record_twice_keeps_its_own_name_if_the_plain_one_was_given():
    held = {"seq-base": question(lr=0.22), "seq-base-lr=0.22": question(lr=0.22)}
    names = study_name("seq-base", question(lr=0.22), held.get, lambda: list(held), may_be_replaced=True)
    assert names == "seq-base-lr=0.22"
    assert study_name("seq-base", question(lr=0.22), held.get, lambda: list(held)) == "seq-base"
    assert study_name("seq-base", question(lr=7), held.get, lambda: list(held)) == "seq-base-lr=7"


def test_a_key_that_is_gone_differs():
    first = {"seq-base": question(extra=1)}
    assert study_name("seq-base", question(), first.get) == "seq-base-extra=unset"


def test_a_question_is_read_back_from_a_recorded_config_of_an_older_target():
    config = RecordedConfig({"task": dict(BASE), "converge": TARGET.to_mapping()})
    assert Question.recorded(config).is_same(question())


def test_changes_in_words_name_key_and_both_values():
    words = change_words(changes(question(), question(lr=0.22)))
    assert words == "task.lr 0.22 instead of 100"


@pytest.mark.parametrize("value", ["../../etc", "a/b", "", ".", "\x00", "a b", "é", "x=y", "-", "+", "~"])
def test_names_are_safe_as_names_of_folders(value):
    name = name_of(question(data=value))
    assert re.fullmatch(r"[A-Za-z0-9][\w.+=-]{0,99}", name, re.ASCII)


def at(folder, code="c0", **task):
    return replace(question(**task), home=Home(folder, code))


def test_two_scripts_of_one_name_in_two_folders_are_two_studies():
    recorded = {"train-base": at("/a")}.get
    name = study_name("train-base", at("/b", "c1"), recorded)
    assert name == "train-base-folder=_b"
    assert study_name("train-base", at("/" + "b" * 50, "c1"), recorded) != "train-base"


def test_a_script_that_was_edited_or_moved_is_the_same_study():
    recorded = {"train-base": at("/a")}.get
    assert study_name("train-base", at("/a", "c1"), recorded) == "train-base"
    assert study_name("train-base", at("/b", "c0"), recorded) == "train-base"
    assert study_name("train-base", at("/b", "c0", lr=2), recorded) == "train-base-lr=2"


def test_another_script_finds_its_study_again():
    recorded = {"train-base": at("/a"), "train-base-folder=_b": at("/b", "c1")}
    assert study_name("train-base", at("/b", "c1"), recorded.get, lambda: recorded) == "train-base-folder=_b"


@pytest.mark.parametrize("args", [["--epochs", "5"], ["--epochs", "3", "--wd", "0"]])
def test_the_arguments_of_a_script_are_a_difference(args):
    recorded = {"train-base": at("/a", args=["--epochs", "3"])}.get
    assert study_name("train-base", at("/a", args=args), recorded) == f"train-base-args={'_'.join(args)}"


def test_what_follows_from_a_script_is_no_difference():
    """Its length and the full name of its metric may change with its code."""
    asked = {"metric": "acc", "budget_steps": None}
    first = replace(at("/a"), asked=asked, target=replace(TARGET, budget_steps=80))
    assert study_name("train-base", replace(first, target=TARGET), {"train-base": first}.get) == "train-base"
    longer = replace(first, asked={**asked, "budget_epochs": 9})
    assert study_name("train-base", longer, {"train-base": first}.get) == "train-base-budget_epochs=9"
