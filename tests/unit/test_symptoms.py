"""Symptom rules: each fires on the series it is for, and is silent on a healthy one."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from sweep.domain.metric import Series
from sweep.domain.symptoms import about_of
from sweep.domain.target import Mode, Target
from sweep.judge import RULES, SymptomThresholds, find_symptoms
from sweep.judge.symptoms import Evidence, smoothed
from sweep.judge.verdict import replay

STEPS = np.arange(1, 601)
EVALS = np.arange(20, 601, 20)
TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=False)


def found(rule, *, loss=None, acc=None, val=None, **more):
    series = {name: Series(STEPS[: len(values)], np.asarray(values, dtype=float)) for name, values in more.items()}
    if loss is not None:
        series["train/loss"] = Series(STEPS[: len(loss)], np.asarray(loss, dtype=float))
    if acc is not None:
        series["val/acc"] = Series(EVALS[: len(acc)], np.asarray(acc, dtype=float))
    if val is not None:
        series["val/loss"] = Series(EVALS[: len(val)], np.asarray(val, dtype=float))
    return RULES[rule](evidence(series))


def evidence(series):
    state = replay(series, TARGET, {})
    return Evidence(series=series, target=TARGET, state=state, thresholds=SymptomThresholds())


def noise(seed, scale, count=600):
    """Mini-batch noise: a factor per step, as strong as small batches make it."""
    return np.exp(np.random.default_rng(seed).normal(0, scale, count))


def healthy(seed, scale=0.3, tau=150):
    return 2.3 * (0.95 * np.exp(-STEPS / tau) + 0.05) * noise(seed, scale)


RISING = 0.1 + 0.85 * (1 - np.exp(-EVALS / 150))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_names_the_metric_and_the_first_step(bad):
    loss = np.ones(600)
    loss[[41, 50]] = bad
    (symptom,) = found("non_finite", loss=loss)
    assert (symptom.metric, symptom.step) == ("train/loss", 42)


def test_non_finite_sees_gradients_and_is_silent_on_other_metrics():
    assert found("non_finite", grad_norm=[1.0, np.nan])
    assert not found("non_finite", precision=[1.0, np.nan])


def test_blow_up_fires_when_a_loss_climbs_far_above_its_best():
    loss = np.r_[np.linspace(2.3, 0.3, 300), np.linspace(0.3, 9.0, 300)]
    (symptom,) = found("blow_up", loss=loss)
    assert 300 < symptom.step < 500
    assert symptom.value > symptom.threshold


def test_blow_up_fires_at_a_thousand_times_the_first_value():
    (symptom,) = found("blow_up", loss=[2.0, 2.0, 5000.0])
    assert (symptom.step, symptom.threshold) == (3, 2000.0)
    assert symptom.message.startswith("train/loss 5000 is over 1000 x ")


def test_blow_up_is_silent_where_only_the_first_value_is_near_zero():
    assert not found("blow_up", loss=np.r_[1e-9, np.linspace(2.3, 1.0, 300)])


def test_blow_up_is_silent_where_a_loss_near_zero_wobbles():
    loss = np.r_[np.geomspace(2.3, 1e-4, 400), np.full(200, 1e-2)]
    assert not found("blow_up", loss=loss)


def test_blow_up_looks_past_non_finite_values():
    assert not found("blow_up", loss=np.r_[np.nan, np.linspace(2.3, 1.0, 300), np.inf])


def test_flat_fires_on_a_noisy_loss_that_does_not_fall():
    (symptom,) = found("flat", loss=2.3 * noise(0, 0.2), acc=np.full(30, 0.1))
    assert symptom.value < symptom.threshold
    assert symptom.step < 350


def test_flat_tells_since_when():
    loss = np.r_[np.linspace(2.3, 1.0, 300), np.full(300, 1.0)]
    (symptom,) = found("flat", loss=loss, acc=np.full(30, 0.1))
    assert 200 <= symptom.step <= 340


def test_flat_is_silent_once_the_target_is_held():
    assert not found("flat", loss=np.full(600, 0.01), acc=np.full(30, 0.95))


def test_flat_is_silent_before_the_warm_up_is_over():
    assert not found("flat", loss=np.full(50, 2.3))


def test_oscillating_fires_on_a_loss_that_jumps_up_and_down():
    loss = 2.0 + 1.8 * (-1.0) ** STEPS
    assert [s.metric for s in found("oscillating", loss=loss)] == ["train/loss"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [0.1 + 1.7e308 * np.exp(-STEPS / 60), 1e308 * (-1.0) ** STEPS, 5e-324 * (STEPS % 3)])
def test_no_rule_warns_of_losses_at_the_ends_of_what_a_float_can_hold(values):
    logged = {"train/loss": Series(STEPS, values), "val/acc": Series(EVALS, np.full(len(EVALS), 0.5))}
    find_symptoms(evidence(logged))


def test_oscillating_fires_on_a_metric_that_swings():
    acc = 0.5 + 0.1 * (-1.0) ** np.arange(30)
    assert [s.metric for s in found("oscillating", acc=acc)] == ["val/acc"]


def test_oscillating_is_silent_on_a_metric_that_rises_fast():
    assert not found("oscillating", acc=np.linspace(0.0, 1.0, 30))


def test_every_rule_is_silent_on_almost_all_healthy_runs_with_mini_batch_noise():
    rng = np.random.default_rng(0)
    fired = Counter()
    for i in range(60):
        series = {
            "train/loss": Series(STEPS, healthy(i, rng.uniform(0.05, 0.4), rng.uniform(80, 250))),
            "val/acc": Series(EVALS, RISING),
        }
        fired.update({symptom.rule for symptom in find_symptoms(evidence(series))})
    assert max(fired.values(), default=0) <= 1


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_takes_empty_and_all_nan_series(rule):
    assert found(rule, loss=[]) == []
    assert {s.rule for s in found(rule, loss=[np.nan] * 60)} <= {"non_finite"}


def straight(every, end=0.79, target=0.8, budget=300):
    """A metric that rises in a straight line from 0.1, evaluated every so-many steps."""
    steps = np.arange(1, budget + 1)
    line = 0.1 + (end - 0.1) * steps / budget
    series = {
        "train/loss": Series(steps, 2 - 1.5 * steps / budget),
        "val/acc": Series(steps[every - 1 :: every], line[every - 1 :: every]),
    }
    aim = Target(metric="val/acc", mode=Mode.MAX, threshold=target, hold=3, budget_steps=budget, stop_early=False)
    state = replay(series, aim, {})
    return Evidence(series=series, target=aim, state=state, thresholds=SymptomThresholds())


@pytest.mark.parametrize("end", [0.2, 0.4, 0.79])
def test_the_same_curve_is_as_slow_however_often_it_is_evaluated(end):
    seen = [RULES["slow"](straight(every, end)) for every in (1, 3, 10, 30)]
    assert [len(symptoms) for symptoms in seen] == [1, 1, 1, 1]
    assert [symptoms[0].value for symptoms in seen] == pytest.approx([300 * 0.7 / (end - 0.1)] * 4)
    assert {tuple(s.rule for s in find_symptoms(straight(every, end))) for every in (1, 3, 10, 30)} == {("slow",)}


def test_slow_names_the_step_at_which_the_target_would_be_reached():
    loss = 2.3 - 0.5 * STEPS / 600
    (symptom,) = found("slow", loss=loss, acc=np.linspace(0.1, 0.3, 30))
    assert symptom.value > symptom.threshold == 600
    assert symptom.step == 180


def test_slow_is_silent_where_the_raw_metric_met_the_target_or_nothing_moves():
    assert not found("slow", loss=2.3 - 2 * STEPS / 600, acc=np.r_[np.linspace(0.0, 0.85, 28), 0.9, 0.88])
    assert not found("slow", loss=np.full(600, 2.3), acc=np.linspace(0.1, 0.11, 30))
    assert not RULES["slow"](straight(10, end=0.11)), "too far away to be on its way"


def test_overfit_fires_where_validation_rises_while_training_falls():
    (symptom,) = found(
        "overfit", loss=2.3 * np.exp(-STEPS / 100), val=np.r_[np.linspace(2.3, 1.0, 10), np.linspace(1.0, 2.0, 20)]
    )
    assert symptom.metric == "val/loss"
    assert 180 <= symptom.step <= 240


def test_overfit_is_silent_on_a_gap_alone():
    assert not found("overfit", loss=2.3 * np.exp(-STEPS / 100), val=np.linspace(2.3, 1.0, 30))


def test_over_regularised_fires_where_dropout_is_high_and_training_no_better_than_validation():
    loss, val = np.full(600, 2.0), np.full(30, 1.9)
    series = {"train/loss": Series(STEPS, loss), "val/loss": Series(EVALS, val), "val/acc": Series(EVALS, val * 0.1)}
    told = replace(evidence(series), facts={"watch/dropout": 0.8})
    (symptom,) = RULES["over_regularised"](told)
    assert (symptom.value, symptom.threshold) == (0.8, 0.5)
    assert not RULES["over_regularised"](replace(told, facts={"watch/dropout": 0.0}))
    overfits = {**series, "val/loss": Series(EVALS, np.full(30, 9.0))}
    assert not RULES["over_regularised"](replace(told, series=overfits))


def test_smoothing_follows_optimizer_steps_not_evaluations():
    sparse = Series(np.array([1, 501]), np.array([10.0, 1.0]))
    assert smoothed(sparse)[1] == pytest.approx(1.0, abs=1e-3)
    dense = Series(np.array([1, 2]), np.array([10.0, 1.0]))
    assert smoothed(dense)[1] == pytest.approx((0.98 * 10 + 1) / 1.98)


def test_a_metric_that_is_not_finite_while_the_loss_is_has_causes_in_the_evaluation():
    [symptom] = found("non_finite", loss=healthy(0, 0.1, 100), acc=[np.nan, 0.5, 0.6])
    assert "evaluation" in about_of(symptom.rule, symptom.metric).causes
    assert "val/acc is nan" in symptom.message
    broken = healthy(0, 0.1, 100)
    broken[10:] = np.nan
    seen = found("non_finite", loss=broken, acc=[np.nan, 0.5, 0.6])
    assert {s.metric for s in seen} == {"train/loss", "val/acc"}
