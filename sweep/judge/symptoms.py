"""Symptom rules: what the curves of one run show, one function per rule (METHOD 4).

Every rule looks at finite values only; `non_finite` is the one that says where a value was not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.domain.metric import Series
from sweep.domain.names import is_loss
from sweep.domain.target import EMA_DECAY, Target, TargetState
from sweep.domain.verdict import Symptom
from sweep.judge.thresholds import SymptomThresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What the rules look at: all series of one run, and what the tracker made of them."""

    series: Mapping[str, Series]
    target: Target
    state: TargetState
    thresholds: SymptomThresholds

    def losses(self) -> list[tuple[str, Series]]:
        """Return the finite points of every loss that has any, by name."""
        found = ((name, finite(self.series[name])) for name in sorted(self.series) if is_loss(name))
        return [(name, series) for name, series in found if len(series)]


def finite(series: Series) -> Series:
    """Return the points whose value is finite."""
    keep = np.isfinite(series.values)
    return series if keep.all() else Series(series.steps[keep], series.values[keep])


def smoothed(series: Series) -> Floats:
    """Return the bias-corrected EMA of finite values [T], 0.98 per optimizer step, as the tracker smooths a loss."""
    if not len(series):
        return series.values
    gaps = np.maximum(np.diff(series.steps, prepend=series.steps[:1] - 1), 1)
    total = weight = 0.0
    out = []
    for decay, value in zip((EMA_DECAY**gaps).tolist(), series.values.tolist(), strict=True):
        total = decay * total + (1.0 - decay) * value
        weight = decay * weight + (1.0 - decay)
        out.append(total / weight)
    return np.array(out)


def non_finite(evidence: Evidence) -> list[Symptom]:
    """Return, per metric, the first NaN or infinity of a loss, a gradient, a weight, or the target's metric."""
    found = []
    for name, series in sorted(evidence.series.items()):
        last = name.rpartition("/")[2].lower()
        if not (is_loss(name) or "grad" in last or "weight" in last or name == evidence.target.metric):
            continue
        bad = ~np.isfinite(series.values)
        if bad.any():
            at = int(np.argmax(bad))
            value = float(series.values[at])
            found.append(_symptom("non_finite", name, int(series.steps[at]), value, np.inf, f"{name} is {value}"))
    return found


def blow_up(evidence: Evidence) -> list[Symptom]:
    """Return, per loss, where it first exceeds 4 x its smoothed best, or 1e3 x its first value."""
    limits = evidence.thresholds
    found = []
    for name, series in evidence.losses():
        first = float(series.values[0])
        if first <= 0 or len(series) < 2:
            continue
        smooth = smoothed(series)
        best = np.minimum.accumulate(smooth)
        over_best = (best > 0) & (smooth > limits.blow_up_best * best) & (smooth > limits.blow_up_floor * first)
        over_first = series.values > limits.blow_up_first * first
        over = over_best | over_first
        if not over.any():
            continue
        at = int(np.argmax(over))
        if over_first[at]:
            value, limit, what = series.values[at], limits.blow_up_first * first, "its first value"
        else:
            value, limit, what = smooth[at], limits.blow_up_best * best[at], "its smoothed best"
        ratio = limits.blow_up_first if over_first[at] else limits.blow_up_best
        message = f"{name} {value:.4g} is over {ratio:g} x {what}, {limit:.4g}"
        found.append(_symptom("blow_up", name, int(series.steps[at]), value, limit, message))
    return found


def flat(evidence: Evidence) -> list[Symptom]:
    """Return the stretch up to the end of the run in which the training loss does not fall, where the target is unmet.

    The fall is the least-squares slope over the stretch, so that mini-batch noise averages out; a single window
    would be flat by chance in any healthy run. `value` is the relative fall per window, negative where it rises.
    """
    limits, target, state = evidence.thresholds, evidence.target, evidence.state
    name = _training_loss(evidence)
    if name is None or state.divergence is not None or (state.held_at is not None and state.lost_at is None):
        return []
    series = finite(evidence.series[name])
    window = max(limits.flat_window_steps, limits.flat_window_fraction * target.budget_steps)
    warm_up = limits.warm_up * target.budget_steps
    if not len(series) or series.steps[-1] - warm_up <= window:
        return []
    latest = series.steps[-1] - limits.flat_stretch * (series.steps[-1] - warm_up)
    # The longest flat stretch tells since when; the shortest decides whether there is one.
    for start in np.linspace(latest, warm_up, 6)[::-1]:
        keep = series.steps >= start
        steps, values = series.steps[keep], series.values[keep]
        if keep.sum() < limits.flat_points or steps[-1] - steps[0] < window:
            continue
        fall = _relative_fall(steps, values, window)
        if fall < limits.flat_fall:
            message = f"{name} changes by {-100 * fall:+.2g} % per {window:g} steps from step {steps[0]} to the end"
            return [_symptom("flat", name, int(steps[0]), fall, limits.flat_fall, message)]
    return []


def oscillating(evidence: Evidence) -> list[Symptom]:
    """Return where a loss, or the target's metric, goes up and down instead of one way."""
    return _loss_oscillation(evidence) + _metric_swings(evidence)


RULES: dict[str, Callable[[Evidence], list[Symptom]]] = {
    "non_finite": non_finite,
    "blow_up": blow_up,
    "flat": flat,
    "oscillating": oscillating,
}


def find_symptoms(evidence: Evidence) -> tuple[Symptom, ...]:
    """Return all symptoms, earliest first."""
    found = [symptom for rule in RULES.values() for symptom in rule(evidence)]
    return tuple(sorted(found, key=lambda s: (s.step, s.rule, s.metric)))


def _loss_oscillation(evidence: Evidence) -> list[Symptom]:
    limits = evidence.thresholds
    found = []
    for name, series in evidence.losses():
        points = min(limits.oscillation_points, len(series))
        if points < limits.oscillation_points:
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
            found.append(_symptom("oscillating", name, step, float(kept[at]), limit, message))
    return found


def _metric_swings(evidence: Evidence) -> list[Symptom]:
    limits, name = evidence.thresholds, evidence.target.metric
    if name is None or is_loss(name) or name not in evidence.series:
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
    return [_symptom("oscillating", name, step, share, limits.swing_share, message)]


def _training_loss(evidence: Evidence) -> str | None:
    """Return the loss that shows the optimisation: train/loss, else loss, else any but a validation loss, else that."""
    names = [name for name in evidence.series if is_loss(name)]

    def preference(name: str) -> tuple[bool, bool, bool, str]:
        return name != "train/loss", name != "loss", name.lower().startswith("val"), name

    return min(names, key=preference, default=None)


def _relative_fall(steps: NDArray[np.int64], values: Floats, window: float) -> float:
    """Return the fall of the least-squares line per `window` steps, relative to the mean of the values."""
    centred = steps - steps.mean()
    slope = float(centred @ (values - values.mean()) / (centred @ centred))
    level = abs(float(values.mean()))
    return -slope * window / level if level > 0 else 0.0


def _symptom(rule: str, metric: str, step: int, value: float, threshold: float, message: str) -> Symptom:
    return Symptom(rule=rule, step=step, value=float(value), threshold=float(threshold), metric=metric, message=message)
