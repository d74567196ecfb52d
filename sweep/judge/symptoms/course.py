"""The course of the training: oscillating, or too slow."""

import numpy as np

from sweep.domain.target import Mode
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, finite, line_slope, make_symptom
from sweep.judge.symptoms.loss import flat


def oscillating(evidence: Evidence) -> list[Symptom]:
    """Return where a loss, or the target's metric, goes up and down instead of one way."""
    return _loss_oscillation(evidence) + _metric_swings(evidence)


def _loss_oscillation(evidence: Evidence) -> list[Symptom]:
    limits = evidence.thresholds
    points, found = limits.oscillation_points, []
    for name, series in evidence.losses:
        if len(series) < points:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(series.values, points)[:: max(points // 5, 1)]
        changes = np.diff(windows, axis=1)
        kept = 1.0 - (changes[:, 1:] * changes[:, :-1] < 0).mean(axis=1)
        level = np.median(np.abs(windows), axis=1)
        loud = np.median(np.abs(changes), axis=1) >= limits.oscillation_amplitude * level
        high = level >= limits.oscillation_floor * abs(series.values[0])
        over = (kept < limits.oscillation_smoothness) & loud & high & (level > 0)
        if over.any():
            at = int(np.argmax(over))
            step = int(series.steps[at * max(points // 5, 1)])
            message = f"{name} changes direction at {100 * (1 - kept[at]):.0f} % of {points} points from step {step}"
            limit = limits.oscillation_smoothness
            found.append(make_symptom("oscillating", name, step, kept[at], limit, message))
    return found


def _metric_swings(evidence: Evidence) -> list[Symptom]:
    limits, name = evidence.thresholds, evidence.target.metric
    if name is None or evidence.target.is_metric_loss or name not in evidence.series:
        return []
    series = finite(evidence.series[name])
    keep = series.steps >= limits.warm_up * evidence.target.budget_steps
    steps, values = series.steps[keep], series.values[keep]
    if len(values) < limits.swing_evaluations or values.min() < 0 or values.max() > 1:
        return []
    change = np.diff(values)
    swings = np.abs(change) >= limits.swing
    # The rarer direction counts: a healthy metric rises, an oscillating one goes both ways.
    share = float(min((swings & (change > 0)).mean(), (swings & (change < 0)).mean()))
    if share < limits.swing_share:
        return []
    message = f"{name} swings by {limits.swing:g} or more, up and down at {100 * share:.0f} % of its evaluations each"
    step = int(steps[1 + int(np.argmax(swings))])
    return [make_symptom("oscillating", name, step, share, limits.swing_share, message)]


def slow(evidence: Evidence) -> list[Symptom]:
    """Return a metric that still improves after 30 % of the budget, but so slowly that it misses its target.

    The pace is the slope per step of the least-squares line, so it does not depend on how often a task evaluates.
    `value` is the step at which the line reaches the target. A line that needs many budgets is noise around a plateau.
    """
    limits, state = evidence.thresholds, evidence.state
    budget, metric, level = evidence.target.budget_steps, state.metric, state.level
    if metric is None or level is None or metric not in evidence.series or evidence.is_broken:
        return []
    series = finite(evidence.series[metric])
    sign = 1.0 if state.mode is Mode.MAX else -1.0
    keep = series.steps >= limits.slow_after * budget
    steps, values = series.steps[keep], series.values[keep]
    if len(values) < limits.slow_evaluations or steps[-1] < limits.slow_until * budget or flat(evidence):
        return []
    pace = sign * line_slope(steps, values)
    if evidence.is_held or (sign * series.values >= sign * level).any() or pace <= 0:
        return []
    now = float(values.mean()) + sign * pace * float(steps[-1] - steps.mean())
    reached = float(steps[-1]) + sign * (level - now) / pace
    if not budget < reached <= limits.slow_far * budget:
        return []
    message = (
        f"{metric} improves by {pace:.2g} per step from step {steps[0]} on; at this pace it reaches {level:.4g} "
        f"at about step {reached:,.0f}, beyond the budget of {budget:,}"
    )
    return [make_symptom("slow", metric, steps[0], reached, budget, message)]
