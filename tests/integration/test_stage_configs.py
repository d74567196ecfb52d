"""The studies that a study of stages is made of: their configs, and the commands that run them alone."""

from functools import cache

import pytest
from found_values import effect

from sweep.config import load_study_config
from sweep.domain.axis import Axis, Level
from sweep.study.config_record import recorded_config
from sweep.study.stages import OpenAblation, fixed_stage, stage_command, verifying

COMMAND = ("task=digits_mlp", "task.lr=3", "seeds=[4,5,6,7]", "results=/r", "study=s")
HELPED = effect("lr=x0.1", converged=5, overrides=["task.lr_scale=0.1"])
OWN_QUESTION = (*COMMAND, "+ablation=all", "driver.design=one_at_a_time")


@cache
def whole(*command):
    return load_study_config(("+diagnose=full", *command))


def again(part):
    """Return the study that the command of a stage asks for, given alone."""
    return load_study_config(part.overrides, command=part.command)


@pytest.mark.parametrize(
    ("stage", "own"),
    [
        ("data", ("+check=data", "study=s.data")),
        ("overfit", ("+check=overfit", "study=s.overfit")),
        ("lr_range", ("+search=lr_range", "study=s.lr_range")),
        ("base", ("seeds=[4,5,6]", "study=s.base")),
    ],
)
def test_a_stage_is_asked_for_the_same_task_and_has_its_own_name(stage, own):
    part = fixed_stage(stage, whole(*COMMAND))
    assert part.overrides == ("task=digits_mlp", "task.lr=3", "results=/r", *own)
    assert (part.study.name, part.study.task["lr"]) == (f"s.{stage}", 3)


def test_the_base_runs_over_the_first_three_seeds_of_the_command():
    assert fixed_stage("base", whole(*COMMAND)).study.seeds == (4, 5, 6)


def test_only_the_ablation_keeps_axes_driver_and_seeds_of_the_command():
    part = fixed_stage("ablation", whole(*OWN_QUESTION))
    assert part.overrides == (*COMMAND[:-1], *OWN_QUESTION[len(COMMAND) :], "study=s.ablation")
    assert part.study.seeds == (4, 5, 6, 7)
    assert fixed_stage("base", whole(*OWN_QUESTION)).study.axes == ()


def open_ablation(names, pointed=(), rate=()):
    asked = whole(*COMMAND)
    return OpenAblation.of(asked, pointed, rate).narrowed(asked, names)


PARTS = {
    "data": lambda: fixed_stage("data", whole(*COMMAND)),
    "base": lambda: fixed_stage("base", whole(*COMMAND)),
    "overfit": lambda: fixed_stage("overfit", whole(*COMMAND)),
    "lr_range": lambda: fixed_stage("lr_range", whole(*COMMAND)),
    "named axes": lambda: fixed_stage("ablation", whole(*OWN_QUESTION)),
    "all axes": lambda: open_ablation(("init", "clip", "lr", "dropout", "optimizer")),
    "some axes": lambda: open_ablation(("lr", "init")),
    "axes beyond the usual": lambda: open_ablation(("activation", "clip"), pointed=("activation=relu",)),
    "the rate found": lambda: open_ablation(("lr", "clip"), rate=("task.lr=0.1",)),
    "fresh seeds": lambda: verifying(whole(*COMMAND), [HELPED]),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_the_command_of_a_stage_given_alone_asks_for_the_same_study(part):
    stage = part()
    alone = again(stage)
    assert recorded_config(alone.study) == recorded_config(stage.study)
    assert (alone.command, alone.study.driver) == (stage.command, stage.study.driver)
    assert alone.study.kind is stage.study.kind


def test_the_rate_that_was_found_is_the_one_level_of_the_axis_lr():
    part = open_ablation(("lr",), rate=("task.lr=0.1",))
    assert part.study.axes == (Axis(name="lr", levels=(Level(name="range", overrides=("task.lr=0.1",)),)),)
    assert "axes.lr.levels={range: [task.lr=0.1]}" in part.overrides
    assert "~axes.lr.levels.x10" in part.overrides


def test_the_command_of_a_stage_can_be_pasted(tmp_path):
    loaded = load_study_config(("+diagnose=full", *COMMAND), [tmp_path])
    command = stage_command(verifying(loaded, [HELPED]))
    assert command.startswith(f"python -m sweep --config-dir {tmp_path} task=digits_mlp task.lr=3 ")
    assert " '+axes.lr={levels: {x0.1: [task.lr_scale=0.1]}}' " in command


def test_fresh_seeds_are_those_after_all_that_were_used():
    part = verifying(whole(*OWN_QUESTION), [HELPED])
    assert part.study.seeds == (8, 9, 10, 11, 12)
    assert [axis.name for axis in part.study.axes] == ["lr"]
    assert "+ablation=all" not in part.overrides
