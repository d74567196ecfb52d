"""What is said of a task whose steps are no optimizer steps, or whose metric has another unit than its target."""

import numpy as np
import pytest

from sweep.domain.metric import Series
from sweep.domain.states import StopReason, TrialState
from sweep.domain.steps import StepFinding, StepKind, findings_text
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Verdict
from sweep.judge import judge

BASE = {"metric": "val/acc", "mode": Mode.MAX, "threshold": 0.8, "hold": None, "budget_steps": 300, "stop_early": True}


def judged(steps, values, *, facts=None, ended=StopReason.RETURNED, name="val/acc", **target):
    series = {} if steps is None else {name: Series(np.asarray(steps, dtype=np.int64), np.asarray(values, dtype=float))}
    goal = Target(**{**BASE, "metric": name, **target})
    return judge(series, goal, facts or {}, ended=ended, state=TrialState.COMPLETED)


def message(judgement, rule):
    [symptom] = [s for s in judgement.symptoms if s.rule == rule]
    assert symptom.message in judgement.reason
    return symptom.message


def is_silent(judgement, *rules):
    return not {s.rule for s in judgement.symptoms} & set(rules or ("steps", "units", "returned"))


def clock(kind, series="val/acc", **changes):
    values = {"first": 1, "last": 10, "at_first": 30, "at_last": 300, "times": 9, "leader": "train/loss", **changes}
    return {"log/steps": findings_text([StepFinding(kind=kind, series=series, **values)])}


RISING = np.linspace(0.1, 0.7, 10)


def test_epochs_in_all_series_that_meet_the_target_are_not_judged_and_the_way_out_is_named():
    verdict = judged(range(1, 11), [0.5, 0.7, *[0.9] * 8])
    assert verdict.verdict is Verdict.UNDECIDED
    text = message(verdict, "steps")
    assert "steps 1 to 10 of a budget of 300" in text
    assert "converge.hold=3" in text


def test_epochs_that_do_not_meet_the_target_have_not_converged_and_the_message():
    verdict = judged(range(10), RISING)
    assert verdict.verdict is Verdict.NOT_CONVERGED
    assert "epochs?" in message(verdict, "steps")


@pytest.mark.parametrize(
    ("steps", "ended"),
    [
        (range(30, 301, 30), StopReason.BUDGET),  # evaluated every 30 steps
        (range(1, 301), StopReason.BUDGET),
        (range(10, 101, 10), StopReason.RETURNED),  # the task stopped early
        (range(1, 11), StopReason.PRUNED),
        (range(200, 210), StopReason.RETURNED),
    ],
)
def test_steps_that_may_be_optimizer_steps_are_not_asked_about(steps, ended):
    assert is_silent(judged(steps, np.linspace(0.1, 0.7, len(steps)), ended=ended))


def test_a_held_target_is_not_asked_about():
    verdict = judged(range(1, 11), [0.9] * 10, hold=3, ended=StopReason.CONVERGED)
    assert verdict.verdict is Verdict.CONVERGED
    assert is_silent(verdict)


def test_one_step_for_all_values_is_reported_and_not_judged_where_they_meet_the_target():
    assert "logged at step 0" in message(judged([0] * 10, RISING), "steps")
    assert judged([0] * 10, [0.9] * 10).verdict is Verdict.UNDECIDED


def test_a_step_beyond_the_budget_is_reported():
    assert "step 1,000 was logged, beyond the budget of 300" in message(
        judged([1000], [0.5], ended=StopReason.BUDGET), "steps"
    )
    assert is_silent(judged([150, 320], [0.5, 0.5], ended=StopReason.BUDGET))


def test_a_target_that_is_met_only_beyond_the_budget_is_not_judged():
    verdict = judged([1000], [0.9], hold=1, ended=StopReason.CONVERGED)
    assert verdict.verdict is Verdict.UNDECIDED
    assert "beyond the budget of 300" in verdict.reason
    assert judged([310], [0.9], hold=1, ended=StopReason.CONVERGED).verdict is Verdict.CONVERGED


@pytest.mark.parametrize("kind", StepKind)
def test_what_the_clock_has_found_stands_beside_the_verdict(kind):
    verdict = judged(range(30, 301, 30), RISING, facts=clock(kind), ended=StopReason.BUDGET)
    assert verdict.verdict in (Verdict.NOT_CONVERGED, Verdict.STALLED)
    assert message(verdict, "steps")


