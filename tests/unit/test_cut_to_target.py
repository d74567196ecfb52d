"""A whole run judged as a trial with a target: cut where the trial would have ended."""

import math

from sweep.domain.metric import Series
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Verdict
from sweep.judge import judge
from sweep.judge.cutting import cut_to


def target(**more):
    given = {"metric": "acc", "mode": Mode.MAX, "threshold": 0.9, "hold": 3, "budget_steps": 50, "stop_early": True}
    return Target(**{**given, **more})


def run(acc, loss=lambda step: 1.0):
    return {
        "acc": Series.of([(step, acc(step)) for step in range(1, 101)]),
        "loss": Series.of([(step, loss(step)) for step in range(1, 101)]),
    }


def test_it_ends_at_the_budget():
    series, ended = cut_to(run(lambda _: 0.1), target(), {})
    assert ended is StopReason.BUDGET
    assert {int(one.steps.max()) for one in series.values()} == {50}


def test_it_ends_where_the_target_has_held():
    whole = run(lambda step: 0.95 if step >= 10 else 0.1)
    series, ended = cut_to(whole, target(), {})
    assert ended is StopReason.CONVERGED
    assert int(series["loss"].steps.max()) < 50
    judged = judge(series, target(), {}, ended=ended, state=TrialState.COMPLETED)
    assert (judged.verdict, judged.tau) == (Verdict.CONVERGED, 10)


def test_it_ends_where_the_loss_is_not_finite():
    series, ended = cut_to(run(lambda _: 0.1, lambda step: math.nan if step >= 7 else 1.0), target(loss="loss"), {})
    assert ended is StopReason.DIVERGED
    assert int(series["acc"].steps.max()) == 7


def test_without_early_ends_only_the_budget_counts():
    series, ended = cut_to(run(lambda _: 0.95), target(stop_early=False), {})
    assert ended is StopReason.BUDGET
    assert int(series["acc"].steps.max()) == 50


def test_a_program_shorter_than_the_budget_ends_by_itself():
    whole = run(lambda _: 0.1)
    series, ended = cut_to(whole, target(budget_steps=400), {})
    assert ended is StopReason.RETURNED
    assert len(series["acc"]) == 100
