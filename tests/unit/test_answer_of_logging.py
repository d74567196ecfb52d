"""What has to be known of how a task logs reaches the answer, and a study without a verdict is no success."""

from pathlib import Path

import making
import pytest
from found_values import base, effect, ranking

from sweep.analysis import rank
from sweep.analysis.diagnosis import diagnose
from sweep.analysis.findings import Findings
from sweep.domain.axis import Cell
from sweep.domain.checked import CheckResult
from sweep.domain.effect import Ranking
from sweep.domain.result import Diagnosis, TrialsCost
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Symptom, Verdict
from sweep.report.documents import RankingDocument
from sweep.report.staged import StagedDocument
from sweep.study.results import Reported
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
    seen = base(1, [STEPS], "converged", seeds=1)
    assert diagnose(Findings(base=seen)).answer.startswith(f"Check first: {STEPS.message}.")


def end_of(result):
    document = RankingDocument() if isinstance(result, Ranking) else StagedDocument(study="s", answer="")
    reported = Reported(result=result, document=document, cost=TrialsCost(), seeds=())
    return StudyEnd(status="ended", message="", reported=reported, folder=Path())


SILENT = {"verdict": Verdict.UNDECIDED}
CRASHED = {**SILENT, "state": TrialState.FAILED, "failure": FailureClass.CRASH}


@pytest.mark.parametrize(
    ("outcomes", "is_ok"),
    [
        ([outcome(0, **SILENT), outcome(1, **SILENT)], False),
        ([outcome(0, **SILENT), outcome(1, **CRASHED)], False),
        ([outcome(0, **SILENT), outcome(1, verdict=Verdict.DIVERGED)], True),
        ([outcome(0, verdict=Verdict.NOT_CONVERGED)], True),
        ([outcome(0, **SILENT), outcome(1, cell="clip=on")], True),
    ],
)
def test_a_study_in_which_nothing_could_be_judged_is_no_success(outcomes, is_ok):
    end = end_of(rank(outcomes, [], TARGET))
    assert (end.is_ok, end.is_unjudged) == (is_ok, not is_ok)


@pytest.mark.parametrize("is_ok", [True, False])
def test_a_check_or_a_diagnosis_says_itself_whether_it_is_a_success(is_ok):
    for result in (CheckResult(is_ok=is_ok, answer="", section=None), Diagnosis(is_ok=is_ok, answer="")):
        assert (end_of(result).is_ok, end_of(result).is_unjudged) == (is_ok, False)


@pytest.mark.parametrize(("base_seeds", "tried", "is_judged"), [(0, 0, False), (3, 0, True), (0, 2, True)])
def test_a_diagnosis_in_which_nothing_could_be_judged_is_no_success(base_seeds, tried, is_judged):
    found = Findings(base=base(seeds=base_seeds), ablation=ranking(effect("a=off", trials=tried)))
    assert found.is_judged is is_judged
    assert Findings().is_judged
