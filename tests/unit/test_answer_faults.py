"""A study's answer names what no setting removes before it recommends a setting."""

import making
import pytest

from sweep.analysis import rank
from sweep.analysis.faults import fault_sentences, faults_seen
from sweep.domain.axis import Axis, Cell, Level
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Symptom, Verdict
from sweep.report.symptom_text import described

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
CLIP = (Axis(name="clip", levels=(Level(name="on", overrides=("task.clip=1",)),)),)
UNCLEARED = Symptom(rule="gradient_not_cleared", step=2, value=299.0, threshold=10.0, metric="watch/uncleared")
BLOWN = Symptom(rule="blow_up", step=40, value=9.0, threshold=4.0, metric="train/loss", message="train/loss 9")
MISSING = Symptom(rule="non_finite", step=38, value=4.0, threshold=0.0, metric="watch/inputs", message="NaN")


def ranking(symptoms, *, base=False, clip=None, seeds=5):
    """`base` and `clip`: whether that cell converges; no trial of `clip` if None."""
    cells = [(Cell(), base, symptoms)] + ([(Cell.of(["clip=on"]), clip, ())] if clip is not None else [])
    found = [
        making.outcome(
            number=number * seeds + seed,
            cell=cell,
            seed=seed,
            verdict=Verdict.CONVERGED if converges else Verdict.STALLED,
            tau=200 if converges else None,
            steps=600,
            symptoms=seen,
        )
        for number, (cell, converges, seen) in enumerate(cells)
        for seed in range(seeds)
    ]
    return rank(found, CLIP if clip is not None else (), TARGET)


def test_a_fault_of_the_code_comes_first_among_the_symptoms_of_the_base():
    assert [s.rule for s in ranking((BLOWN, UNCLEARED)).base.symptoms] == ["gradient_not_cleared", "blow_up"]


def test_a_repair_that_masks_a_fault_of_the_code_says_so_after_the_fix():
    answer = ranking((UNCLEARED, BLOWN), clip=True).answer
    assert answer.startswith("Fix the code first")
    assert answer.index("optimizer.clear_grad()") < answer.index("clip=on only masks") < answer.index("restores")


@pytest.mark.parametrize("clip", [None, False])
def test_without_a_repair_the_answer_names_the_fix(clip):
    answer = ranking((UNCLEARED, BLOWN), clip=clip).answer
    assert "optimizer.clear_grad()" in answer
    assert "step 2" in answer
    assert "masks" not in answer


def test_nothing_is_to_be_fixed_where_the_base_converges_or_a_setting_is_the_cause():
    assert "Fix" not in ranking((UNCLEARED,), base=True).answer
    assert "Fix" not in ranking((BLOWN,), clip=True).answer


def test_data_is_to_be_fixed_and_nothing_is_masked():
    answer = ranking((MISSING,), clip=True).answer
    assert answer.startswith("Fix the data first: the inputs contain NaN or infinity (step 38)")
    assert "masks" not in answer


def test_a_summary_has_the_same_faults_as_the_answer():
    seen = faults_seen((UNCLEARED, MISSING, BLOWN))
    shown = [described(symptom, ()) for symptom in (UNCLEARED, MISSING)]
    assert [(s.fault, s.title, s.step, s.layer, s.fix) for s in shown] == [
        (s.fault, s.title, s.step, s.layer, s.fix) for s in seen
    ]
    assert described(BLOWN, ()).fix == ""


def test_two_faults_are_both_named():
    text = fault_sentences(faults_seen((UNCLEARED, MISSING)), ["clip=on", "lr=x0.1"])
    assert "clip=on and lr=x0.1 only mask" in text
    assert "Fix the data, too" in text
    assert fault_sentences([]) == ""
