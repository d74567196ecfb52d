"""Where a loss starts, and whether it falls, blows up, or stays flat."""

import math

import numpy as np

from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH, is_validation
from sweep.domain.target import START_VALUES, start_size
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, line_slope, make_symptom, smoothed

FIRST_STEP = 1
"""A loss first seen after the first optimizer step does not describe the initial weights."""


def wrong_initial_loss(evidence: Evidence) -> list[Symptom]:
    """Return a cross entropy whose first value is far from the entropy of a guess: that of the labels, or ln C.

    `value` is the distance relative to that entropy. Ours: it must also be 2 nats away, about ln C for the ten classes
    that the published bound was set on. With two classes the logits of any healthy start are that far away.
    """
    limits, guess = evidence.thresholds, guess_entropy(evidence)
    start = _initial_loss(evidence)
    if guess is None or guess <= 0 or start is None:
        return []
    name, step, value = start
    distance = abs(value - guess) / guess
    if distance < limits.initial_loss or abs(value - guess) < limits.initial_loss_nats:
        return []
    message = f"{name} starts at {value:.4g}; a guess that ignores the input scores {guess:.4g}"
    return [make_symptom("wrong_initial_loss", name, step, distance, limits.initial_loss, message)]


def guess_entropy(evidence: Evidence) -> float | None:
    """Return the cross entropy of the best guess that ignores the input, in nats; None if unknown."""
    if not evidence.has_cross_entropy and (evidence.loss_names or "label_entropy" not in evidence.facts):
        return None  # another loss, or nothing is known
    entropy = evidence.facts.get("label_entropy")
    if isinstance(entropy, float | int):
        return float(entropy)
    units = evidence.number("head_units")
    return math.log(units) if units is not None and units >= 2 else None


def _initial_loss(evidence: Evidence) -> tuple[str, int, float] | None:
    seen = [(WATCH + "loss", evidence.watched("loss"))]
    training = evidence.training_loss
    if training is not None and not is_validation(training[0]):
        seen.append(training)
    for name, series in seen:
        if len(series) and series.steps[0] <= FIRST_STEP:
            return name, int(series.steps[0]), float(series.values[0])
    return None


def blow_up(evidence: Evidence) -> list[Symptom]:
    """Return, per loss, where it first exceeds 4 x its smoothed best, or 1e3 x its size at the start."""
    found = []
    for name, series in evidence.losses:
        symptom = _blow_up(evidence, name, series)
        if symptom is not None:
            found.append(symptom)
    return found


def _blow_up(evidence: Evidence, name: str, series: Series) -> Symptom | None:
    if len(series) < 2:
        return None
    limits, first = evidence.thresholds, start_size(series.values[:START_VALUES].tolist())
    if first <= 0:
        return None
    smooth = smoothed(series)
    best = smooth.copy()
    best[: START_VALUES - 1] = np.maximum(best[: START_VALUES - 1], first)  # a first value near zero is not a best
    best = np.minimum.accumulate(best)
    over_best = (best > 0) & (smooth > limits.blow_up_best * best) & (smooth > limits.blow_up_floor * first)
    over_first = series.values > limits.blow_up_first * first
    over = over_best | over_first
    if not over.any():
        return None
    at = int(np.argmax(over))
    if over_first[at]:
        value, limit, what = series.values[at], limits.blow_up_first * first, "its size at the start"
    else:
        value, limit, what = smooth[at], limits.blow_up_best * best[at], "its smoothed best"
    ratio = limits.blow_up_first if over_first[at] else limits.blow_up_best
    message = f"{name} {value:.4g} is over {ratio:g} x {what} ({limit / ratio:.4g})"
    return make_symptom("blow_up", name, series.steps[at], value, limit, message)


def flat(evidence: Evidence) -> list[Symptom]:
    """Return the stretch up to the end of the run in which the training loss does not fall, if the target is not held.

    The fall is the least-squares slope over the stretch, so that mini-batch noise averages out; a single window would
    be flat by chance in any healthy run. `value` is the relative fall per window, negative if it rises.
    """
    limits, training = evidence.thresholds, evidence.training_loss
    if training is None or evidence.is_broken or evidence.is_held:
        return []
    name, series = training
    if len(series) < limits.flat_points:
        return []
    budget = evidence.target.budget_steps
    window = max(limits.flat_window_steps, limits.flat_window_fraction * budget)
    warm_up = limits.warm_up * budget
    if series.steps[-1] - warm_up <= window:
        return []
    latest = series.steps[-1] - limits.flat_stretch * (series.steps[-1] - warm_up)
    # The longest flat stretch gives the step to report; the shortest decides whether there is one.
    for start in np.linspace(latest, warm_up, 6)[::-1]:
        keep = series.steps >= start
        steps, values = series.steps[keep], series.values[keep]
        if keep.sum() < limits.flat_points or steps[-1] - steps[0] < window:
            continue
        level = abs(float(values.mean()))
        fall = -line_slope(steps, values) * window / level if level > 0 else 0.0
        if fall < limits.flat_fall:
            message = f"{name} changes by {-100 * fall:+.2g} % per {window:g} steps from step {steps[0]} to the end"
            return [make_symptom("flat", name, steps[0], fall, limits.flat_fall, message)]
    return []
