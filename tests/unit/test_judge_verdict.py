"""Verdicts: what is said of a run, given what it logged and how it ended."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from sweep.domain.metric import Series
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Verdict
from sweep.judge import judge

STEPS = np.arange(20, 601, 20)
TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)


def target(**changes):
    return replace(TARGET, **changes)


def series(values, steps=STEPS):
    values = np.broadcast_to(np.asarray(values, dtype=float), (len(steps),))
    return Series(np.asarray(steps), values.copy())


def said(logged, *, ended=StopReason.BUDGET, state=TrialState.COMPLETED, facts=None, **changes):
    return judge(logged, target(**changes), facts or {}, ended=ended, state=state)


def test_a_held_target_is_converged_with_tau_and_the_reason():
    result = said({"val/acc": series(np.linspace(0.5, 1.0, 30))}, ended=StopReason.CONVERGED)
    assert result.verdict is Verdict.CONVERGED
    assert result.tau == 500
    assert result.reason == "val/acc >= 0.9 held for 3 evaluations from step 500"
    assert result.rule == "target"


def test_a_nan_loss_is_diverged_and_never_has_a_tau():
    loss = series(1.0)
    loss.values[10:] = np.nan
    result = said({"train/loss": loss, "val/acc": series(0.1)}, ended=StopReason.DIVERGED)
    assert (result.verdict, result.tau) == (Verdict.DIVERGED, None)
    assert result.reason == "train/loss is nan at step 220"


def test_nan_from_the_first_step_is_diverged_although_the_target_was_never_logged():
    assert said({"train/loss": series(np.nan)}).verdict is Verdict.DIVERGED


def test_reached_then_lost_is_not_converged():
    values = np.r_[np.full(10, 0.95), np.full(20, 0.1)]
    result = said({"val/acc": series(values)}, stop_early=False)
    assert result.verdict is Verdict.NOT_CONVERGED
    assert result.reason.startswith("reached, then lost at step 220")


def test_divergence_after_the_target_was_reached_is_diverged():
    loss = series(1.0)
    loss.values[25:] = np.inf
    result = said({"train/loss": loss, "val/acc": series(0.95)}, stop_early=False)
    assert result.verdict is Verdict.DIVERGED
    assert re.search("after val/acc >= 0.9 .* from step 20$", result.reason)


def test_a_flat_loss_at_the_end_makes_a_miss_stalled():
    noise = np.random.default_rng(0).normal(0, 0.1, 600)
    logged = {"train/loss": series(2.3 + noise, np.arange(1, 601)), "val/acc": series(0.1)}
    result = said(logged)
    assert result.verdict is Verdict.STALLED
    assert "train/loss changes by" in result.reason


def test_a_falling_loss_short_of_the_target_is_not_converged():
    steps = np.arange(1, 601)
    noise = np.random.default_rng(0).normal(0, 0.1, 600)
    logged = {"train/loss": series(2.3 * np.exp(-steps / 400) + noise, steps), "val/acc": series(0.5)}
    assert said(logged).verdict is Verdict.NOT_CONVERGED


def test_a_metric_that_was_never_logged_is_undecided_and_those_logged_are_named():
    result = said({"train/loss": series(1.0), "val/accuracy": series(0.95)})
    assert result.verdict is Verdict.UNDECIDED
    assert result.reason.startswith("val/acc was never logged; ")
    assert "logged: train/loss, val/accuracy (" in result.reason


def test_nothing_logged_is_undecided():
    result = said({}, ended=None, state=TrialState.FAILED)
    assert (result.verdict, result.last_step) == (Verdict.UNDECIDED, 0)
    assert result.reason == "val/acc was never logged; logged: nothing (failed)"


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.CANCELLED, TrialState.PRUNED, TrialState.TIMED_OUT])
def test_a_run_cut_short_of_its_target_is_undecided(state):
    assert said({"val/acc": series(0.5)}, ended=None, state=state).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("ended", [StopReason.PRUNED, StopReason.STOPPED])
def test_a_result_of_a_run_that_was_stopped_from_outside_is_undecided(ended):
    assert said({"val/acc": series(0.5)}, ended=ended).verdict is Verdict.UNDECIDED


def test_a_run_that_diverged_and_then_failed_is_diverged():
    assert said({"train/loss": series(np.inf)}, ended=None, state=TrialState.FAILED).verdict is Verdict.DIVERGED


def test_a_run_that_held_its_target_and_then_failed_is_converged_only_where_it_may_stop_there():
    logged = {"val/acc": series(0.95)}
    assert said(logged, ended=None, state=TrialState.FAILED).verdict is Verdict.CONVERGED
    assert said(logged, ended=None, state=TrialState.FAILED, stop_early=False).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(("values", "tau", "text"), [([0.95], 300, "once"), ([0.95, 0.95], 300, "twice")])
@pytest.mark.parametrize("hold", [None, 3])
@pytest.mark.parametrize("ended", [StopReason.RETURNED, StopReason.BUDGET])
@pytest.mark.parametrize("stop_early", [True, False])
def test_a_whole_run_that_is_evaluated_less_often_than_the_hold_is_held_by_all_of_its_evaluations(
    values, tau, text, hold, ended, stop_early
):
    logged = {"val/acc": series(values, [300, 600][: len(values)])}
    result = said(logged, hold=hold, ended=ended, stop_early=stop_early)
    assert (result.verdict, result.tau) == (Verdict.CONVERGED, tau)
    assert f"evaluated {text} " in result.reason


def test_one_miss_among_too_few_evaluations_is_a_miss():
    result = said({"val/acc": series([0.5, 0.95], [300, 600])})
    assert result.verdict is Verdict.NOT_CONVERGED
    assert "evaluated 2 times" in result.reason


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.CANCELLED, TrialState.PRUNED, TrialState.TIMED_OUT])
def test_too_few_evaluations_of_a_run_cut_short_decide_nothing(state):
    assert said({"val/acc": series([0.95], [300])}, ended=None, state=state).verdict is Verdict.UNDECIDED


def test_what_the_monitor_logged_is_not_listed_where_the_metric_is_missing():
    reason = said({"train/loss": series(0.5), "watch/lr": series(0.1)}).reason
    assert "train/loss" in reason
    assert "watch/" not in reason


def test_the_rule_used_without_a_threshold_is_named():
    loss = {"train/loss": series(0.5)}
    assert said(loss, threshold=None, facts={"label_entropy": math.log(10)}).rule == "skill"
    assert said(loss, threshold=None, facts={"target_variance": 2.0}).rule == "explained_variance"
    assert said(loss, threshold=None).rule == "half_loss"
    result = said(loss, threshold=None, facts={"label_entropy": math.log(10)})
    assert "train/loss <= 1.151 (skill 0.5: half of the label entropy)" in result.reason
