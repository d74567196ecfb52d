"""The verdict on one trial, with its reason as a sentence (docs/method.md)."""

from collections.abc import Mapping

import numpy as np

from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH, is_loss
from sweep.domain.roles import LOSS_NAMES
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import BLOW_UP, HOLD_EVALUATIONS, Mode, Target, TargetRule, TargetState
from sweep.domain.tracker import TargetTracker, watched_names
from sweep.domain.verdict import Judgement, Symptom, Verdict
from sweep.errors import nearest
from sweep.judge.symptoms import Evidence, find_symptoms
from sweep.judge.symptoms.logging import doubt, with_messages
from sweep.judge.thresholds import SymptomThresholds

_CUT_SHORT = frozenset({StopReason.PRUNED, StopReason.STOPPED})
_BY_RULES = frozenset({StopReason.CONVERGED, StopReason.DIVERGED})
"""The run ended at a decision. If it did so by earlier rules, and the current rules do not decide, it was cut short."""
_ENDS = {
    StopReason.RETURNED: "the task finished by itself",
    StopReason.BUDGET: "the budget was used up",
    StopReason.PRUNED: "pruned",
    StopReason.STOPPED: "stopped because the study stopped",
    StopReason.CONVERGED: "ended early as converged by earlier rules,",
    StopReason.DIVERGED: "ended early as diverged by earlier rules,",
}
_BASIS = {
    TargetRule.TARGET: "",
    TargetRule.SKILL: " (skill 0.5: half of the label entropy)",
    TargetRule.EXPLAINED_VARIANCE: " (half of the target's variance)",
    TargetRule.HALF_LOSS: " (half of its first value)",
}


def judge(
    series: Mapping[str, Series],
    target: Target,
    facts: Mapping[str, float | str],
    *,
    ended: StopReason | None,
    state: TrialState,
    thresholds: SymptomThresholds | None = None,
) -> Judgement:
    """Return the verdict on a run with these series that ended in this way.

    A run that was cut short (failed, timed out, pruned, cancelled, lost, or stopped) is judged only if what it logged
    already decides: it diverged, or it held its target and stops early by it. Otherwise it is undecided.
    """
    whole = state is TrialState.COMPLETED and ended not in _CUT_SHORT
    tracked = replay(series, target, facts, is_whole=whole)
    evidence = Evidence(
        series=series,
        target=target,
        state=tracked,
        thresholds=thresholds or SymptomThresholds(),
        facts=facts,
        ended=ended,
    )
    symptoms = find_symptoms(evidence)
    if tracked.divergence is None and not tracked.evaluations:
        verdict, reason = Verdict.UNDECIDED, _not_judged(series, target, tracked, _how(ended, state))
        reason = next((s.message for s in symptoms if s.rule == "steps" and s.metric not in series), reason)
    elif tracked.divergence is None and tracked.level is None:
        verdict, reason = Verdict.UNDECIDED, _no_half(tracked)
    else:
        whole = whole and ended not in _BY_RULES
        verdict, reason = _decide(tracked, target, symptoms, whole=whole, how=_how(ended, state))
        why = doubt(evidence, symptoms, converged=verdict is Verdict.CONVERGED)
        if why and verdict is not Verdict.DIVERGED:
            verdict, reason = Verdict.UNDECIDED, why
    reason = with_messages(reason, symptoms)
    return Judgement(
        verdict=verdict,
        reason=reason,
        rule=str(tracked.rule),
        tau=tracked.tau if verdict is Verdict.CONVERGED else None,
        last_step=max((int(s.steps.max()) for n, s in series.items() if len(s) and not n.startswith(WATCH)), default=0),
        best=tracked.best,
        final=tracked.final,
        symptoms=symptoms,
    )


def replay(
    series: Mapping[str, Series], target: Target, facts: Mapping[str, float | str], *, is_whole: bool = False
) -> TargetState:
    """Return the tracker's state after all points, merged by step; the same as in the run itself.

    `is_whole`: the run ended by itself, so that no more evaluations would have come.
    """
    tracker = TargetTracker(target, facts)
    watched = sorted(watched_names(target) & series.keys())
    if len(watched) == 1:  # nothing to merge
        [name] = watched
        for step, value in zip(series[name].steps.tolist(), series[name].values.tolist(), strict=True):
            tracker.update(step, {name: value})
    elif watched:
        steps = np.concatenate([series[name].steps for name in watched])
        values = np.concatenate([series[name].values for name in watched]).tolist()
        owners = np.repeat(np.arange(len(watched)), [len(series[name]) for name in watched]).tolist()
        # By step, but each metric keeps its own order, even if a step counter was set back.
        order = np.argsort(
            np.concatenate([np.maximum.accumulate(series[name].steps) for name in watched]), kind="stable"
        ).tolist()
        batch: dict[str, float] = {}
        at = 0
        step_list = steps.tolist()
        for index in order:
            step, name = step_list[index], watched[owners[index]]
            if batch and (step != at or name in batch):
                tracker.update(at, batch)
                batch = {}
            at = step
            batch[name] = values[index]
        if batch:
            tracker.update(at, batch)
    if is_whole:
        tracker.conclude()
    return tracker.state()


