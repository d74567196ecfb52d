"""Cuts what a run logged at the step at which a trial with a target would have ended."""

from collections.abc import Mapping

from sweep.domain.metric import Series
from sweep.domain.states import StopReason
from sweep.domain.target import Target
from sweep.domain.tracker import TargetTracker, watched_names


def cut_to(
    series: Mapping[str, Series], target: Target, facts: Mapping[str, float | str]
) -> tuple[dict[str, Series], StopReason]:
    """Return what a trial with this target would have logged of a whole run, and why it would have ended.

    The end takes effect after all that was logged at its step, as in a trial (sweep/worker/run.py).
    """
    later = [one.steps[one.steps >= target.budget_steps] for one in series.values()]
    used_up = min((int(steps.min()) for steps in later if len(steps)), default=None)
    reason, at = _decision(series, target, facts)
    if used_up is not None and (at is None or used_up < at):
        reason, at = StopReason.BUDGET, used_up
    if reason is None or at is None:
        return dict(series), StopReason.RETURNED
    return {name: one.upto(at) for name, one in series.items()}, reason


def _decision(
    series: Mapping[str, Series], target: Target, facts: Mapping[str, float | str]
) -> tuple[StopReason | None, int | None]:
    """Return what ends the trial and at which step, (None, None) if the target decides nothing."""
    points: dict[int, dict[str, float]] = {}
    for name in watched_names(target) & series.keys():
        one = series[name]
        for step, value in zip(one.steps.tolist(), one.values.tolist(), strict=True):
            points.setdefault(step, {})[name] = value
    tracker = TargetTracker(target, facts)
    for step in sorted(points):
        reason = tracker.update(step, points[step])
        if reason is not None:
            return reason, step
    return None, None