def test_a_corrected_series_is_judged_and_one_out_of_order_is_not():
    steps, values = range(30, 301, 30), [*[0.1] * 7, *[0.9] * 3]
    assert judged(steps, [0.9] * 10, facts=clock(StepKind.BEHIND)).verdict is Verdict.CONVERGED
    shuffled = [300, 30, 120, 60, 270, 90, 200, 150, 151, 152]
    assert judged(shuffled, values, facts=clock(StepKind.BACK)).verdict is Verdict.UNDECIDED


def test_series_with_the_same_finding_are_reported_once_with_the_metric_first():
    findings = [
        StepFinding(kind=StepKind.BEHIND, series=s, first=1, last=10, at_first=30, at_last=300, times=0, leader="a")
        for s in ("aux", "val/acc", "val/loss")
    ]
    verdict = judged(range(30, 301, 30), RISING, facts={"log/steps": findings_text(findings)}, ended=StopReason.BUDGET)
    assert message(verdict, "steps").startswith("val/acc (and 2 more)")


def test_an_accuracy_in_percent_against_a_share_is_not_judged():
    verdict = judged(range(1, 301), [10.0] * 300, ended=StopReason.CONVERGED)
    assert verdict.verdict is Verdict.UNDECIDED
    assert "converge.target=80" in message(verdict, "units")


def test_a_share_against_a_target_in_percent_is_not_judged():
    verdict = judged(range(30, 301, 30), [0.9] * 10, threshold=80.0, ended=StopReason.BUDGET)
    assert verdict.verdict is Verdict.UNDECIDED
    assert "converge.target=0.8" in message(verdict, "units")


@pytest.mark.parametrize(("name", "mode"), [("val/acc", Mode.MIN), ("val/f1_macro", Mode.MIN), ("val/loss", Mode.MAX)])
def test_a_mode_against_the_nature_of_the_metric_is_said(name, mode):
    verdict = judged(range(30, 301, 30), RISING, name=name, mode=mode)
    assert "converge.mode=" in message(verdict, "units")


@pytest.mark.parametrize(
    ("name", "threshold", "mode", "values"),
    [
        ("val/acc", 0.9, Mode.MAX, [0.1, 1.0]),
        ("val/acc", 80.0, Mode.MAX, [10.0, 75.0]),
        ("val/psnr", 0.8, Mode.MAX, [12.0, 30.0]),
        ("reward", 0.5, Mode.MAX, [-3.0, 120.0]),
        ("val/acc_error", 0.1, Mode.MIN, [0.9, 0.2]),
        ("val/loss", 0.3, Mode.MIN, [2.3, 0.5]),
        ("val/r2", 0.4, Mode.MAX, [-2.0, 0.3]),
        ("val/acc", 0.9, Mode.MAX, [float("nan"), 0.5]),
    ],
)
def test_units_that_fit_are_not_asked_about(name, threshold, mode, values):
    assert is_silent(judged([100, 300], values, name=name, threshold=threshold, mode=mode), "units")


def test_a_result_that_is_returned_in_place_of_logged_is_named():
    verdict = judged(None, None, facts={"log/returned": "a dict (loss, acc)"})
    assert verdict.verdict is Verdict.UNDECIDED
    assert "a dict (loss, acc)" in message(verdict, "returned")
    assert "run.log" in message(verdict, "returned")


def test_a_result_that_is_returned_beside_what_is_logged_is_nothing_to_say():
    assert is_silent(judged(range(1, 301), [0.5] * 300, facts={"log/returned": "a dict (loss)"}), "returned")


def test_a_metric_that_was_logged_only_beyond_the_budget_is_not_said_to_be_missing():
    late = {"facts": {"log/late": 301.0}, "ended": StopReason.BUDGET, "metric": "val/acc"}
    verdict = judged(range(1, 301), [0.5] * 300, name="train/loss", **late)
    assert verdict.verdict is Verdict.UNDECIDED
    assert "val/acc is logged only at step 301, beyond the budget of 300" in message(verdict, "steps")
    assert "never logged" not in verdict.reason
