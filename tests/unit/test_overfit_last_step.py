"""The overfit gate takes all of its last step, in whatever order a task logs within it."""

import pytest

from sweep.domain.check import Check, CheckName
from sweep.domain.target import Mode, Target
from sweep.rundir import EventWriter, RunDir, points_of, read_events
from sweep.task import StopTrial
from sweep.worker.checks.overfit import FewSamples, GatedRun
from sweep.worker.run import WorkerRun

TARGET = Target(metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=9, stop_early=True)


def gated(path):
    run = WorkerRun(RunDir(path), seed=0, target=TARGET, events=EventWriter(RunDir(path).events), is_check=True)
    few = FewSamples(None, 10)
    few.calls = 1
    return GatedRun(run, few, Check(name=CheckName.OVERFIT, settings={"steps": 9, "loss_fraction": 0.01}))


@pytest.mark.parametrize("names", [("train/loss", "val/acc"), ("val/acc", "train/loss")])
def test_an_evaluation_of_the_last_step_is_taken(tmp_path, names):
    run = gated(tmp_path)
    for step in range(1, 10):
        for name in names:
            run.log(step, **{name: 2.0 / step if name == "train/loss" else 0.5})
    with pytest.raises(StopTrial):
        run.log(10, **{"train/loss": 0.1})
    points = points_of(read_events(RunDir(tmp_path).events, 0)[0])
    assert {name: series.steps.max() for name, series in points.items()} == {"train/loss": 9, "val/acc": 9}


@pytest.mark.parametrize("names", [("train/loss", "val/acc"), ("val/acc", "train/loss")])
def test_samples_are_learnt_at_the_same_step_in_any_order(tmp_path, names):
    run = gated(tmp_path)
    for step in range(1, 5):
        for name in names:
            run.log(step, **{name: 2.0 / step if name == "train/loss" else float(step == 4)})
    with pytest.raises(StopTrial):
        run.log(5, **{names[0]: 0.5})
    assert run.last_step == 4


def test_an_auxiliary_loss_that_is_no_number_ends_nothing(tmp_path):
    run = gated(tmp_path)
    for step in range(1, 4):
        run.log(step, **{"train/loss": 2.0, "aux/loss": float("nan")})
    run.log(4, **{"train/loss": float("nan")})
    with pytest.raises(StopTrial):
        run.log(5, **{"train/loss": 2.0})
    assert run.last_step == 4
