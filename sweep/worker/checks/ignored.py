"""The label that means "ignored", such as 255 in segmentation: finds its value, and removes it from labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.domain.data_figures import LabelKind
from sweep.domain.ignored import FEWEST, IGNORED, stands_apart
from sweep.worker.checks.measures import classes_of, kind_of


def ignored_label(sets: Sequence[NDArray[Any]], *, output: Sequence[int], metric: str | None) -> int | None:
    """Return which of IGNORED is the only label of these sets (training labels first) out of range, None if none is.

    `output` is the shape of the model's output, empty if not known. A value is not returned if another fault explains
    it: the number of classes itself, or a -1 if all labels are one too small.
    """
    is_dense = len(output) > 2
    parts = [_flat(labels, is_dense=is_dense) for labels in sets]
    found = [part for part in parts if part is not None]
    if not found or len(found) < len(sets):
        return None
    distinct = np.unique(np.concatenate(found))
    for value in IGNORED:
        rest = distinct[distinct != value]
        if value not in distinct or len(rest) < FEWEST or not _is_class(rest):
            continue
        units = units_of(output, sets[0].shape)
        places = max(units, 2) if units else None
        if not is_dense and kind_of(without(sets[0], value), units, metric) is not LabelKind.CLASSES:
            continue
        if stands_apart(value, top=float(rest.max()), places=places):
            return value
    return None


def without(labels: NDArray[Any], value: int | None) -> NDArray[Any]:
    """Return the labels [n, ...] without those equal to `value`; dense labels (several per sample) become flat."""
    if not count_of(labels, value):
        return labels
    flat = classes_of(labels)
    kept: NDArray[Any] = labels[(labels if flat is None else flat) != value]
    return kept


def masked(labels: NDArray[Any], value: int | None) -> NDArray[Any]:
    """Return the labels as 64-bit floats, with NaN for those equal to `value`; unchanged if there are none."""
    if not count_of(labels, value):
        return labels
    flat = classes_of(labels)
    numbers = labels.astype(np.float64) if flat is None else flat
    return np.where(numbers == value, np.nan, numbers)


def count_of(labels: NDArray[Any], value: int | None) -> int:
    """Return the number of labels equal to `value`."""
    if value is None or not np.issubdtype(labels.dtype, np.number):
        return 0
    flat = classes_of(labels)
    return int(((labels if flat is None else flat) == value).sum())


def units_of(output: Sequence[int], labels: Sequence[int]) -> int | None:
    """Return the number of a model's outputs per label, given the shapes of the output and of the labels.

    The classes are axis 1, [n, classes, h, w], or the last axis, [n, length, classes] for labels [n, length].
    """
    if len(output) < 2:
        return None
    is_last = len(output) == len(labels) + 1 and list(output[1:-1]) == list(labels[1:]) != list(output[2:])
    return int(output[-1] if is_last else output[1])


def _flat(labels: NDArray[Any], *, is_dense: bool) -> NDArray[np.float64] | None:
    """Return the finite labels [m]; None if they are not classes."""
    flat = classes_of(labels)
    if flat is None and is_dense and np.issubdtype(labels.dtype, np.integer):
        flat = labels.reshape(-1).astype(np.float64)
    return None if flat is None else flat[np.isfinite(flat)]


def _is_class(rest: NDArray[np.float64]) -> bool:
    return bool((rest >= 0).all() and (rest == np.rint(rest)).all())