def _decide(
    tracked: TargetState, target: Target, symptoms: tuple[Symptom, ...], *, whole: bool, how: str
) -> tuple[Verdict, str]:
    if tracked.divergence is not None:
        return Verdict.DIVERGED, _divergence(tracked)
    if tracked.held_at is not None and (whole or target.stop_early):
        if tracked.lost_at is not None:
            return Verdict.NOT_CONVERGED, (
                f"reached, then lost at step {tracked.lost_at}: {_goal(tracked)} was held from step {tracked.tau}, "
                f"but {tracked.metric} is {_number(tracked.final)} at the end"
            )
        return Verdict.CONVERGED, _held(tracked, target)
    if not whole:
        return Verdict.UNDECIDED, f"{how} before a verdict was reached: {_short(tracked, target)}"
    # A miss is a miss, watched or not. But a plateau is not called stalled if the monitor saw NaN in the weights,
    # which a ReLU hides from the loss.
    bad = next((s for s in symptoms if s.rule == "non_finite" and s.metric.startswith(WATCH)), None)
    if bad is not None:  # a loss that is flat because of NaN is not stalled
        seen = f"values became NaN or infinite at step {bad.step} ({bad.message})"
        return Verdict.NOT_CONVERGED, f"{_short(tracked, target)}; {seen}"
    still = next((s for s in symptoms if s.rule == "flat" and not s.metric.startswith(WATCH)), None)
    if still is not None:
        return Verdict.STALLED, f"{_short(tracked, target)}; {still.message}"
    return Verdict.NOT_CONVERGED, f"{_short(tracked, target)} ({how})"


def _not_judged(series: Mapping[str, Series], target: Target, tracked: TargetState, how: str) -> str:
    """Return why nothing could be judged, with the override that changes this."""
    if tracked.candidates and target.named_decider is None:
        named = ", ".join(tracked.candidates)
        return f"several series could be the loss ({named}); to name it, add converge.loss={tracked.candidates[0]}"
    logged = sorted(name for name, one in series.items() if len(one) and not name.startswith(WATCH))
    said = f"logged: {', '.join(logged) or 'nothing'} ({how})"
    if target.named_decider is not None:
        near = nearest(target.named_decider, logged)
        nearest_words = f"; the nearest logged name is {near}" if near else ""
        return f"{target.named_decider} was never logged{nearest_words}; {said}"
    losses = [name for name in logged if is_loss(name)]
    hint = f"; to judge by {losses[0]}, add converge.loss={losses[0]}" if losses else ""
    return f"no target is given, and none of {', '.join(LOSS_NAMES)} was logged; {said}{hint}"


def _no_half(tracked: TargetState) -> str:
    starts = tracked.first is not None and tracked.first <= 0
    how = f"starts at {_number(tracked.first)}" if starts else f"falls to {_number(tracked.best)}"
    return (
        f"{tracked.metric} {how}: half of its first value is meaningless for a loss {'at or ' * starts}below 0; set "
        f"a target: converge.metric={tracked.metric} converge.mode=min converge.target=NUMBER"
    )


def _how(ended: StopReason | None, state: TrialState) -> str:
    if state is TrialState.COMPLETED:
        return _ENDS.get(ended, "completed") if ended is not None else "completed"
    return str(state).replace("_", " ")


def _goal(tracked: TargetState) -> str:
    """Return the condition to meet: `val/acc >= 0.9`, or `val/loss <= 1.15 (skill 0.5)`."""
    sign = ">=" if tracked.mode is Mode.MAX else "<="
    return f"{_compared_name(tracked)} {sign} {_number(tracked.level)}{_BASIS[tracked.rule]}"


def _compared_name(tracked: TargetState) -> str:
    return f"smoothed {tracked.metric}" if tracked.is_smoothed else f"{tracked.metric}"


def _held(tracked: TargetState, target: Target) -> str:
    if tracked.held_by is not None:
        times = {1: "once", 2: "twice"}.get(tracked.held_by, f"{tracked.held_by} times")
        at = "at its only evaluation" if tracked.held_by == 1 else "at all evaluations"
        return f"{_goal(tracked)} met {at}, from step {tracked.tau} on (evaluated {times} per run, fewer than the hold)"
    end = "" if target.stop_early else f", and still met at the end (step {tracked.last_step})"
    if target.hold is None:
        return f"{_goal(tracked)} held from step {tracked.tau} to step {tracked.held_at}{end}"
    return f"{_goal(tracked)} held for {target.hold} evaluations from step {tracked.tau}{end}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _short(tracked: TargetState, target: Target) -> str:
    need = target.hold if target.hold is not None else HOLD_EVALUATIONS
    if tracked.evaluations < need:
        return (
            f"{tracked.metric} was evaluated {_times(tracked.evaluations)} by step {tracked.last_step}; "
            f"{_goal(tracked)} must hold for {need} evaluations"
        )
    missed = f"{_goal(tracked)} not held by step {tracked.last_step}"
    if not tracked.is_smoothed or tracked.compared is None or tracked.level is None:
        return f"{missed}: best {_number(tracked.best)}"
    now = f"{_number(tracked.compared)} {'>' if tracked.compared > tracked.level else '<='} {_number(tracked.level)}"
    return (
        f"{missed}: smoothed {tracked.metric} {now}, best {_number(tracked.best_compared)}; "
        f"last raw value {_number(tracked.final)}"
    )


def _divergence(tracked: TargetState) -> str:
    seen = tracked.divergence
    assert seen is not None
    what = f"{seen.metric} is {seen.value}" if seen.limit is None else (
        f"{seen.metric} {_number(seen.value)} is above {_number(seen.limit)}, {BLOW_UP:g} x its initial size,"
    )  # fmt: skip
    before = "" if tracked.held_at is None else f", after {_goal(tracked)} had been held from step {tracked.tau}"
    return f"{what} at step {seen.step}{before}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
