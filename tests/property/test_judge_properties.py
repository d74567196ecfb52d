"""Properties of the judge that hold for all runs."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.domain.metric import Series
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.tracker import TargetTracker
from sweep.domain.verdict import Verdict
from sweep.judge import SymptomThresholds, judge, replay
from sweep.judge.symptoms import WATCHED, Evidence

number = st.one_of(st.floats(0.0, 2.0), st.sampled_from([math.nan, math.inf, -math.inf, 1e5]))
curve = st.dictionaries(st.integers(1, 100), number, max_size=60).map(lambda d: sorted(d.items()))
runs = st.dictionaries(st.sampled_from(["val/acc", "train/loss", "loss", "val/loss", "lr"]), curve, max_size=4)
targets = st.builds(
    Target,
    metric=st.sampled_from([None, "val/acc", "val/loss", "loss"]),
    loss=st.sampled_from([None, None, "train/loss", "val/loss"]),
    mode=st.sampled_from(Mode),
    threshold=st.sampled_from([None, 0.5]),
    hold=st.sampled_from([None, 1, 3]),
    budget_steps=st.just(100),
    stop_early=st.booleans(),
)


def stored(run):
    return {name: Series.of(points) for name, points in run.items()}


@settings(max_examples=200, deadline=None)
@given(run=runs, target=targets)
def test_replay_of_the_stored_series_equals_what_the_run_itself_saw(run, target):
    tracker = TargetTracker(target)
    for step in sorted({s for points in run.values() for s, _ in points}):
        tracker.update(step, {name: dict(points)[step] for name, points in run.items() if step in dict(points)})
    online, offline = tracker.state(), replay(stored(run), target, {})
    assert repr(replace(online, last_step=0)) == repr(replace(offline, last_step=0))  # NaN equals itself here


@settings(max_examples=200, deadline=None)
@given(run=runs, target=targets, state=st.sampled_from(TrialState), ended=st.sampled_from([None, *StopReason]))
def test_every_run_gets_a_verdict_that_agrees_with_itself(run, target, state, ended):
    result = judge(stored(run), target, {}, ended=ended, state=state)
    assert (result.tau is not None) == (result.verdict is Verdict.CONVERGED)
    assert result.reason
    assert result.best is None or math.isfinite(result.best)
    assert result.final is None or math.isfinite(result.final)
    assert all(s.step <= result.last_step for s in result.symptoms)


@settings(max_examples=100, deadline=None)
@given(run=runs, target=targets)
def test_a_rule_of_the_monitor_is_silent_on_every_run_without_one(run, target):
    series = stored(run)
    state, facts = replay(series, target, {}), {"label_entropy": 2.3}
    seen = Evidence(series=series, target=target, state=state, thresholds=SymptomThresholds(), facts=facts)
    assert not seen.is_watched
    assert [symptom for rule in WATCHED for symptom in rule(seen)] == []


@settings(max_examples=100, deadline=None)
@given(run=runs, target=targets, at=st.integers(1, 100))
def test_a_loss_that_is_nan_before_the_target_is_reached_is_never_converged(run, target, at):
    series = stored(run)
    series["train/loss"] = Series(np.array([0]), np.array([math.nan]))
    result = judge(series, replace(target, loss="train/loss"), {}, ended=StopReason.BUDGET, state=TrialState.COMPLETED)
    assert result.verdict is Verdict.DIVERGED
