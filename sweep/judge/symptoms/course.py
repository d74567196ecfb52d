"""How training goes: up and down, or up too slowly."""

import numpy as np

from sweep.domain.metric import is_loss
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
    # The rarer direction counts: a healthy metric rises, only an oscillating one goes both ways.
    share = float(min((swings & (change > 0)).mean(), (swings & (change < 0)).mean()))
    if share < limits.swing_share:
        return []
    message = f"{name} swings up and down by {limits.swing:g} or more, each at {100 * share:.0f} % of its evaluations"
    step = int(steps[1 + int(np.argmax(swings))])
    return [make_symptom("oscillating", name, step, share, limits.swing_share, message)]


def slow(evidence: Evidence) -> list[Symptom]:
    """Return a metric that still gets better after 30 % of the budget, but too slowly, and misses its target.

    `value` is the gain per evaluation, by the least-squares line: of the metric itself where it is in [0, 1], otherwise
    as a share of the way from its first value to its target.
    """
    limits, state = evidence.thresholds, evidence.state
    budget = evidence.target.budget_steps
    metric = state.metric
    if metric is None or state.level is None or metric not in evidence.series:
        return []
    if evidence.is_held or state.divergence is not None:
        return []
    series = finite(evidence.series[metric])
    keep = series.steps >= limits.slow_after * budget
    steps, values = series.steps[keep], series.values[keep]
    if len(values) < limits.slow_evaluations or steps[-1] < limits.slow_until * budget or flat(evidence):
        return []
    is_share = series.values.min() >= 0 and series.values.max() <= 1 and metric != state.loss and not is_loss(metric)
    way = 1.0 if is_share else abs(state.level - float(series.values[0]))
    per_evaluation = line_slope(steps, values) * float(np.median(np.diff(steps)))
    gain = (per_evaluation if state.mode is Mode.MAX else -per_evaluation) / way if way > 0 else 0.0
    if not 0 < gain < limits.slow_gain:
        return []
    unit = "" if is_share else " of the way to its target"
    message = f"{metric} gains {gain:.2g}{unit} per evaluation from step {steps[0]} on, and does not get there"
    return [make_symptom("slow", metric, steps[0], gain, limits.slow_gain, message)]
