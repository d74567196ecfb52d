import numpy as np
import pytest

from sweep.analysis.checks.overfit import read_check
from sweep.domain.check import Check, CheckName
from sweep.domain.checked import CheckContext, CheckTrial
from sweep.domain.metric import Series
from sweep.domain.overfit import OverfitFindings, OverfitGate, Side, side_of
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target

NO_TARGET = Target(metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=20, stop_early=True)


def run(points, fraction=0.01):
    gate = OverfitGate(fraction, NO_TARGET)
    for step, values in points:
        gate.update(step, values)
    return gate.state()


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("val/acc", Side.ONE),
        ("train_accuracy", Side.ONE),
        ("acc@top1", Side.ONE),
        ("val/error", Side.ZERO),
        ("err", Side.ZERO),
        ("mean_squared_error", None),
        ("train/loss", None),
        ("val/r2", None),
    ],
)
def test_what_a_metric_counts_is_known_by_its_name(name, side):
    assert side_of(name) is side


def test_no_error_with_the_loss_halved_is_learnt_at_once():
    losses = {1: 2.0, 5: 1.2, 10: 0.6, 15: 0.3}
    state = run([(step, {"train/loss": loss, "val/acc": 1.0}) for step, loss in losses.items()])
    assert (state.is_learnt, state.learnt_at, state.metric) == (True, 15, "val/acc")


def test_one_evaluation_without_error_is_chance_while_the_loss_is_where_it_began():
    points = [(step, {"train/loss": 0.69, "val/acc": 1.0 if step == 20 else 0.5}) for step in range(5, 60, 5)]
    assert not run(points).is_learnt


def test_no_error_to_the_end_is_learnt_although_the_loss_stays_high():
    state = run([(step, {"train/loss": 2.3 - step / 100, "val/acc": 1.0}) for step in range(1, 40)])
    assert state.is_learnt
    assert state.learnt_at is None


def test_without_a_loss_three_evaluations_in_succession_count():
    assert run([(k, {"val/error": 0.0}) for k in (1, 2)]).learnt_at is None
    assert run([(k, {"val/error": 0.0}) for k in (1, 2, 3)]).learnt_at == 3


def test_an_accuracy_in_percent_is_full_at_a_hundred():
    assert not run([(k, {"acc": 1.0 + k}) for k in range(5)]).is_learnt
    assert run([(k, {"acc": 100.0}) for k in range(3)]).is_learnt


def test_the_validation_sets_accuracy_goes_before_that_of_a_batch():
    state = run([(k, {"train/loss": 1 / k, "train/acc": 1.0, "val/acc": 0.9}) for k in range(1, 9)])
    assert not state.is_learnt
    assert state.metric == "val/acc"


def test_a_regression_has_learnt_where_three_losses_are_on_average_at_most_the_fraction_of_the_first():
    points = [(1, {"train/loss": 100.0}), (2, {"train/loss": 0.1}), (3, {"train/loss": 5.0}), (4, {"train/loss": 0.1})]
    assert run(points).learnt_at is None
    assert run([*points, (5, {"train/loss": 0.1}), (6, {"train/loss": 0.1})]).learnt_at == 6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_ends_it(value):
    state = run([(1, {"train/loss": 1.0}), (2, {"train/loss": value}), (3, {"train/loss": 0.001, "val/acc": 1.0})])
    assert state.bad_step == 2
    assert not state.is_learnt


def test_a_loss_without_a_floor_is_never_learnt_by_its_part():
    state = run([(k, {"loss": -float(k)}) for k in range(1, 30)])
    assert not state.is_learnt
    assert state.loss_part is None


def test_what_the_monitor_adds_is_no_metric_of_the_tasks():
    assert run([(k, {"watch/loss": 1.0 / k**4, "watch/error": 0.0}) for k in range(1, 30)]).metric is None


def answer_of(losses, right, classes):
    steps = np.arange(1, len(losses) + 1)
    logged = {"train/loss": losses, "val/acc": [right] * len(losses)}
    trial = CheckTrial(
        number=0,
        seed=0,
        state=TrialState.COMPLETED,
        message="",
        series={name: Series(steps, np.asarray(values, dtype=float)) for name, values in logged.items()},
        findings=OverfitFindings(samples=len(classes), classes=tuple(classes)),
        artifacts="trials/0/artifacts",
    )
    check = Check(name=CheckName.OVERFIT, settings={"steps": len(losses), "loss_fraction": 0.01})
    return read_check([trial], CheckContext(check=check, task={}, target=NO_TARGET)).answer


def test_a_loss_that_only_comes_down_to_that_of_a_guess_points_to_the_scale_of_the_inputs():
    classes = ["0"] * 4 + ["1"] * 3 + ["2"] * 3
    answer = answer_of([44.8, 3.0, *[1.089] * 8], 0.4, classes)
    assert "the loss falls from 44.8 to that of a guess: check the input scale" in answer
    assert "a guess" not in answer_of([1.2, 1.1, *[1.089] * 8], 0.4, classes), "slow, and not from far above"
    assert "labels reach the loss and the metric" in answer_of([44.8, 3.0, *[0.7] * 8], 0.4, classes)
