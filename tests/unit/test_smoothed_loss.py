"""A training loss is compared smoothed, over a part of the budget; a reason has both values. Others are raw."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from sweep.domain.compared import compared_series
from sweep.domain.metric import Series
from sweep.domain.smoothing import Smoother, is_smoothed
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.tracker import TargetTracker
from sweep.domain.verdict import Verdict
from sweep.judge import judge
from sweep.report.documents import TargetDocument
from sweep.report.phrases import target_text
from sweep.report.sections import with_compared
from sweep.report.trial import metric_table

TARGET = Target(metric="loss", mode=Mode.MIN, threshold=0.1, hold=None, budget_steps=30, stop_early=True)
STEPS = np.arange(1, 31)


def verdict_on(values, **changes):
    target = replace(TARGET, **changes)
    steps = np.arange(1, len(values) + 1)
    series = {target.metric: Series(steps, np.asarray(values, dtype=float))}
    return judge(series, target, {}, ended=StopReason.RETURNED, state=TrialState.COMPLETED)


def test_a_short_run_is_not_judged_by_the_mean_of_all_of_it():
    result = verdict_on(1 / STEPS)
    assert result.verdict is Verdict.CONVERGED
    assert 10 <= result.tau <= 12


@pytest.mark.parametrize(
    ("budget", "smooth", "half_life"),
    [(30, None, 0.6), (1000, None, 20.0), (1700, None, 34.0), (100_000, None, 34.0), (30, 0.0, 0.0), (30, 5.0, 5.0)],
)
def test_the_half_life_is_34_steps_and_at_most_two_percent_of_the_budget(budget, smooth, half_life):
    assert replace(TARGET, budget_steps=budget, smooth=smooth).smooth_steps == pytest.approx(half_life)


@pytest.mark.parametrize(("threshold", "is_slow"), [(1 / 100, False), (1 / 190, True)])
def test_a_loss_whose_raw_values_met_the_target_is_not_slow_though_the_smoothed_one_missed_it(threshold, is_slow):
    result = verdict_on(1 / np.arange(1, 101), threshold=threshold, budget_steps=100, smooth=20.0)
    assert result.verdict is Verdict.NOT_CONVERGED
    assert any(symptom.rule == "slow" for symptom in result.symptoms) is is_slow


def test_a_value_counts_half_after_a_half_life():
    smoother = Smoother(10.0)
    assert smoother.take(1, 4.0) == 4.0
    # The first value has halved; what came since has the other half of its weight.
    decay = 0.5 ** (1 / 10)
    total = weight = 0.0
    for step in range(1, 12):
        total, weight = decay * total + (1 - decay) * (4.0 if step == 1 else 0.0), decay * weight + (1 - decay)
        if step > 1:
            assert smoother.take(step, 0.0) == pytest.approx(total / weight)
    assert total == pytest.approx((1 - decay) * 2.0)


@pytest.mark.parametrize("value", [0.1, 2.3, 1e-9, 1 / 3])
def test_a_constant_stays_what_it_is(value):
    smoother = Smoother(7.0)
    assert {smoother.take(step, value) for step in range(1, 200)} == {value}


def test_without_smoothing_values_are_compared_as_logged():
    values = [1.0, 0.05, 0.05, 0.05]
    assert verdict_on(values, smooth=0.0, hold=3).tau == 2
    assert verdict_on(values, smooth=30.0, hold=3).verdict is not Verdict.CONVERGED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss", True), ("train/loss", True), ("ce_loss", True), ("val/loss", False), ("test_loss", False),
        ("loss/dev", False), ("val/acc", False), ("train/acc", False), ("train/nll", False),
    ],
)  # fmt: skip
def test_only_a_training_loss_is_smoothed(name, expected):
    assert is_smoothed(replace(TARGET, metric=name), name) is expected


def test_a_series_that_is_named_as_the_loss_is_smoothed():
    assert is_smoothed(replace(TARGET, metric="train/nll", loss="train/nll"), "train/nll")


def test_a_miss_says_the_compared_and_the_raw_value():
    result = verdict_on([*[1.0] * 29, 0.033], smooth=10.0)
    assert result.verdict is Verdict.NOT_CONVERGED
    assert all(text in result.reason for text in ("smoothed loss 0.9", "> 0.1", "last raw value 0.033"))


def test_a_raw_metric_is_not_said_to_be_smoothed():
    assert "smoothed" not in verdict_on([0.5] * 30, metric="val/loss").reason


def test_what_is_compared_later_is_what_the_run_compared():
    target = replace(TARGET, smooth=4.0, stop_early=False)
    values = [1.0, 0.4, math.nan, 0.2, 0.3]
    tracker, seen = TargetTracker(target), []
    for step, value in enumerate(values, 1):
        tracker.update(step * 3, {"loss": value})
        if math.isfinite(value):
            seen.append(tracker.state().compared)
    name, compared = compared_series(target, {"loss": Series(3 * np.arange(1, 6), np.array(values))})
    assert name == "loss"
    assert compared.steps.tolist() == [3, 6, 12, 15]
    assert compared.values.tolist() == pytest.approx(seen)
    assert compared_series(replace(target, metric="val/acc"), {"val/acc": Series(STEPS, 1.0 / STEPS)}) is None
    assert compared_series(target, {}) is None


def test_show_has_the_compared_values_beside_the_raw_ones():
    console = Console(file=io.StringIO(), width=120)
    logged = {"loss": 1 / STEPS, "acc": 1 - 1 / STEPS}
    points = {name: list(zip(STEPS.tolist(), values.tolist(), strict=True)) for name, values in logged.items()}
    console.print(metric_table(points, TARGET))
    rows = [line.split() for line in console.file.getvalue().splitlines()]
    assert [row[:2] for row in rows if row and row[0] in ("loss", "acc", "smoothed")] == [
        ["loss", "30"],
        ["smoothed", "loss"],
        ["acc", "30"],
    ]


def test_a_report_draws_the_compared_values_beside_the_raw_ones():
    curves = {"loss": Series(STEPS, 1 / STEPS), "acc": Series(STEPS, 1 - 1 / STEPS)}
    assert list(with_compared(TARGET, curves)) == ["loss", "acc", "smoothed loss"]
    assert list(with_compared(replace(TARGET, metric="acc", mode=Mode.MAX), curves)) == ["loss", "acc"]


def test_the_target_is_told_with_its_smoothing():
    plain = TargetDocument(metric="loss", mode="min", threshold=0.1, budget_steps=30)
    assert "smoothed loss ≤ 0.1" in target_text(replace(plain, smooth_steps=0.6))
    assert "smoothed" not in target_text(plain)
