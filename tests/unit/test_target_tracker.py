"""The tracker: when a run has converged, diverged, or lost its target (docs/method.md)."""

import math
from dataclasses import replace

import pytest

from sweep.domain.states import StopReason
from sweep.domain.target import Mode, Target, TargetRule
from sweep.domain.tracker import TargetTracker

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)


def target(**changes):
    return replace(TARGET, **changes)


def feed(tracker, metric, points):
    for step, value in points:
        tracker.update(step, {metric: value})
    return tracker.state()


def test_tau_is_the_step_where_the_held_streak_began():
    state = feed(TargetTracker(target()), "val/acc", [(10, 0.95), (20, 0.5), (30, 0.9), (40, 0.91), (50, 0.92)])
    assert (state.tau, state.held_at) == (30, 50)


def test_a_streak_shorter_than_the_hold_is_a_miss():
    state = feed(TargetTracker(target()), "val/acc", [(10, 0.95), (20, 0.95), (30, 0.5), (40, 0.95)])
    assert state.tau is None


def test_default_hold_needs_three_evaluations_and_five_percent_of_the_budget():
    tracker = TargetTracker(target(hold=None))  # 5 % of 600 is 30 steps
    assert feed(tracker, "val/acc", [(s, 0.95) for s in range(1, 31)]).tau is None
    assert tracker.update(31, {"val/acc": 0.95}) is StopReason.CONVERGED
    sparse = TargetTracker(target(hold=None))
    assert feed(sparse, "val/acc", [(100, 0.95), (200, 0.95)]).tau is None
    assert sparse.update(300, {"val/acc": 0.95}) is StopReason.CONVERGED


def test_a_loss_is_compared_smoothed_and_bias_corrected():
    tracker = TargetTracker(target(metric="train/loss", mode=Mode.MIN, threshold=0.5, hold=1))
    assert tracker.update(1, {"train/loss": 2.0}) is None
    assert tracker.update(2, {"train/loss": 0.1}) is None  # (2 * .98 + .1) / 1.98 = 1.04
    assert tracker.update(502, {"train/loss": 0.1}) is StopReason.CONVERGED  # 500 steps later the old value is gone


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["val/acc", "train/loss"])
def test_a_non_finite_target_metric_or_loss_is_divergence(metric, value):
    tracker = TargetTracker(target())
    assert tracker.update(5, {metric: value}) is StopReason.DIVERGED
    assert tracker.state().divergence.step == 5


def test_a_non_finite_value_of_another_metric_is_not_divergence():
    assert TargetTracker(target()).update(5, {"grad_norm": math.nan}) is None


def test_convergence_after_divergence_is_not_convergence():
    tracker = TargetTracker(target())
    tracker.update(1, {"train/loss": math.nan})
    for step in range(2, 9):
        assert tracker.update(step, {"val/acc": 0.99}) is StopReason.DIVERGED


def test_divergence_outweighs_convergence_at_the_same_step():
    tracker = TargetTracker(target(hold=1))
    assert tracker.update(5, {"val/acc": 0.99, "train/loss": math.nan}) is StopReason.DIVERGED


def test_what_comes_after_the_decision_counts_for_nothing():
    tracker = TargetTracker(target(hold=1))
    assert tracker.update(5, {"val/acc": 0.95}) is StopReason.CONVERGED
    assert tracker.update(6, {"val/acc": math.nan}) is StopReason.CONVERGED
    assert tracker.state().final == 0.95


def test_without_early_stop_nothing_ends_the_run():
    tracker = TargetTracker(target(stop_early=False, hold=1))
    assert tracker.update(5, {"val/acc": 0.95}) is None
    assert tracker.update(6, {"val/acc": math.nan}) is None
    assert tracker.state().divergence.step == 6


def test_reached_then_lost_names_the_step_of_the_loss():
    points = [(10, 0.95), (20, 0.95), (30, 0.95), (40, 0.2), (50, 0.2)]
    state = feed(TargetTracker(target(stop_early=False)), "val/acc", points)
    assert (state.tau, state.lost_at) == (10, 40)


def test_one_bad_evaluation_at_the_end_does_not_lose_the_target():
    points = [(10, 0.95), (20, 0.95), (30, 0.95), (40, 0.2)]
    assert feed(TargetTracker(target(stop_early=False)), "val/acc", points).lost_at is None


def test_a_target_held_again_is_not_lost():
    values = [0.95, 0.95, 0.95, 0.2, 0.2, 0.2, 0.95, 0.95, 0.95]
    state = feed(TargetTracker(target(stop_early=False)), "val/acc", list(enumerate(values)))
    assert (state.tau, state.lost_at) == (0, None)


def no_target(**changes):
    return target(metric=None, mode=Mode.MIN, threshold=None, hold=1, **changes)


def test_skill_is_used_where_the_label_entropy_is_known():
    tracker = TargetTracker(no_target(), {"label_entropy": math.log(10)})
    assert tracker.update(1, {"loss": 1.16}) is None
    assert tracker.state().rule is TargetRule.SKILL
    assert tracker.update(900, {"loss": 1.15}) is StopReason.CONVERGED


def test_explained_variance_is_used_where_the_target_variance_is_learned():
    tracker = TargetTracker(no_target())
    tracker.learn({"target_variance": 4.0})
    assert tracker.update(1, {"loss": 2.1}) is None
    assert tracker.update(900, {"loss": 1.9}) is StopReason.CONVERGED
    assert tracker.state().rule is TargetRule.EXPLAINED_VARIANCE


def test_half_of_the_first_loss_is_the_last_resort():
    tracker = TargetTracker(no_target(), {"label_entropy": "unknown", "target_variance": math.nan})
    assert tracker.update(1, {"loss": 8.0}) is None
    assert tracker.state().rule is TargetRule.HALF_LOSS
    assert tracker.update(900, {"loss": 3.9}) is StopReason.CONVERGED


def test_a_loss_that_falls_below_zero_has_no_half():
    tracker = TargetTracker(no_target())
    values = [0.5 - 0.2 * step for step in range(1, 400)]
    assert {tracker.update(step, {"loss": value}) for step, value in enumerate(values, start=1)} == {None}
    assert tracker.state().level is None
    assert tracker.state().tau is None


def test_rounding_below_zero_does_not_take_a_loss_its_half():
    tracker = TargetTracker(no_target())
    assert tracker.update(1, {"loss": 8.0}) is None
    tracker.update(2, {"loss": -1e-9})
    assert tracker.state().level == 4.0


def test_without_a_target_the_training_loss_is_watched():
    tracker = TargetTracker(no_target(stop_early=False))
    tracker.update(1, {"z_loss": 3.0, "val/loss": 3.0})
    assert tracker.state().metric is None
    tracker.update(2, {"train/loss": 3.0})
    assert tracker.state().metric == "train/loss"


def test_a_named_loss_without_threshold_is_the_one_watched():
    tracker = TargetTracker(target(metric="aux/loss", mode=Mode.MIN, threshold=None))
    tracker.update(1, {"val/loss": 3.0, "aux/loss": 2.0})
    assert tracker.state().metric == "aux/loss"


def test_nothing_is_watched_where_no_usable_metric_was_logged():
    state = feed(TargetTracker(no_target()), "val/acc", [(1, 0.5)])
    assert (state.metric, state.evaluations) == (None, 0)


def test_best_and_final_are_raw_finite_values():
    state = feed(TargetTracker(target(stop_early=False)), "val/acc", [(1, 0.5), (2, 0.8), (3, 0.6), (4, math.nan)])
    assert (state.best, state.final, state.evaluations) == (0.8, 0.6, 3)
