"""A study's answer names what single seeds or cells showed, though the majority did not."""

import making
import pytest

from sweep.analysis import rank
from sweep.domain.axis import Axis, Cell, Level
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Symptom, Verdict

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
HEAD = (Axis(name="head", levels=(Level(name="new", overrides=("task.head=new",)),)),)
NAN = Symptom(rule="non_finite", step=38, value=4.0, threshold=0.0, metric="watch/inputs", message="NaN")
NAN_IN_LAYER = Symptom(rule="non_finite", step=12, value=4.0, threshold=0.0, metric="watch/weight_std/fc1")
UNCLEARED = Symptom(rule="gradient_not_cleared", step=2, value=299.0, threshold=10.0, metric="watch/uncleared")
GONE = Symptom(rule="rate_gone", step=50, value=0.0, threshold=0.001, metric="watch/lr", message="gone")
FLAT = Symptom(rule="flat", step=1, value=0.0, threshold=1.0, metric="train/loss", message="no fall")
SILENT = "val/acc was never logged; the nearest logged is val/acc1"


def outcome(number, verdict, *symptoms, cell="", seed=None, **changes):
    known = {"cell": Cell.of([cell] if cell else []), "seed": number if seed is None else seed, "steps": 600}
    return making.outcome(number=number, verdict=verdict, symptoms=symptoms, **(known | changes))


def base(*shown, verdict=Verdict.NOT_CONVERGED, of=3, rest=Verdict.CONVERGED):
    """One seed with these symptoms and verdict, the others without any."""
    return [outcome(0, verdict, *shown), *(outcome(n, rest) for n in range(1, of))]


def test_a_nan_in_one_seed_of_three_is_named_with_step_and_place():
    found = rank(base(NAN), [], TARGET)
    assert found.answer.startswith("The base converges (2 of 3 seeds).")
    assert "In 1 of 3 seeds (seed 0) the inputs contain NaN or infinity (step 38)" in found.answer
    assert found.base.symptoms == ()
    assert len(found.base.exceptions) == 1


def test_the_layer_and_the_divergence_are_named():
    answer = rank(base(NAN_IN_LAYER, verdict=Verdict.DIVERGED), [], TARGET).answer
    assert "seed 0, diverged" in answer
    assert "step 12, layer fc1" in answer


def test_a_seed_that_diverged_without_a_symptom_is_named_with_its_reason():
    found = base(verdict=Verdict.DIVERGED)
    found[0] = outcome(0, Verdict.DIVERGED, reason="train/loss is nan at step 7")
    assert "1 of 3 seeds diverged (seed 0): train/loss is nan at step 7." in rank(found, [], TARGET).answer


@pytest.mark.parametrize("symptom", [UNCLEARED, GONE, NAN])
@pytest.mark.parametrize("rest", [Verdict.CONVERGED, Verdict.NOT_CONVERGED])
def test_faults_and_a_rate_that_is_gone_are_named_whatever_the_majority_does(symptom, rest):
    assert "In 1 of 3 seeds (seed 0)" in rank(base(symptom, rest=rest), [], TARGET).answer


def test_a_setting_in_one_seed_is_not_named_and_one_seed_is_told_once():
    assert rank(base(FLAT), [], TARGET).base.exceptions == ()
    assert len(rank(base(NAN, NAN_IN_LAYER), [], TARGET).base.exceptions) == 1


def test_a_fault_that_all_seeds_show_is_named_of_a_base_that_converges_all_the_same():
    found = rank([outcome(n, Verdict.CONVERGED, UNCLEARED) for n in range(3)], [], TARGET)
    assert "In 3 of 3 seeds (seeds 0, 1, 2) the gradient is never cleared" in found.answer
    failing = rank([outcome(n, Verdict.STALLED, UNCLEARED) for n in range(3)], [], TARGET)
    assert failing.base.exceptions == ()  # the answer has it already: fix the code first


def cells(verdict, reason, rest=Verdict.NOT_CONVERGED):
    treated = [outcome(5 + n, verdict, cell="head=new", seed=n, reason=reason) for n in range(5)]
    return [*(outcome(n, rest) for n in range(5)), *treated]


@pytest.mark.parametrize("rest", [Verdict.CONVERGED, Verdict.NOT_CONVERGED])
def test_a_change_whose_trials_never_logged_the_metric_is_named_with_the_nearest(rest):
    found = rank(cells(Verdict.UNDECIDED, SILENT, rest), HEAD, TARGET, logged=["val/acc", "val/acc1"])
    assert f"head=new cannot be judged: {SILENT}." in found.answer
    [effect] = found.effects
    assert SILENT in effect.note
    assert effect.status == "undecided"
    assert "1 others" not in found.answer


def test_a_change_that_was_judged_has_no_such_note():
    assert "cannot be judged" not in rank(cells(Verdict.CONVERGED, ""), HEAD, TARGET).answer
