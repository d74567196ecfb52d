"""Symptom rules over what the monitor recorded: each fires on what it is for, and is silent on a healthy run."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from sweep.domain.metric import Series
from sweep.domain.states import StopReason, TrialState
from sweep.domain.symptoms import about_of, kind_of
from sweep.domain.target import Mode, Target
from sweep.judge import RULES, SymptomThresholds, find_symptoms, judge
from sweep.judge.symptoms import Evidence
from sweep.judge.verdict import replay
from sweep.stats.priors import axes_for

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=400, stop_early=False)
SCALARS = np.array([1, 2, 3, *range(10, 401, 10)])
SAMPLED = np.array([1, *range(50, 401, 50)])
LAYERS = [["0", "Linear"], ["1", "ReLU"], ["2", "Linear"]]
UNIT = {"shape": [32, 64], "dtype": "float32", "nan": 0, "inf": 0, "min": -3.0, "max": 3.0, "mean": 0.0, "std": 1.0}
CLASSES = {"shape": [32], "dtype": "int64", "nan": 0, "inf": 0, "min": 0.0, "max": 9.0, "mean": 4.5, "std": 2.9}
FACTS = {
    "watch/layers": json.dumps(LAYERS),
    "watch/inputs": json.dumps(UNIT),
    "watch/targets": json.dumps(CLASSES),
    "watch/losses": "cross_entropy(use_softmax=True)",
    "watch/head": "Linear",
    "watch/head_units": 10.0,
    "watch/scheduler": "CosineAnnealingDecay",
    "watch/scheduler_steps": 400.0,
    "watch/dropout": 0.1,
    "watch/optimizer": "Adam",
}


def full(value, steps=SAMPLED):
    return Series(steps, np.full(len(steps), float(value)))


def healthy_series():
    fall = 2.3 * np.exp(-np.arange(1, 401) / 150)
    return {
        "train/loss": Series(np.arange(1, 401), fall),
        "val/acc": Series(np.arange(10, 401, 10), np.linspace(0.1, 0.9, 40)),
        "watch/loss": Series(SCALARS, fall[SCALARS - 1]),
        "watch/lr": full(1e-3, SCALARS),
        "watch/grad_norm": Series(SCALARS, 2.0 + np.sin(SCALARS)),
        "watch/update_ratio": full(-2.5, SCALARS),
        "watch/grad_abs/0": full(1e-3),
        "watch/grad_abs/2": full(4e-3),
        "watch/ratio/0": full(-2.6),
        "watch/ratio/2": full(-2.4),
        "watch/weight_std/0": full(0.1),
        "watch/weight_std/2": full(0.1),
        "watch/dead/1": full(0.2),
        "watch/saturated/1": full(0.0),
    }


def evidence(series=None, facts=None, **thresholds):
    """A healthy watched run in which these series and facts stand in place of its own."""
    whole = {**healthy_series(), **(series or {})}
    known = {**FACTS, **{k: json.dumps(v) if isinstance(v, dict) else v for k, v in (facts or {}).items()}}
    return Evidence(
        series=whole, target=TARGET, state=replay(whole, TARGET, {}), thresholds=SymptomThresholds(**thresholds),
        facts=known,
    )  # fmt: skip


def found(rule, series=None, facts=None):
    return RULES[rule](evidence(series, facts))


def jump(at, height):
    values = 2.0 + np.sin(SCALARS)
    values[at] = height
    return Series(SCALARS, values)


FIRING = {
    "non_finite": ({"watch/bad/2": Series(np.array([30]), np.array([7.0]))}, {}, 30, "2"),
    "wrong_initial_loss": ({"watch/loss": Series(SCALARS, np.linspace(9.0, 1.0, len(SCALARS)))}, {}, 1, ""),
    "exploding_gradient": ({"watch/grad_norm": jump(20, 2e5)}, {}, SCALARS[20], ""),
    "gradient_spikes": ({"watch/grad_norm": jump(15, 200.0)}, {}, SCALARS[15], ""),
    "vanishing_gradient": ({"watch/grad_abs/0": full(1e-9)}, {}, 1, "0"),
    "frozen_parameter": ({"watch/ratio/0": full(-math.inf)}, {}, 1, "0"),
    "update_ratio": ({"watch/update_ratio": full(-0.3, SCALARS)}, {}, 1, ""),
    "dead_relu": ({"watch/dead/1": full(0.9)}, {}, 1, "1"),
    "saturation": ({"watch/saturated/1": full(0.7)}, {}, 1, "1"),
    "symmetric_weights": ({}, {"watch/initial_std/0": 0.0}, 0, "0"),
    "input_scale": ({}, {"watch/inputs": {**UNIT, "min": 0.0, "max": 255.0, "mean": 70.0, "std": 80.0}}, 0, ""),
    "labels": ({}, {"watch/targets": {**CLASSES, "min": 1.0, "max": 10.0}}, 0, ""),
    "head_and_loss": ({}, {"watch/head": "Softmax"}, 0, ""),
    "scheduler_inert": ({}, {"watch/scheduler_steps": 0.0}, 400, ""),
}


@pytest.mark.parametrize("rule", FIRING)
def test_a_rule_names_step_and_layer_of_what_it_is_for(rule):
    series, facts, step, layer = FIRING[rule]
    (symptom,) = found(rule, series, facts)
    assert (symptom.rule, symptom.step, symptom.layer) == (rule, step, layer)
    assert symptom.message


def test_a_healthy_watched_run_has_no_symptom():
    assert find_symptoms(evidence()) == ()


def test_where_nothing_is_watched_no_rule_about_it_speaks():
    series = {name: s for name, s in healthy_series().items() if not name.startswith("watch/")}
    state = replay(series, TARGET, {})
    assert find_symptoms(Evidence(series=series, target=TARGET, state=state, thresholds=SymptomThresholds())) == ()


def test_what_the_monitor_saw_does_not_decide_the_verdict():
    series = {**healthy_series(), "watch/loss": Series(np.array([5]), np.array([np.nan]))}
    ended = {"ended": StopReason.RETURNED, "state": TrialState.COMPLETED}
    watched = judge(series, TARGET, {}, **ended)
    bare = judge({k: v for k, v in series.items() if not k.startswith("watch/")}, TARGET, {}, **ended)
    assert (watched.verdict, watched.reason) == (bare.verdict, bare.reason)


def test_non_finite_tells_where_it_began():
    origin = {"watch/first_bad": {"step": 30, "layer": "1", "what": "activation"}}
    (symptom,) = found("non_finite", {"watch/bad/0": Series(np.array([30]), np.array([7.0]))}, origin)
    assert symptom.message.endswith("it began in the activation of layer 1 (ReLU)")


def test_a_loss_that_alone_is_not_finite_tells_where_it_began():
    series = {name: Series(np.array([5]), np.array([np.nan])) for name in ("train/loss", "val/acc", "aux/loss")}
    told = found("non_finite", series, {"watch/first_bad": {"step": 5, "layer": "", "what": "loss"}})
    assert [(s.metric, s.step) for s in told] == [("watch/loss", 5)]
    assert all(words in told[0].message for words in ("train/loss is nan", "val/acc is nan", "all layers finite"))


@pytest.mark.parametrize(
    ("what", "layer", "fault", "advice"),
    [("input", "", "data", ""), ("gradient", "2", "setting", "clip=on"), ("weight", "0", "setting", "lr=x0.1")],
)
def test_what_is_advised_about_nan_follows_where_it_was_seen_first(what, layer, fault, advice):
    series = {
        "watch/bad/0": Series(np.array([30]), np.array([7.0])),
        "train/loss": Series(np.array([31]), np.array([np.nan])),
    }
    (symptom,) = found("non_finite", series, {"watch/first_bad": {"step": 30, "layer": layer, "what": what}})
    about = about_of(symptom.rule, symptom.metric)
    assert (symptom.step, symptom.layer, str(about.fault)) == (30, layer, fault)
    assert about.tests[:1] == ((advice,) if advice else ())
    if what == "input":
        assert not any(toggle.startswith("lr") for toggle in about.tests)
        assert axes_for([kind_of(symptom.rule, symptom.metric)]) == []


def test_nan_of_another_origin_before_the_monitors_is_kept():
    series = {"val/acc": Series(np.array([10, 20]), np.array([np.nan, 0.3]))}
    origin = {"watch/first_bad": {"step": 30, "layer": "", "what": "input"}}
    assert [(s.metric, s.step) for s in found("non_finite", series, origin)] == [("val/acc", 10), ("watch/inputs", 30)]


@pytest.mark.parametrize("what", ["input", "weight"])
def test_a_loss_that_nan_in_the_weights_has_made_flat_is_not_stalled(what):
    flat = np.r_[np.linspace(2.3, 1.0, 100), np.full(300, 2.3)]
    series = {
        "train/loss": Series(np.arange(1, 401), flat),
        "val/acc": Series(np.arange(10, 401, 10), np.full(40, 0.1)),
    }
    ended = {"ended": StopReason.RETURNED, "state": TrialState.COMPLETED}
    origin = json.dumps({"step": 101, "layer": "", "what": what})
    assert judge(series, TARGET, {}, **ended).verdict == "stalled"
    found = judge(series, TARGET, {"watch/first_bad": origin}, **ended)
    assert found.verdict == "not_converged"
    assert "step 101" in found.reason


UNREACHED = {"parameters": 2, "of": 6, "layers": ["0", "2"], "more": 0, "step": 3}


@pytest.mark.parametrize("fact", ["no_gradient", "not_optimized"])
def test_parameters_that_training_does_not_reach_are_counted_with_their_layers(fact):
    (symptom,) = found("no_gradient", facts={f"watch/{fact}": UNREACHED})
    assert (symptom.value, symptom.step, symptom.layer) == (2.0, 3, "0")
    assert "2 of 6" in symptom.message
    assert "0, 2" in symptom.message
    assert str(about_of(symptom.rule, symptom.metric).fault) == "code"
    assert not found("no_gradient", facts={f"watch/{fact}": {**UNREACHED, "parameters": 0, "layers": []}})


def uncleared(*points):
    steps, values = zip(*points, strict=True)
    return {"watch/uncleared": Series(np.array(steps), np.array(values, dtype=float))}


def test_a_gradient_that_grows_from_step_to_step_is_never_cleared():
    (symptom,) = found("gradient_not_cleared", uncleared((2, 1), (3, 2), (20, 19), (40, 39)))
    assert (symptom.step, symptom.value) == (2, 39.0)
    assert "clear_grad" in about_of(symptom.rule).fix


@pytest.mark.parametrize("points", [((2, 1), (3, 2), (20, 4), (40, 4)), ((20, 19), (40, 7)), ((2, 1), (3, 2))])
def test_a_gradient_that_is_cleared_every_few_steps_is_accumulated(points):
    assert not found("gradient_not_cleared", uncleared(*points))


def rates(values):
    return {"watch/lr": Series(SCALARS, np.asarray(values, dtype=float))}


def test_a_rate_that_decays_to_nothing_before_half_of_the_budget_is_gone():
    (symptom,) = found("rate_gone", rates(np.where(SCALARS < 100, 1e-3, 9e-7)))
    assert (symptom.step, symptom.value) == (100, 9e-7)
    (never,) = found("rate_gone", rates(np.zeros(len(SCALARS))))
    assert never.step == 1


@pytest.mark.parametrize(
    "values",
    [
        np.minimum(SCALARS / 200, 1) * 1e-3,  # a warm-up from near 0
        np.where(SCALARS < 5, 0.0, 1e-3),  # and from 0
        np.where(SCALARS < 250, 1e-3, 0.0),  # a decay in the second half
        np.where(SCALARS % 100 < 20, 0.0, 1e-3),  # restarts
        np.where(SCALARS < 100, 1e-3, 2e-6),
    ],
)
def test_warm_up_restarts_and_late_decay_are_no_rate_gone(values):
    assert not found("rate_gone", rates(values))


def learnt(acc, last=0.01):
    fall = np.geomspace(2.3, last, 400)
    return {"train/loss": Series(np.arange(1, 401), fall), "val/acc": Series(np.arange(10, 401, 10), acc)}


def test_a_loss_near_zero_with_the_metric_at_chance_fits_yet_fails():
    (symptom,) = found("fits_yet_fails", learnt(np.full(40, 0.12)))
    assert (symptom.metric, str(about_of(symptom.rule).fault)) == ("val/acc", "code")
    assert 100 < symptom.step <= 400
    assert found("fits_yet_fails", learnt(np.r_[np.full(39, 0.1), 0.5])), "one lucky evaluation"


def test_fits_yet_fails_is_silent_where_the_metric_rises_or_the_loss_stays_up():
    assert not found("fits_yet_fails", learnt(np.linspace(0.1, 0.5, 40)))
    assert not found("fits_yet_fails", learnt(np.full(40, 0.12), last=1.0))
    assert not found("fits_yet_fails", {"train/loss": learnt(np.full(40, 0.1))["train/loss"], "val/acc": full(np.nan)})


@pytest.mark.parametrize("facts", [{}, {"watch/losses": "my_own", "watch/head_units": 7.0}])
def test_a_loss_that_comes_down_from_far_above_a_guess_to_a_guess_fits_nothing(facts):
    fall = np.r_[np.geomspace(60.0, 2.3, 100), np.full(300, 2.3)]
    assert not found(
        "fits_yet_fails", learnt(np.full(40, 0.1)) | {"train/loss": Series(np.arange(1, 401), fall)}, facts
    )


def test_without_the_number_of_classes_chance_is_where_the_metric_began():
    series = learnt(np.full(40, 0.12)) | {"val/f1": Series(np.arange(10, 401, 10), np.full(40, 0.3))}
    target = replace(TARGET, metric="val/f1")
    logged = {name: series[name] for name in ("train/loss", "val/f1")}
    made = Evidence(
        series=logged, target=target, state=replay(logged, target, {}), thresholds=SymptomThresholds(), facts={}
    )
    assert [s.metric for s in RULES["fits_yet_fails"](made)] == ["val/f1"]


def test_what_nan_does_to_every_layer_is_no_symptom_of_its_own():
    broken = {
        name: series for name, (part, *_) in FIRING.items() if name != "non_finite" for name, series in part.items()
    }
    series = {**broken, "watch/bad/0": Series(np.array([1]), np.array([7.0]))}
    assert {s.rule for s in find_symptoms(evidence(series))} == {"non_finite"}


def test_a_loss_that_stands_still_after_nan_in_the_weights_is_no_symptom_of_its_own():
    still = {"train/loss": Series(np.arange(1, 401), np.full(400, 2.3))}
    assert found("flat", still)
    assert not found("flat", still | {"watch/bad/0": Series(np.array([38]), np.array([7.0]))})


def test_a_layer_that_is_called_like_a_weight_is_not_taken_for_a_metric_of_the_task():
    assert not found("non_finite", {"watch/ratio/weight": full(-math.inf)})


def test_the_initial_loss_is_compared_with_the_labels_entropy_where_it_is_known():
    assert not found("wrong_initial_loss", {}, {"label_entropy": 2.2})
    assert found("wrong_initial_loss", {}, {"label_entropy": 0.2})


@pytest.mark.parametrize("losses", ["mse_loss", "binary_cross_entropy_with_logits"])
def test_the_initial_loss_of_another_loss_is_not_judged(losses):
    assert not found("wrong_initial_loss", FIRING["wrong_initial_loss"][0], {"watch/losses": losses})


def test_a_first_layer_whose_gradient_is_far_above_the_last_ones_explodes():
    (symptom,) = found("exploding_gradient", {"watch/grad_abs/0": full(1.0), "watch/grad_abs/2": full(1e-3)})
    assert symptom.value == pytest.approx(1000)


def test_spikes_with_most_updates_clipped_point_to_the_learning_rate():
    (symptom,) = found("gradient_spikes", {"watch/grad_norm": jump(15, 200.0), "watch/clipped": full(1.0, SCALARS)})
    assert "the learning rate is the cause" in symptom.message


def test_a_first_layer_whose_gradient_fades_against_the_last_one_vanishes():
    (symptom,) = found("vanishing_gradient", {"watch/grad_abs/0": full(1e-6), "watch/grad_abs/2": full(1e-2)})
    assert symptom.value == pytest.approx(1e-4)


def test_a_gradient_may_vanish_once_the_loss_has_been_learnt():
    learnt = {"train/loss": Series(np.arange(1, 401), np.full(400, 0.01)), "watch/grad_abs/0": full(1e-9)}
    learnt["train/loss"].values[0] = 2.3
    assert not found("vanishing_gradient", learnt)


def test_embeddings_and_norms_are_left_out_where_gradients_are_compared():
    layers = json.dumps([["0", "Embedding"], ["1", "ReLU"], ["2", "Linear"]])
    assert not found("vanishing_gradient", {"watch/grad_abs/0": full(1e-9)}, {"watch/layers": layers})


def test_a_rate_that_has_decayed_to_nothing_freezes_no_layer():
    rates = Series(SCALARS, np.where(SCALARS < 100, 1e-3, 1e-9))
    still = Series(SAMPLED, np.where(SAMPLED < 100, -2.5, -math.inf))
    small = Series(SCALARS, np.where(SCALARS < 100, -2.5, -8.0))
    series = {"watch/lr": rates, "watch/ratio/0": still, "watch/update_ratio": small}
    assert not found("frozen_parameter", series)
    assert not found("update_ratio", series)


def test_too_small_an_update_is_told_from_too_large_a_one():
    (small,) = found("update_ratio", {"watch/update_ratio": full(-5.5, SCALARS)})
    (large,) = found("update_ratio", {"watch/update_ratio": full(-0.5, SCALARS)})
    assert (small.threshold, large.threshold) == (-4.0, -1.0)


def test_one_bad_sample_does_not_kill_a_layer():
    once = Series(SAMPLED, np.where(SAMPLED == 100, 0.9, 0.1))
    assert not found("dead_relu", {"watch/dead/1": once})


def test_the_earliest_layer_is_named_and_the_others_are_counted():
    late = Series(SAMPLED, np.where(SAMPLED >= 200, 0.9, 0.1))
    (symptom,) = found("dead_relu", {"watch/dead/1": late, "watch/dead/3": full(0.9)})
    assert (symptom.layer, symptom.step) == ("3", 1)
    assert "1 more of 2 layers" in symptom.message


def test_the_last_layer_may_start_at_one_value():
    assert not found("symmetric_weights", {}, {"watch/initial_std/2": 0.0})


@pytest.mark.parametrize(
    "inputs",
    [
        {**UNIT, "dtype": "int64", "min": 0.0, "max": 5000.0, "std": 900.0},  # token ids
        {**UNIT, "min": -0.3, "max": 1.4, "mean": 0.3, "std": 0.35},  # pixels with noise
        {**UNIT, "max": 11.0},  # standardised, with an outlier
    ],
)
def test_inputs_with_a_scale_that_suits_are_left_alone(inputs):
    assert not found("input_scale", {}, {"watch/inputs": inputs})


@pytest.mark.parametrize("change", [{"nan": 3}, {"inf": 1}, {"min": 0.0, "max": 0.0, "std": 0.0}])
def test_inputs_that_say_nothing_or_are_no_numbers_are_named(change):
    assert found("input_scale", {}, {"watch/inputs": {**UNIT, **change}})


def test_a_regression_target_in_raw_units_is_named_and_a_standardised_one_is_not():
    raw = {**CLASSES, "dtype": "float32", "min": 25.0, "max": 346.0, "mean": 152.0, "std": 77.0}
    facts = {"watch/losses": "mse_loss", "watch/targets": raw}
    target = Target(metric="val/r2", mode=Mode.MAX, threshold=0.3, hold=3, budget_steps=400, stop_early=False)
    series = {k: s for k, s in healthy_series().items() if k != "val/acc"}
    known = {**FACTS, "watch/losses": "mse_loss", "watch/targets": json.dumps(facts["watch/targets"])}
    run = Evidence(
        series=series, target=target, state=replay(series, target, {}), thresholds=SymptomThresholds(), facts=known
    )
    assert [s.value for s in RULES["target_scale"](run)] == [152.0]
    scaled = Evidence(
        series=series, target=target, state=run.state, thresholds=SymptomThresholds(),
        facts={**known, "watch/targets": json.dumps({**raw, "mean": 0.0, "std": 1.0})},
    )  # fmt: skip
    assert not RULES["target_scale"](scaled)


def test_a_label_that_is_ignored_is_no_negative_class():
    assert not found("labels", {}, {"watch/targets": {**CLASSES, "min": -100.0}})
    assert found("labels", {}, {"watch/targets": {**CLASSES, "min": -1.0}})


@pytest.mark.parametrize(
    ("seen", "is_fault"),
    [
        ({"max": 255.0, "ignored": 255.0, "rest_max": 9.0}, False),
        ({"min": -1.0, "ignored": -1.0, "rest_max": 9.0}, False),
        ({"min": -1.0, "max": 8.0, "ignored": -1.0, "rest_max": 8.0}, True),  # all labels are one too small
        ({"max": 255.0, "ignored": 255.0, "rest_max": 10.0}, True),
        ({"min": -100.0, "max": 10.0, "ignored": -100.0, "rest_max": 10.0}, True),
        ({"max": 255.0}, True),
    ],
)
def test_one_usual_value_that_stands_for_ignored_is_no_fault_of_labels(seen, is_fault):
    assert bool(found("labels", {}, {"watch/targets": {**CLASSES, **seen}})) == is_fault


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"watch/head": "ReLU"}, "ReLU"),
        ({"watch/head": "Softmax", "watch/head_units": 1.0}, "always 1"),
        ({"watch/losses": "mse_loss"}, "mse_loss"),
        ({"watch/head": "Sigmoid", "watch/losses": "binary_cross_entropy_with_logits"}, "twice"),
    ],
)
def test_each_way_that_head_and_loss_do_not_fit_is_told(facts, says):
    (symptom,) = found("head_and_loss", {}, facts)
    assert says in symptom.message


def test_a_softmax_that_the_loss_does_not_apply_fits():
    facts = {"watch/head": "Softmax", "watch/losses": "cross_entropy(use_softmax=False)"}
    assert not found("head_and_loss", {}, facts)


def test_a_scheduler_is_not_said_to_be_inert_before_half_of_the_budget():
    early = {name: Series(s.steps[:2], s.values[:2]) for name, s in healthy_series().items() if "weight_std" in name}
    assert not found("scheduler_inert", early, {"watch/scheduler_steps": 0.0})


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_takes_facts_that_are_no_json_and_series_of_nan(rule):
    broken = {name: Series(s.steps, np.full(len(s), np.nan)) for name, s in healthy_series().items()}
    facts = dict.fromkeys(FACTS, "{")
    assert {s.rule for s in found(rule, broken, facts)} <= {"non_finite"}
