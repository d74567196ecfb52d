"""What goes into the model and into the loss: the scale of inputs and targets, the range of labels.

The facts are about the first batch that the model was called with; the data check looks at all of the data.
"""

import math

from sweep.domain.ignored import DEFAULT_IGNORED, stands_apart
from sweep.domain.metric_names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, make_symptom

REGRESSION = ("mse_loss", "mseloss", "l1_loss", "l1loss", "smooth_l1", "smoothl1", "huber", "square_error_cost")
"""Prefixes of the names of regression losses, in lower case."""


def input_scale(evidence: Evidence) -> list[Symptom]:
    """Return inputs that have NaN, are constant, or are neither around [-1, 1] nor near unit variance."""
    limits, seen = evidence.thresholds, evidence.moments("inputs")
    if not seen or evidence.is_integer("inputs"):  # token ids have no scale
        return []
    name = WATCH + "inputs"
    if seen.get("nan", 0.0) > 0:
        message = f"the first batch has {seen['nan']:,.0f} values that are NaN or infinite"
        return [make_symptom("input_scale", name, 0, seen["nan"], 0.0, message)]
    low, high, std = (seen.get(key, math.nan) for key in ("min", "max", "std"))
    if std == 0 or low == high:
        return [make_symptom("input_scale", name, 0, 0.0, 0.0, f"all inputs of the first batch are {low:.4g}")]
    extent = max(abs(low), abs(high))
    mean = abs(seen.get("mean", 0.0))
    is_unit = 1 / limits.input_std <= std <= limits.input_std and mean <= limits.input_std
    if not extent > limits.input_extent or is_unit:
        return []
    message = f"inputs range from {low:.4g} to {high:.4g}, with a standard deviation of {std:.3g}"
    return [make_symptom("input_scale", name, 0, extent, limits.input_extent, message)]


def target_scale(evidence: Evidence) -> list[Symptom]:
    """Return a regression target whose spread or mean is over 10, or whose spread is under a tenth."""
    limits, seen = evidence.thresholds, evidence.moments("targets")
    if not seen or evidence.is_classification or not is_regression(evidence):
        return []
    name, std, mean = WATCH + "targets", seen.get("std", math.nan), abs(seen.get("mean", 0.0))
    size = max(std, mean)
    if not size > limits.target_size and not 0 < std < 1 / limits.target_size:
        return []
    value, limit = (size, limits.target_size) if size > limits.target_size else (std, 1 / limits.target_size)
    message = f"the target has mean {seen.get('mean', 0.0):.4g} and standard deviation {std:.3g}"
    return [make_symptom("target_scale", name, 0, value, limit, message)]


def labels(evidence: Evidence) -> list[Symptom]:
    """Return labels of a classifier that are NaN, negative, or not below the number of outputs.

    A single value that usually means "ignored" is allowed, as in the data check.
    """
    seen, units = evidence.moments("targets"), evidence.number("head_units")
    if not seen or not evidence.is_classification:
        return []
    name, low, high = WATCH + "targets", seen.get("min", math.nan), seen.get("max", math.nan)
    if seen.get("nan", 0.0) > 0:
        message = f"the first batch has {seen['nan']:,.0f} labels that are NaN or infinite"
        return [make_symptom("labels", name, 0, seen["nan"], 0.0, message)]
    places = None if units is None else max(units, 2.0)
    if low == DEFAULT_IGNORED or (
        "ignored" in seen and stands_apart(seen["ignored"], top=seen["rest_max"], places=places)
    ):
        low, high = 0.0, seen.get("rest_max", high)
    if low < 0:
        return [make_symptom("labels", name, 0, low, 0.0, f"the lowest label is {low:g}; classes count from 0")]
    if evidence.has_cross_entropy and units is not None and units >= 2 and high >= units:
        message = f"the highest label is {high:g}, but the model has {units:g} outputs (labels 0 to {units - 1:g})"
        return [make_symptom("labels", name, 0, high, units, message)]
    return []


def is_regression(evidence: Evidence) -> bool:
    """Return whether all losses that were called are regression losses."""
    names = evidence.loss_names
    return bool(names) and all(name.startswith(REGRESSION) for name in names)
