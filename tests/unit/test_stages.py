import pytest

from sweep.errors import ConfigError
from sweep.study.stages import (
    DATA_AXES,
    ablation_question,
    check_stages,
    chosen_axes,
    stage_command,
    stage_overrides,
)

COMMAND = (
    "+diagnose=full",
    "task=mine",
    "task.lr=3",
    "seeds=8",
    "results=/r",
    "+ablation=all",
    "driver=isolate",
    "study=s",
)


def overrides(stage, command=COMMAND, **changes):
    return stage_overrides(stage, command, **{"study": "s", "seeds": (4, 5, 6, 7), **changes})


def test_a_stage_is_asked_for_the_same_task_and_has_a_name_of_its_own():
    assert overrides("data") == ("task=mine", "task.lr=3", "results=/r", "+check=data", "study=s.data")


def test_the_base_runs_over_the_first_three_seeds_of_the_command():
    assert overrides("base") == ("task=mine", "task.lr=3", "results=/r", "seeds=[4,5,6]", "study=s.base")


def test_only_the_ablation_keeps_axes_driver_and_seeds_of_the_command():
    found = overrides("ablation", ablation=())
    assert found == (
        "task=mine",
        "task.lr=3",
        "seeds=8",
        "results=/r",
        "+ablation=all",
        "driver=isolate",
        "study=s.ablation",
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


def test_an_unknown_stage_is_refused_with_those_there_are():
    with pytest.raises(ConfigError) as caught:
        check_stages(["data", "bass"])
    assert caught.value.value == "bass"
    assert "base" in caught.value.allowed


def test_a_stage_is_named_once():
    with pytest.raises(ConfigError, match="twice"):
        check_stages(["data", "data"])


def test_the_command_of_a_stage_can_be_pasted(tmp_path):
    command = stage_command(("task=mine", "axes.lr.levels={range: [task.lr=1]}"), [tmp_path])
    assert command == f"python -m sweep --config-dir {tmp_path} task=mine 'axes.lr.levels={{range: [task.lr=1]}}'"
