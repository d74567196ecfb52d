"""Training compared with validation: too little freedom to learn, or too much."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sweep.domain.metric_names import WATCH, is_loss, is_validation
from sweep.domain.target import Mode
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import (
    Evidence,
    Floats,
    finite,
    line_slope,
    make_symptom,
    smoothed,
)
from sweep.judge.symptoms.loss import flat, guess_entropy

CHANCE_EVALUATIONS = 3
"""Number of consecutive evaluations whose median is compared with chance level."""
GUESS = math.log(10)
"""Cross entropy of a guess among ten classes, in nats."""


def over_regularised(evidence: Evidence) -> list[Symptom]:
    """Return the regularisation of a run that misses its target while training is no better than validation.

    The first of these is reported: a dropout above 0.5; a decay gradient as large as the data's, and growing; any
    regularisation if the training loss is flat.
    """
    limits = evidence.thresholds
    if evidence.is_held or evidence.state.divergence is not None:
        return []
    gap = _gap(evidence)
    if gap is not None and gap[1][-1] > limits.regularised_gap:
        return []
    dropout, decay = evidence.number("dropout") or 0.0, evidence.watched("decay_share")
    if dropout > limits.dropout:
        message = f"dropout is {dropout:g}, the target is missed, and training is no better than validation"
        return [make_symptom("over_regularised", WATCH + "dropout", 0, dropout, limits.dropout, message)]
    half = decay.values[len(decay) // 2 :]
    share = float(np.median(half)) if len(half) else 0.0
    if share > limits.decay_share and line_slope(decay.steps, decay.values) > 0:
        over = decay.values > limits.decay_share
        message = f"the gradient of the weight decay is {share:.2g} times that of the data, and the target is missed"
        at = decay.steps[int(np.argmax(over))]
        return [make_symptom("over_regularised", WATCH + "decay_share", at, share, limits.decay_share, message)]
    still = flat(evidence) if gap is not None and (dropout > 0 or share > limits.decay_some) else []
    if not still or gap is None:
        return []
    message = f"training and validation loss are flat and {100 * abs(gap[1][-1]):.0f} % apart"
    step = still[0].step
    return [make_symptom("over_regularised", still[0].metric, step, gap[1][-1], limits.regularised_gap, message)]


def overfit(evidence: Evidence) -> list[Symptom]:
    """Return a validation loss that has risen well above its best and moves away from the training loss.

    `value` is (validation - training) / training at the end. A gap alone is not a symptom: every run that learns its
    training set has one, even if it generalises well.
    """
    limits, gap, validation = evidence.thresholds, _gap(evidence), evidence.validation_loss
    if gap is None or validation is None or evidence.is_held:
        return []
    steps, share = gap
    name, series = validation
    if len(share) < limits.overfit_evaluations:
        return []
    tail = len(share) // 2
    is_rising = line_slope(steps[tail:], share[tail:]) > 0
    best = int(np.argmin(series.values))
    last = float(np.median(series.values[-3:]))
    if share[-1] <= limits.overfit_gap or not is_rising or last < limits.overfit_rise * series.values[best]:
        return []
    message = (
        f"{name} has risen from {series.values[best]:.4g} at step {series.steps[best]} to {last:.4g}, "
        f"{100 * share[-1]:.0f} % above the training loss"
    )
    return [make_symptom("overfit", name, series.steps[best], share[-1], limits.overfit_gap, message)]


def fits_yet_fails(evidence: Evidence) -> list[Symptom]:
    """Return a training loss near 0 while the target's metric stays at chance level.

    `value` is the metric's best, as the median of three consecutive evaluations, so that one lucky evaluation does not
    count.
    """
    limits, state, training = evidence.thresholds, evidence.state, evidence.training_loss
    metric, level = state.metric, state.level
    if training is None or metric is None or level is None or metric == training[0] or is_validation(training[0]):
        return []
    name, losses = training
    values = finite(evidence.series[metric]).values if metric in evidence.series else losses.values[:0]
    if evidence.is_broken or len(values) < CHANCE_EVALUATIONS or losses.values[0] <= 0:
        return []
    smooth, start = smoothed(losses), _start(evidence, float(losses.values[0]))
    part = float(smooth[-1]) / start
    sign = 1.0 if state.mode is Mode.MAX else -1.0
    chance = _chance(evidence, metric, values)
    bound = chance + limits.chance_share * (level - chance)
    best = sign * np.median(sliding_window_view(sign * values, CHANCE_EVALUATIONS), axis=1).max()
    if part > limits.fits_loss or sign * (level - chance) <= 0 or sign * best > sign * bound:
        return []
    learnt = smooth <= limits.fits_loss * start
    step = losses.steps[int(np.argmax(learnt))]
    message = (
        f"{name} falls to {smooth[-1]:.2g}, {100 * part:.2g} % of its level before learning, and {metric} stays at "
        f"{best:.3g}; a guess scores {chance:.3g}, the target is {level:.4g}"
    )
    return [make_symptom("fits_yet_fails", metric, step, best, bound, message)]


def _start(evidence: Evidence, first: float) -> float:
    """Return the loss at which learning starts: that of a guess if the first value is above it.

    A loss that falls from far above a guess to that of a guess has learnt nothing. If the number of classes is not
    known, the guess is among ten.
    """
    guess = guess_entropy(evidence)
    if guess is None or guess <= 0:
        guess = GUESS if evidence.is_classification else first
    return min(first, guess)


def _chance(evidence: Evidence, metric: str, values: Floats) -> float:
    """Return chance level: 1/C, the entropy of a guess, 0 for R2; for any other metric its first value."""
    name, units, entropy = metric.rpartition("/")[2].lower(), evidence.number("head_units"), guess_entropy(evidence)
    if name.startswith(("acc", "top")):
        classes = max(units, 2.0) if units is not None else None if entropy is None else math.exp(entropy)
        if classes is not None:
            return 1.0 / classes
    if name.startswith("r2"):
        return 0.0
    return entropy if is_loss(metric) and entropy is not None else float(values[0])


def _gap(evidence: Evidence) -> tuple[NDArray[np.int64], Floats] | None:
    """Return (validation - training) / training at each evaluation [T], with its steps; None if one is not logged.

    The training loss at an evaluation is the median of what was logged since the previous one, so that one easy or hard
    batch has little effect.
    """
    training, validation = evidence.training_loss, evidence.validation_loss
    if training is None or validation is None or training[0] == validation[0]:
        return None
    steps, values, before = [], [], -1
    for step, value in zip(validation[1].steps.tolist(), validation[1].values.tolist(), strict=True):
        since = training[1].values[(training[1].steps > before) & (training[1].steps <= step)]
        before = step
        level = float(np.median(since)) if len(since) else 0.0
        if level > 0:
            steps.append(step)
            values.append((value - level) / level)
    return (np.array(steps, dtype=np.int64), np.array(values)) if steps else None
