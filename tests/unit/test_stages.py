import pytest
from found_values import effect, ranking

from sweep.config import load_study_config
from sweep.errors import ConfigError
from sweep.study.stages import (
    DATA_AXES,
    ablation_question,
    added_axes,
    axes_of,
    check_stages,
    chosen_axes,
    is_fruitless,
    shared_words,
    to_verify,
    with_settings,
)


@pytest.mark.parametrize("word", ["+ablation=all", "+axis=[lr]", "+axes.mine={levels: {a: [task.b=1]}}", "~axes.lr"])
def test_a_command_that_names_axes_asks_the_ablation_itself(word):
    assert ablation_question(["task=mine", word])
    assert not ablation_question(["task=mine", "task.lr=1"])


def test_axes_are_those_that_symptoms_point_to_in_the_order_of_the_config():
    available = ("dropout", "clip", "lr")
    assert chosen_axes(available, ["lr", "amp", "dropout"], learns=True) == ("dropout", "lr")


def test_without_a_pointer_all_axes_are_tried():
    assert chosen_axes(("dropout", "clip"), [], learns=True) == ("dropout", "clip")


def test_what_cannot_learn_ten_samples_is_not_over_regularised():
    available = (*DATA_AXES, "init", "lr")
    assert chosen_axes(available, ["dropout", "init"], learns=False) == ("init",)
    assert chosen_axes(available, ["dropout"], learns=False) == ("init", "lr")


def test_data_axes_are_tried_where_there_are_no_others():
    assert chosen_axes(("dropout",), ["dropout"], learns=False) == ("dropout",)


def test_symptoms_add_the_axes_beyond_the_usual_ones_that_the_task_can_turn():
    knobs = {"input_norm": None, "shuffle": True, "lr_scale": 1.0}
    toggles = ["lr=x0.1", "input_norm=standardize", "shuffle=on", "activation=relu"]
    assert added_axes(toggles, knobs, ("lr",)) == ("input_norm",)
    assert added_axes(toggles, {**knobs, "shuffle": False}, ("lr",)) == ("input_norm", "shuffle")


def test_an_unknown_stage_is_refused_with_those_there_are():
    with pytest.raises(ConfigError) as caught:
        check_stages(["data", "bass"])
    assert caught.value.value == "bass"
    assert "base" in caught.value.allowed


def test_a_stage_is_named_once():
    with pytest.raises(ConfigError, match="twice"):
        check_stages(["data", "data"])


def test_what_converged_on_most_seeds_and_is_not_decided_is_verified():
    counts = {"a=off": 5, "b=off": 3, "c=off": 2, "d=off": 0}
    found = to_verify(ranking(*(effect(name, converged=count) for name, count in counts.items())))
    assert [str(each.toggle) for each in found] == ["a=off", "b=off"]


def test_nothing_is_verified_where_a_repair_is_decided_or_the_base_converges():
    decided = effect("a=off", "restores", converged=5)
    assert to_verify(ranking(decided, effect("b=off", converged=4))) == []
    assert to_verify(ranking(effect("a=off", converged=5), question="break")) == []


def test_the_verified_toggles_are_asked_as_their_own_axes():
    asked = axes_of([effect("a=off"), effect("lr=x0.1"), effect("a=low", overrides=["task.a=1"])])
    assert [str(each) for axis in asked for each in axis.toggles] == ["a=off", "a=low", "lr=x0.1"]
    assert [level.overrides for level in asked[0].levels] == [("task.a=0",), ("task.a=1",)]


def test_other_axes_are_tried_only_where_nothing_is_worth_verifying():
    assert is_fruitless(ranking(effect("a=off", converged=2), effect("b=off")))
    assert not is_fruitless(ranking(effect("a=off", converged=5)))
    assert not is_fruitless(ranking(effect("a=off", "restores", converged=5), recommended=["task.a=0"]))
    assert not is_fruitless(ranking(effect("a=off"), question="break"))


SETTINGS = ("+diagnose=full", "probe.ignore_label=255", "probe.overfit.steps=500", "probe.lr_max=1", "confirm.seeds=5")


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ("data", ("probe.ignore_label=255",)),
        ("overfit", ("probe.steps=500",)),
        ("lr_range", ("probe.lr_max=1", "confirm.seeds=5")),
        ("base", ()),
        ("ablation", ()),
    ],
)
def test_a_setting_of_a_check_goes_to_the_stage_that_has_it(stage, kept):
    own = {"probe", "confirm"}
    assert tuple(word for word in shared_words(stage, SETTINGS) if word.split(".")[0] in own) == kept
    assert (stage in with_settings(("data", "base", "overfit", "lr_range", "ablation"), SETTINGS)) == bool(kept)


@pytest.mark.parametrize("command", ["+diagnose=full", "+check=all"])
def test_settings_of_checks_are_accepted_with_the_stages_that_have_them(command):
    assert load_study_config([command, "probe.ignore_label=255", "probe.samples=5"]).study.check is None


@pytest.mark.parametrize(
    ("command", "word", "key", "words"),
    [
        ("+diagnose=full", "probe.ignored=255", "probe.ignored", "probe.ignore_label"),
        ("+check=all", "probe.lr_max=1", "probe.lr_max", "unknown key"),
        ("+check=all", "probe.overfit.stepps=1", "probe.overfit.stepps", "probe.overfit.steps"),
        ("+check=all", "probe.lr_range.steps=1", "probe.lr_range", "overfit"),
        ("+check=all", "confirm.seeds=1", "confirm.seeds", "+search=lr_range"),
        ("+diagnose=full", "probe.steps=100", "probe.steps", "probe.overfit.steps=100 or probe.lr_range.steps=100"),
        ("seeds=2", "probe.limit=100", "probe.limit", "+check=data"),
        ("+check=all", "~probe.limit", "probe.limit", "removed"),
    ],
)
def test_a_setting_that_no_stage_has_or_several_have_is_refused(command, word, key, words):
    with pytest.raises(ConfigError) as caught:
        load_study_config([command, word])
    assert caught.value.key == key
    assert words in str(caught.value)
