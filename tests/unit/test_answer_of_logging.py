"""What has to be known of how a task logs reaches the answer, and a study without a verdict is no success."""

from pathlib import Path

import making
import pytest

from sweep.analysis import rank
from sweep.analysis.diagnosis import Findings, diagnosis
from sweep.domain.axis import Cell
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Symptom, Verdict
from sweep.report.summary import is_judged
from sweep.study.session import StudyEnd

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.8, hold=3, budget_steps=300, stop_early=True)
STEPS = Symptom(rule="steps", step=1, value=10, threshold=300, metric="val/acc", message="val/acc goes by epoch")
UNITS = Symptom(rule="units", step=1, value=10, threshold=0.8, metric="val/acc", message="val/acc is 10")
FLAT = Symptom(rule="flat", step=1, value=0, threshold=1, metric="train/loss", message="no fall")


def outcome(number, *symptoms, verdict=Verdict.CONVERGED, cell="", **changes):
    known = {"cell": Cell.of([cell] if cell else []), "seed": number, "steps": 150, "symptoms": symptoms}
    return making.outcome(number=number, verdict=verdict, **(known | changes))


def answer_of(*outcomes):
    return rank(outcomes, [], TARGET, logged=["val/acc"]).answer


def test_what_is_odd_about_the_logging_comes_before_a_base_that_converges():
    answer = answer_of(outcome(0, STEPS), outcome(1, STEPS))
    assert answer.index("val/acc goes by epoch") < answer.index("The base converges")


def test_it_comes_before_a_base_that_fails_and_is_not_named_as_a_cause():
    answer = answer_of(outcome(0, UNITS, FLAT, verdict=Verdict.NOT_CONVERGED))
    assert answer.index("val/acc is 10") < answer.index("does not converge")
    assert "seen: the loss does not fall" in answer


def test_it_stands_in_a_study_without_a_verdict_once():
    answer = answer_of(outcome(0, UNITS, verdict=Verdict.UNDECIDED, reason=UNITS.message))
    assert answer.count("val/acc is 10") == 1
    mixed = [outcome(n, UNITS, verdict=Verdict.UNDECIDED, reason=f"{UNITS.message}{n}") for n in range(2)]
    assert "val/acc is 10" in answer_of(*mixed)


@pytest.mark.parametrize("rest", [[outcome(1), outcome(2)], [outcome(1, FLAT), outcome(2)]])
def test_one_seed_of_three_and_other_symptoms_do_not_come_first(rest):
    assert answer_of(outcome(0, STEPS), *rest).startswith("The base converges")


def test_a_time_limit_that_stopped_all_trials_is_named():
    stopped = outcome(0, verdict=Verdict.UNDECIDED, state=TrialState.TIMED_OUT, failure=FailureClass.TIMEOUT)
    assert "launcher.timeout_s" in answer_of(stopped)


def test_the_symptoms_of_the_base_begin_with_those_of_the_logging():
    [first, second] = rank([outcome(0, FLAT, UNITS, verdict=Verdict.STALLED)], [], TARGET).base.symptoms
    assert (first.rule, second.rule) == ("units", "flat")


def test_a_diagnosis_says_it_of_a_base_that_converges():
    symptom = {"rule": "steps", "title": "T", "message": STEPS.message}
    base = {"base": {"seeds": 1, "converged": 1, "verdict": "converged", "symptoms": [symptom]}}
    assert diagnosis(Findings(base=base)).startswith(f"Check first: {STEPS.message}.")


@pytest.mark.parametrize(
    ("summary", "is_ok"),
    [
        ({"toggles": [], "verdicts": {"undecided": 3}}, False),
        ({"toggles": [], "verdicts": {"timeout": 1, "crash": 2}}, False),
        ({"toggles": [], "verdicts": {"undecided": 3, "diverged": 1}}, True),
        ({"toggles": [], "verdicts": {"not_converged": 1}}, True),
        ({"ok": True}, True),
        ({"ok": False}, False),
    ],
)
def test_a_study_in_which_nothing_could_be_judged_is_no_success(summary, is_ok):
    assert StudyEnd(status="ended", message="", summary=summary, folder=Path()).is_ok is is_ok
    assert is_judged({**summary, "ok": True}) or not is_ok


@pytest.mark.parametrize(
    ("base_seeds", "toggles", "is_judged"), [(0, [], False), (3, [], True), (0, [{"trials": 2}], True)]
)
def test_a_diagnosis_in_which_nothing_could_be_judged_is_no_success(base_seeds, toggles, is_judged):
    assert Findings(base={"base": {"seeds": base_seeds}}, ablation={"toggles": toggles}).is_judged is is_judged
    assert Findings().is_judged
