"""Figures of a set's inputs and labels; sweep.analysis.checks.data judges them."""

import hashlib
import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.domain.data_figures import (
    ClassLabels,
    ConstantParts,
    FeatureSpread,
    Inputs,
    LabelKind,
    Labels,
    NumberInputs,
    NumberLabels,
    OtherInputs,
    OtherLabels,
    Overlap,
    Repeats,
    RowOrder,
)
from sweep.picture import as_images, layout_of

NAMED = 12
"""Maximum number of features, channels or pixels listed by name."""
COUNTED = 1000
"""Maximum number of different labels that are counted separately."""
FEW = 20
"""Maximum number of different whole numbers for which labels are taken as classes, if nothing else decides."""


def measure_inputs(x: NDArray[Any], layout: str | None = None) -> Inputs:
    """Return the figures of inputs [n, ...]; values that are not finite are counted and left out."""
    shape, dtype = x.shape[1:], str(x.dtype)
    if not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
        return OtherInputs(shape=shape, dtype=dtype)
    layout = layout or layout_of(x)
    values = x.astype(np.float64, copy=False)
    finite = np.isfinite(values)
    clean = values if finite.all() else np.where(finite, values, 0.0)
    seen = values[finite]
    flat = values.reshape(len(x), -1)
    bad_rows = np.flatnonzero(~finite.reshape(len(x), -1).all(axis=1))
    return NumberInputs(
        shape=shape,
        dtype=dtype,
        layout=layout,
        nan=int(np.isnan(values).sum()),
        infinite=int(np.isinf(values).sum()),
        bad_rows=len(bad_rows),
        first_bad_row=int(bad_rows[0]) if len(bad_rows) else None,
        min=known(seen.min()) if seen.size else None,
        max=known(seen.max()) if seen.size else None,
        mean=known(seen.mean()) if seen.size else None,
        std=known(seen.std()) if seen.size else None,
        is_whole=bool(seen.size and (seen == np.rint(seen)).all()),
        zero_rows=int((flat == 0).all(axis=1).sum()),
        is_one_input=bool(len(x) > 1 and (flat == flat[0]).all()),
        constant=_constants(clean, layout),
        feature_std=_spread(clean) if layout == "table" else None,
    )


def known(value: float) -> float | None:
    """Return the number if it is finite, else None."""
    return float(value) if math.isfinite(value) else None


def _constants(x: NDArray[np.float64], layout: str) -> ConstantParts:
    """Return the features, channels or pixels that are equal in all samples.

    A constant column of a table carries no information. Constant pixels are usual at the edge of images, and are not
    counted if they are connected to the border. Enclosed constant pixels are counted, and so are whole channels.
    """
    images = as_images(x, layout)
    if images is None:
        per_sample = x.reshape(len(x), -1) if layout != "other" or x.ndim < 3 else x.reshape(-1, x.shape[-1])
        found = np.flatnonzero(np.ptp(per_sample, axis=0) == 0)
        names = [str(int(i)) for i in found[:NAMED]]
        return ConstantParts(what="feature", count=len(found), of=per_sample.shape[1], names=tuple(names))
    fixed = np.ptp(images, axis=0) == 0  # [h, w, channels]
    channels = [str(int(c)) for c in np.flatnonzero(fixed.all(axis=(0, 1)))]
    if channels:
        return ConstantParts(what="channel", count=len(channels), of=fixed.shape[2], names=tuple(channels[:NAMED]))
    enclosed = [(r, c) for k in range(fixed.shape[2]) for r, c in _enclosed(fixed[..., k])]
    pixels = [f"row {r} column {c}" for r, c in enclosed[:NAMED]]
    return ConstantParts(what="pixel", count=len(enclosed), of=int(fixed.size), names=tuple(pixels))


