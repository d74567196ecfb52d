"""The gradient: its norm, and how it changes from the last layer to the first.

Small and jumpy gradients are normal once the loss is nearly 0 or the target is held, so these rules only look at the
run while it learns.
"""

import numpy as np

from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, finite, first_run, make_symptom


def exploding_gradient(evidence: Evidence) -> list[Symptom]:
    """Return where the gradient's norm exceeds 1e5, or the first layer's gradient is 70 x the last one's in 3
    samples."""
    limits = evidence.thresholds
    norm = evidence.watched("grad_norm")
    over = norm.values > limits.gradient_norm
    if over.any():
        at = int(np.argmax(over))
        message = f"the norm of the gradient is {norm.values[at]:.4g}"
        name = WATCH + "grad_norm"
        return [
            make_symptom("exploding_gradient", name, norm.steps[at], norm.values[at], limits.gradient_norm, message)
        ]
    ends = _ends(evidence)
    if ends is None:
        return []
    layer, steps, first, last = ends
    grown = (first > limits.gradient_growth * last) & (last > 0) & (first > limits.gradient_growth_floor)
    at_ = first_run(grown, limits.checks)
    if at_ is None:
        return []
    ratio = first[at_] / last[at_]
    message = f"the mean gradient of {evidence.layer_text(layer)} is {ratio:.3g} times that of the last layer"
    name = f"{WATCH}grad_abs/{layer}"
    return [make_symptom("exploding_gradient", name, steps[at_], ratio, limits.gradient_growth, message)]


def gradient_spikes(evidence: Evidence) -> list[Symptom]:
    """Return where the gradient's norm exceeds the median of the samples before it by 10 times their spread.

    Ours: it must also be several times that median, and above the run's first median: the norms of a healthy run are
    skewed, and its relative jumps grow as its loss nears 0.
    """
    limits = evidence.thresholds
    norm, width = while_learning(evidence, evidence.watched("grad_norm")), limits.spike_window
    if len(norm) <= width:
        return []
    before = np.lib.stride_tricks.sliding_window_view(norm.values, width)[:-1]
    middle = np.median(before, axis=1)
    spread = np.median(np.abs(before - middle[:, None]), axis=1)
    limit = np.maximum(middle + limits.spike_spreads * spread, limits.spike_factor * middle)
    spikes = (norm.values[width:] > limit) & (norm.values[width:] > middle[0])
    if not spikes.any():
        return []
    at = int(np.argmax(spikes))
    step, value = norm.steps[width + at], norm.values[width + at]
    clipped = evidence.watched("clipped").values
    share = float(clipped.mean()) if len(clipped) else 0.0
    more = ""
    if share > limits.clipped_share:
        more = f"; {100 * share:.0f} % of the updates are clipped, so the learning rate is the cause, not the clipping"
    message = f"the norm of the gradient is {value:.3g} after a median of {middle[at]:.3g}{more}"
    return [make_symptom("gradient_spikes", WATCH + "grad_norm", step, value, limit[at], message)]


def vanishing_gradient(evidence: Evidence) -> list[Symptom]:
    """Return the first layer whose mean gradient is under 1e-7, or tiny compared with the last layer's, in 3
    samples."""
    limits = evidence.thresholds
    for layer, logged in _matrices(evidence):
        series = while_learning(evidence, finite(logged))
        at = first_run(series.values < limits.gradient_tiny, limits.checks)
        if at is not None:
            value = series.values[at]
            message = f"the mean gradient of {evidence.layer_text(layer)} is {value:.2g}"
            name = f"{WATCH}grad_abs/{layer}"
            return [make_symptom("vanishing_gradient", name, series.steps[at], value, limits.gradient_tiny, message)]
    ends = _ends(evidence)
    if ends is None:
        return []
    layer, steps, first, last = ends
    gone = (first < limits.gradient_fade * last) & (first < limits.gradient_small)
    at = first_run(gone, limits.checks)
    if at is None:
        return []
    ratio = first[at] / last[at]
    message = f"the mean gradient of {evidence.layer_text(layer)} is {first[at]:.2g}, {ratio:.2g} of the last layer's"
    name = f"{WATCH}grad_abs/{layer}"
    return [make_symptom("vanishing_gradient", name, steps[at], ratio, limits.gradient_fade, message)]


def while_learning(evidence: Evidence, series: Series) -> Series:
    """Return the points before the target was held and before the training loss fell below a tenth of its first value.

    After that any gradient is normal: the loss is nearly 0.
    """
    if not len(series):
        return series
    end = evidence.state.tau if evidence.state.tau is not None else np.inf
    training = evidence.training_loss
    if training is not None:
        losses = training[1]
        learnt = losses.values < evidence.thresholds.learnt_loss * abs(losses.values[0])
        if learnt.any():
            end = min(end, int(losses.steps[int(np.argmax(learnt))]))
    keep = series.steps <= end
    return Series(series.steps[keep], series.values[keep])


def _matrices(evidence: Evidence) -> list[tuple[str, Series]]:
    """Return the mean gradient of each layer except norms and embeddings, in forward order.

    An embedding's is small because a batch has few of its rows; a norm's weight is not a matrix.
    """
    types = evidence.layer_types
    found = evidence.layers("grad_abs")
    return [(name, s) for name, s in found if "Norm" not in types.get(name, "") and types.get(name) != "Embedding"]


def _ends(evidence: Evidence) -> tuple[str, np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the first layer's name, and steps, first and last layer's mean gradient at steps that have both [T]."""
    layers = _matrices(evidence)
    if len(layers) < 2:
        return None
    (name, first), (_, last) = layers[0], layers[-1]
    first, last = while_learning(evidence, finite(first)), while_learning(evidence, finite(last))
    _, mine, other = np.intersect1d(first.steps, last.steps, return_indices=True)
    return (name, first.steps[mine], first.values[mine], last.values[other]) if len(mine) else None
