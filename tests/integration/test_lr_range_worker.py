"""The range test in a trial's process: it sets the rate of any optimizer, whatever its schedule, and sees the loss."""

import itertools
import json
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sweep.domain.check import FINDINGS, Check, CheckName
from sweep.domain.lr_range import LOSSES, RATES, Ramp
from sweep.domain.target import Mode, Target
from sweep.domain.task_ref import TaskRef
from sweep.rundir import EventWriter, RunDir, points_of, read_events
from sweep.task import StopTrial, TaskConfig
from sweep.worker.checks.lr_range import run_check
from sweep.worker.loading import load_task
from sweep.worker.run import WorkerRun

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "stubs"))

import paddle  # noqa: E402
import rate_tasks  # noqa: E402

SETTINGS = {"lr_min": 1e-5, "lr_max": 1.0, "steps": 40}
RATE = [Ramp(**SETTINGS).rate(i) for i in range(40)]


@pytest.fixture(autouse=True)
def paddle_is_left_as_it_was():
    classes = [paddle.optimizer.Optimizer]
    for cls in classes:
        classes += [sub for sub in cls.__subclasses__() if sub not in classes]
    classes += [paddle.Tensor, paddle.amp.AmpScaler]
    names = ("step", "minimize", "backward", "scale")
    before = [(cls, name, vars(cls)[name]) for cls, name in itertools.product(classes, names) if name in vars(cls)]
    yield
    assert [(cls, name) for cls, name, value in before if vars(cls)[name] is not value] == []


def probed(folder, name="train", *, steps=100, **knobs):
    """Run a range test on a stub as a worker does; return what it logged, and the findings."""
    target = Target(metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=40, stop_early=True)
    run_dir = RunDir(folder)
    run = WorkerRun(run_dir, seed=0, target=target, events=EventWriter(run_dir.events), is_check=True)
    with suppress(StopTrial):
        run_check(
            load_task(TaskRef.of({"_target_": f"rate_tasks.{name}"})),
            TaskConfig({"steps": steps, **knobs}),
            run,
            Check(name=CheckName.LR_RANGE, settings=SETTINGS),
        )
    series = points_of(read_events(run_dir.events, 0)[0])
    return series, json.loads((run_dir.artifacts / FINDINGS).read_text())


def steps_made():
    """Return how far each optimizer step moved the weight."""
    return -np.diff([0.0, *rate_tasks.WEIGHTS])


@pytest.mark.parametrize("scheduler", ["constant", "warmup", "noam", "plateau"])
@pytest.mark.parametrize("minimize", [False, True])
def test_every_step_is_made_with_the_rate_of_the_ramp_whatever_the_schedule(scheduler, minimize, tmp_path):
    series, _ = probed(tmp_path, scheduler=scheduler, minimize=minimize)
    assert steps_made() == pytest.approx(RATE[:39], rel=1e-5)  # the last one ends the test before the task notes it
    assert series[RATES].values == pytest.approx(RATE)
    assert series[LOSSES].values == pytest.approx(10 - np.cumsum([0, *RATE[:39]]), rel=1e-5)


@pytest.mark.parametrize(
    "optimizer", ["SGD", "Adam", "AdamW", "Adamax", "Adagrad", "RMSProp", "Momentum", "NAdam", "RAdam", "Rprop", "Lamb"]
)
def test_any_optimizer_takes_the_rate(optimizer, tmp_path):
    series, findings = probed(tmp_path, optimizer=optimizer)
    made = steps_made()
    assert len(series[LOSSES]) == 40
    assert findings["optimizer"] == optimizer
    assert findings["base_lr"] == pytest.approx(0.3)
    if optimizer in ("SGD", "Adam", "Adamax"):  # whose step on a constant gradient is the rate
        assert made == pytest.approx(RATE[:39], rel=0.02)
    else:
        assert made[-1] != made[0]


@pytest.mark.parametrize(
    ("scheduler", "peak"),
    [("constant", 0.3), ("warmup", 0.3), ("noam", 64**-0.5 * 100**-0.5), ("plateau", 0.3)],
)
def test_the_rate_that_the_task_would_have_had_is_the_highest_of_its_schedule(scheduler, peak, tmp_path):
    findings = probed(tmp_path, scheduler=scheduler)[1]
    assert findings["base_lr"] == pytest.approx(peak, rel=1e-6)


def test_accumulated_passes_count_by_their_mean(tmp_path):
    series, _ = probed(tmp_path, "accumulates")
    assert series[LOSSES].values == pytest.approx(2.0)


def test_a_scaled_loss_is_recorded_unscaled(tmp_path):
    series, _ = probed(tmp_path, "scales")
    assert series[LOSSES].values == pytest.approx(5.0)


def test_a_loss_evaluated_within_the_step_is_seen(tmp_path):
    series, findings = probed(tmp_path, "closes")
    assert findings["optimizer"] == "LBFGS"
    assert series[LOSSES].values[0] == pytest.approx(10.0)
    assert len(series[LOSSES]) == 40


def test_lookahead_hands_the_rate_to_the_optimizer_inside(tmp_path):
    _, findings = probed(tmp_path, "looks_ahead")
    assert findings["optimizer"] == "SGD"
    assert steps_made() == pytest.approx(RATE[:39], rel=1e-5)


def test_the_logged_loss_stands_in_where_no_backward_pass_is_seen(tmp_path):
    series, findings = probed(tmp_path, "logs_only")
    assert findings["loss_from"] == "log"
    assert series[RATES].values == pytest.approx(RATE[1::2])
    assert series[LOSSES].values == pytest.approx(10 - np.cumsum([0, *RATE])[1:-1:2], rel=1e-5)


def test_only_the_first_optimizer_is_searched(tmp_path):
    _, findings = probed(tmp_path, "two")
    assert findings["optimizers"] == 2
    assert np.array(rate_tasks.WEIGHTS) == pytest.approx(0.1)


def test_the_loop_of_paddle_model_is_searched_too(tmp_path):
    series, findings = probed(tmp_path, "fits")
    assert (findings["optimizer"], findings["scheduler"]) == ("Adam", "CosineAnnealingDecay")
    assert set(series) == {RATES, LOSSES}
    assert len(series[LOSSES]) == 40


def test_a_task_that_ends_before_the_last_rate_is_trained_again_in_as_many_steps(tmp_path):
    series, findings = probed(tmp_path, steps=25)
    assert findings["first_step"] == 25
    last = series[RATES].values[series[RATES].steps >= 25]
    assert len(last) == 25
    assert (last[0], last[-1]) == (pytest.approx(1e-5), pytest.approx(1.0))
    assert series[LOSSES].values[series[LOSSES].steps >= 25][0] == 10.0  # from its start, not where it was left


def test_a_task_of_a_few_steps_is_left_at_that(tmp_path):
    series, findings = probed(tmp_path, steps=7)
    assert (len(series[LOSSES]), findings["steps"], findings["first_step"]) == (7, 7, 0)


def test_a_loss_that_is_no_number_ends_the_test_at_once(tmp_path):
    series, _ = probed(tmp_path, "explodes")
    assert len(series[LOSSES]) == 1
    assert np.isnan(series[LOSSES].values[0])


def test_a_task_without_an_optimizer_of_paddle_ends_soon_and_says_so(tmp_path):
    series, findings = probed(tmp_path, "numpy_only", steps=100_000)
    assert findings["optimizers"] == 0
    assert LOSSES not in series