def _enclosed(fixed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the constant pixels (row, column) of [h, w] that no constant pixels connect to the border."""
    outside = np.zeros_like(fixed)
    outside[[0, -1]] = fixed[[0, -1]]
    outside[:, [0, -1]] = fixed[:, [0, -1]]
    while True:
        grown = outside.copy()
        grown[1:] |= outside[:-1]
        grown[:-1] |= outside[1:]
        grown[:, 1:] |= outside[:, :-1]
        grown[:, :-1] |= outside[:, 1:]
        grown &= fixed
        if (grown == outside).all():
            return [(int(r), int(c)) for r, c in np.argwhere(fixed & ~outside)]
        outside = grown


def _spread(x: NDArray[np.float64]) -> FeatureSpread | None:
    """Return the smallest and the largest standard deviation of a table's features, without constant ones."""
    std = x.reshape(len(x), -1).std(axis=0)
    changing = std[std > 0]
    if not len(changing) or not np.isfinite(changing).all():
        return None
    return FeatureSpread(low=float(changing.min()), high=float(changing.max()), at=int(std.argmax()))


def classes_of(y: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return labels [n] of labels [n], [n, 1] or one-hot [n, classes]; None if a sample has more than one label."""
    if not (np.issubdtype(y.dtype, np.number) or y.dtype == bool):
        return None
    values = y.astype(np.float64)
    if values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1):
        return values.reshape(-1)
    is_one_hot = values.ndim == 2 and bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all())
    return values.argmax(axis=1).astype(np.float64) if is_one_hot else None


def kind_of(y: NDArray[Any], units: int | None, metric: str | None) -> LabelKind:
    """Return whether labels are classes, values or something else.

    Decided, in this order, by: whether there is one number per sample; the target's metric, if it is one of
    classification or of regression; the model's output `units`, None if not known; whether the labels are integers, and
    how many different ones there are.
    """
    labels = classes_of(y)
    if labels is None:
        return (
            LabelKind.VALUES
            if np.issubdtype(y.dtype, np.floating) and y.ndim == 2 and units == y.shape[1]
            else LabelKind.OTHER
        )
    words = set((metric or "").lower().replace("/", "_").split("_"))
    if words & {"acc", "accuracy", "top1", "f1", "auc"}:
        return LabelKind.CLASSES
    if words & {"r2", "mse", "rmse", "mae"}:
        return LabelKind.VALUES
    distinct = np.unique(labels[np.isfinite(labels)])
    is_integer = y.dtype == bool or np.issubdtype(y.dtype, np.integer)
    if units == 1:
        return (
            LabelKind.CLASSES if set(distinct.tolist()) <= {-1.0, 0.0, 1.0} and len(distinct) <= 2 else LabelKind.VALUES
        )
    if units is not None:
        return LabelKind.CLASSES if is_integer or len(distinct) <= 2 * units else LabelKind.VALUES
    is_few = len(distinct) <= max(FEW, len(labels) // 10 if is_integer else 0)
    return LabelKind.CLASSES if is_few and bool((distinct == np.rint(distinct)).all()) else LabelKind.VALUES


def measure_labels(y: NDArray[Any], kind: LabelKind) -> Labels:
    """Return the figures of labels [n, ...]."""
    shape, dtype = y.shape[1:], str(y.dtype)
    if not (np.issubdtype(y.dtype, np.number) or y.dtype == bool):
        return OtherLabels(shape=shape, dtype=dtype, kind=kind)
    values = y.astype(np.float64).reshape(-1)
    seen = values[np.isfinite(values)]
    figures = NumberLabels(
        shape=shape,
        dtype=dtype,
        kind=kind,
        is_integer=bool(y.dtype == bool or np.issubdtype(y.dtype, np.integer)),
        bad=int(len(values) - len(seen)),
        min=known(seen.min()) if seen.size else None,
        max=known(seen.max()) if seen.size else None,
        mean=known(seen.mean()) if seen.size else None,
        std=known(seen.std()) if seen.size else None,
    )
    labels = classes_of(y)
    if kind is not LabelKind.CLASSES or labels is None:
        return figures
    return _class_figures(figures, labels[np.isfinite(labels)])


def _class_figures(figures: NumberLabels, labels: NDArray[np.float64]) -> ClassLabels:
    fractional = labels[labels != np.rint(labels)]
    counts = Counter(labels.tolist())
    return ClassLabels(
        shape=figures.shape,
        dtype=figures.dtype,
        kind=figures.kind,
        is_integer=figures.is_integer,
        bad=figures.bad,
        min=known(labels.min()) if labels.size else None,
        max=known(labels.max()) if labels.size else None,
        mean=figures.mean,
        std=figures.std,
        fractional=len(fractional),
        first_fractional=float(fractional[0]) if len(fractional) else None,
        distinct=len(counts),
        counts={f"{label:g}": count for label, count in sorted(counts.items())[:COUNTED]},
    )


def row_hashes(x: NDArray[Any]) -> list[bytes]:
    """Return a hash of each sample's bytes; -0.0 is 0.0."""
    plain = np.ascontiguousarray(x + 0 if np.issubdtype(x.dtype, np.floating) else x)
    return [hashlib.blake2b(row.tobytes(), digest_size=12).digest() for row in plain]


def measure_order(y: NDArray[Any]) -> RowOrder | None:
    """Return how often the class changes from one row to the next, and how often it would in random order.

    `runs` is the number of stretches with one class. Rows without a finite label are left out; None if no row is left.
    """
    labels = classes_of(y)
    rows = labels[np.isfinite(labels)] if labels is not None else np.zeros(0)
    if not len(rows):
        return None
    share = np.unique(rows, return_counts=True)[1] / len(rows)
    changes = int((rows[1:] != rows[:-1]).sum())
    expected = float((len(rows) - 1) * (1 - (share**2).sum()))
    return RowOrder(n=len(rows), classes=len(share), runs=changes + 1, changes=changes, expected=expected)


def measure_overlap(
    train_x: NDArray[Any], train_y: NDArray[Any] | None, val_x: NDArray[Any] | None, ignored: int | None = None
) -> Overlap | Repeats:
    """Return how many inputs are repeated in the training set, have contradicting labels there, or are in both sets.

    The label `ignored` contradicts no other.
    """
    train = row_hashes(train_x)
    count = Counter(train)
    by_hash: dict[bytes, set[bytes]] = {}
    if train_y is not None:
        for key, label in zip(train, np.ascontiguousarray(train_y), strict=True):
            if count[key] > 1 and not (ignored is not None and np.all(label == ignored)):
                by_hash.setdefault(key, set()).add(np.asarray(label).tobytes())
    distinct, contradicting = len(count), sum(len(labels) > 1 for labels in by_hash.values())
    if val_x is None:
        return Repeats(train=len(train), distinct=distinct, contradicting=contradicting)
    comparable = val_x.shape[1:] == train_x.shape[1:] and val_x.dtype == train_x.dtype
    val = row_hashes(val_x) if comparable else []
    return Overlap(
        train=len(train),
        distinct=distinct,
        contradicting=contradicting,
        val=len(val_x),
        comparable=comparable,
        shared=sum(key in count for key in val),
        is_same=bool(val) and len(val) == len(train) and set(val) == set(train),
    )
