"""Two roles, one series each: the metric decides converged, the loss (or a broken metric) ends a run as diverged."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sweep.domain.metric import Series
from sweep.domain.metric_names import is_loss, is_validation
from sweep.domain.roles import loss_note
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.tracker import TargetTracker
from sweep.domain.verdict import Verdict
from sweep.judge import judge

STEPS = np.arange(1, 301)
HEALTHY = 2 * np.exp(-STEPS * 0.02) + 0.01
ACC = Target(metric="val/acc", mode=Mode.MAX, threshold=0.8, hold=None, budget_steps=300, stop_early=True)
NONE = Target(metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=300, stop_early=True)


def series(values):
    return Series(STEPS, np.broadcast_to(np.asarray(values, dtype=float), STEPS.shape).copy())


def verdict_on(target, **logged):
    named = {name.replace("__", "/"): series(values) for name, values in logged.items()}
    return judge(named, target, {}, ended=StopReason.BUDGET, state=TrialState.COMPLETED)


def ends(target, *points):
    """Return what a tracker answers to each (step, metrics)."""
    tracker = TargetTracker(target)
    return [tracker.update(step, metrics) for step, metrics in points], tracker.state()


BESIDE = {
    "a loss scale that doubles": ("amp/loss_scale", 2.0 ** (STEPS // 10)),
    "a weight of a loss that grows from nothing": ("consistency_loss_weight", 1e-6 * STEPS**3),
    "a time": ("loss_ms", np.where(STEPS == 1, 0.001, 50.0)),
    "an auxiliary loss, NaN on empty batches": ("aux/loss", np.where(STEPS % 3, 0.1, math.nan)),
    "a KL term annealed from 0": ("train/kl_loss", 1e-6 * STEPS**2),
    "a validation loss that is infinite": ("val/loss", np.full(300, math.inf)),
    "a gradient norm": ("grad_norm", np.full(300, math.nan)),
}


@pytest.mark.parametrize(("name", "values"), BESIDE.values(), ids=BESIDE)
def test_no_other_series_ends_a_run_whatever_its_name(name, values):
    result = verdict_on(ACC, **{"val/acc": 1 - HEALTHY / 2.01, "train/loss": HEALTHY, name: values})
    assert result.verdict is Verdict.CONVERGED


@pytest.mark.parametrize("loss", ["train/loss", "train_loss", "loss"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e9])
def test_the_only_series_called_so_is_the_loss_and_ends_a_run(loss, bad):
    result = verdict_on(ACC, **{"val/acc": 0.1, loss: np.where(STEPS < 50, 2.0, bad)})
    assert result.verdict is Verdict.DIVERGED
    assert result.reason.startswith(loss)
    assert "step 50" in result.reason


def test_a_metric_that_is_no_number_ends_a_run():
    assert verdict_on(ACC, **{"val/acc": math.nan, "loss": HEALTHY}).verdict is Verdict.DIVERGED


def test_a_metric_that_is_no_loss_does_not_blow_up():
    target = replace(ACC, threshold=1e9)
    assert verdict_on(target, **{"val/acc": 1e-3 * STEPS**3}).verdict is not Verdict.DIVERGED


def test_the_loss_named_by_the_user_is_the_only_one_that_counts():
    target = replace(ACC, loss="model/ce")
    beside = {"val/acc": 0.1, "train/loss": math.nan}
    assert verdict_on(target, **beside, **{"model/ce": HEALTHY}).verdict is not Verdict.DIVERGED
    bad = verdict_on(target, **{"val/acc": 0.1, "train/loss": HEALTHY, "model/ce": math.nan})
    assert (bad.verdict, "model/ce" in bad.reason) == (Verdict.DIVERGED, True)


def test_a_metric_that_is_a_loss_is_the_loss_too():
    target = replace(ACC, metric="val/loss", mode=Mode.MIN, threshold=0.1)
    blown = np.where(STEPS < 50, 2.0, 1e6)
    assert verdict_on(target, **{"val/loss": blown, "train/loss": HEALTHY}).verdict is Verdict.DIVERGED
    assert verdict_on(target, **{"val/loss": HEALTHY, "train/loss": math.nan}).verdict is Verdict.CONVERGED


def test_several_candidates_end_nothing_where_a_target_decides():
    logged = {"val/acc": 1 - HEALTHY / 2.01, "train/loss": HEALTHY, "loss": np.full(300, math.nan)}
    assert verdict_on(ACC, **logged).verdict is Verdict.CONVERGED
    logged = {"val/acc": np.full(300, 0.1), "train/loss": np.full(300, math.nan), "loss": HEALTHY}
    result = verdict_on(ACC, **logged)
    assert result.verdict is Verdict.NOT_CONVERGED
    assert "converge.loss=train/loss" in loss_note(ACC, logged)


def test_one_candidate_leaves_nothing_to_note():
    assert loss_note(ACC, ["val/acc", "train/loss", "aux_loss"]) == ""
    assert loss_note(replace(ACC, loss="loss"), ["val/acc", "train/loss", "loss"]) == ""


def test_a_named_loss_that_no_trial_logged_is_noted_with_the_nearest():
    note = loss_note(replace(ACC, loss="train/los"), ["val/acc", "train/loss", "watch/loss"])
    assert "train/los " in note
    assert "converge.loss=train/loss" in note
    assert loss_note(replace(ACC, loss="train/los"), []) == ""
    assert loss_note(replace(NONE, loss="train/los"), ["train/loss"]) == ""  # the verdict says it


def test_a_loss_that_falls_below_zero_is_not_judged_by_half_of_its_first_value():
    judged = verdict_on(NONE, train__loss=0.5 - 25 * (1 - np.exp(-STEPS / 80)))
    assert judged.verdict is Verdict.UNDECIDED
    assert "below 0" in judged.reason
    assert "converge.target=NUMBER" in judged.reason
    assert loss_note(NONE, ["train/loss", "loss"]) == ""  # nothing is judged there, and that says so


def test_several_candidates_are_not_judged_without_a_target():
    result = verdict_on(NONE, train_loss=HEALTHY, loss=HEALTHY)
    assert result.verdict is Verdict.UNDECIDED
    assert all(word in result.reason for word in ("train_loss", "loss", "converge.loss="))
    assert verdict_on(replace(NONE, loss="train_loss"), train_loss=HEALTHY, loss=2.3).verdict is Verdict.CONVERGED


def test_a_weight_is_not_taken_for_the_loss_without_a_target():
    result = verdict_on(NONE, loss_weight=1 / STEPS, train_loss=2.3)
    assert result.verdict is Verdict.STALLED
    assert "train_loss" in result.reason


def test_a_loss_by_another_name_has_to_be_named_without_a_target():
    result = verdict_on(NONE, ce_loss=HEALTHY)
    assert result.verdict is Verdict.UNDECIDED
    assert "converge.loss=ce_loss" in result.reason
    assert verdict_on(replace(NONE, loss="ce_loss"), ce_loss=HEALTHY).verdict is Verdict.CONVERGED


@pytest.mark.parametrize("start", [-1.0, 0.0])
def test_half_of_a_start_at_or_below_zero_means_nothing(start):
    result = verdict_on(NONE, **{"train/loss": start - 0.05 * (STEPS - 1)})
    assert result.verdict is Verdict.UNDECIDED
    assert "converge.target=" in result.reason


def test_a_loss_below_zero_is_judged_by_a_rule_that_has_a_level():
    facts = {"label_entropy": 2.0}
    logged = {"train/loss": series(-1.0)}
    result = judge(logged, NONE, facts, ended=StopReason.BUDGET, state=TrialState.COMPLETED)
    assert result.verdict is Verdict.CONVERGED


def test_a_first_value_near_zero_is_no_measure_of_a_blow_up():
    values = [1e-6, 2.0, 1.9, 2.1, 2.0, *[1.5] * 20]
    answers, _ = ends(ACC, *((step, {"loss": value}) for step, value in enumerate(values, 1)))
    assert set(answers) == {None}


def test_a_loss_a_thousand_times_its_start_is_divergence_from_the_fifth_value_on():
    values = [2.0, 2.1, 1.9, 2.0, 1999.0, 2001.0]
    answers, state = ends(ACC, *((step, {"loss": value}) for step, value in enumerate(values, 1)))
    assert answers == [None] * 5 + [StopReason.DIVERGED]
    assert (state.divergence.step, state.divergence.limit) == (6, 2000.0)


def test_a_loss_below_zero_blows_up_against_the_size_of_its_start():
    values = [-1.0, -2.0, -2.0, -2.0, -2.0, 1999.0, 2001.0]
    answers, _ = ends(ACC, *((step, {"loss": value}) for step, value in enumerate(values, 1)))
    assert answers == [None] * 6 + [StopReason.DIVERGED]


def test_a_loss_that_starts_with_zeros_has_no_bound():
    values = [0.0] * 6 + [5.0]
    assert ends(ACC, *((step, {"loss": value}) for step, value in enumerate(values, 1)))[0][-1] is None


def test_a_second_candidate_in_the_same_step_takes_the_decision_back():
    answers, state = ends(ACC, (1, {"train_loss": math.nan}), (1, {"loss": 1.0}), (2, {"loss": 1.0}))
    assert answers == [StopReason.DIVERGED, None, None]
    assert (state.divergence, state.candidates) == (None, ("train_loss", "loss"))


def test_a_second_candidate_in_a_later_step_leaves_what_was_decided():
    target = replace(ACC, stop_early=False)
    _, state = ends(target, (1, {"train_loss": math.nan}), (2, {"loss": 1.0}), (3, {"train_loss": math.nan}))
    assert state.divergence.step == 1
    _, state = ends(target, (1, {"train_loss": 1.0}), (2, {"loss": 1.0}), (3, {"train_loss": math.nan}))
    assert state.divergence is None


@pytest.mark.parametrize("name", ["loss", "train/loss", "ce_loss", "loss_ce", "weight_decay_loss", "celoss", "losses"])
def test_a_loss_by_its_name(name):
    assert is_loss(name)


@pytest.mark.parametrize(
    "name", ["amp/loss_scale", "consistency_loss_weight", "loss_ms", "loss_time", "loss_lambda", "watch/loss", "acc"]
)
def test_no_loss_by_its_name(name):
    assert not is_loss(name)


@pytest.mark.parametrize("name", ["val/loss", "loss/val", "val_loss", "valid/loss", "eval-loss", "dev/x", "lossTest"])
def test_held_out_by_its_name(name):
    assert is_validation(name)


@pytest.mark.parametrize("name", ["train/loss", "value_loss", "testament", "interval/loss", "loss"])
def test_not_held_out_by_its_name(name):
    assert not is_validation(name)
