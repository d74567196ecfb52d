"""What is measured of a set's inputs and labels: plain figures, judged elsewhere (sweep.analysis.probes.data)."""

import hashlib
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.picture import as_images, layout_of

NAMED = 12
"""So many of a kind (features, rows, labels) are named one by one."""
COUNTED = 1000
"""Up to so many different labels are counted one by one."""
FEW = 20
"""So few different whole numbers as float labels are classes, as far as nothing else tells."""


def measure_inputs(x: NDArray[Any], layout: str | None = None) -> dict[str, Any]:
    """Return the figures of inputs [n, ...] as plain data; what is no number (NaN, infinite) counts and is left out."""
    numeric = np.issubdtype(x.dtype, np.number) or x.dtype == bool
    measured: dict[str, Any] = {"shape": list(x.shape[1:]), "dtype": str(x.dtype), "is_numeric": bool(numeric)}
    if not numeric:
        return measured
    layout = layout or layout_of(x)
    values = x.astype(np.float64, copy=False)
    finite = np.isfinite(values)
    clean = values if finite.all() else np.where(finite, values, 0.0)
    seen = values[finite]
    flat = values.reshape(len(x), -1)
    bad_rows = np.flatnonzero(~finite.reshape(len(x), -1).all(axis=1))
    return {
        **measured,
        "layout": layout,
        "nan": int(np.isnan(values).sum()),
        "infinite": int(np.isinf(values).sum()),
        "bad_rows": len(bad_rows),
        "first_bad_row": int(bad_rows[0]) if len(bad_rows) else None,
        "min": float(seen.min()) if seen.size else None,
        "max": float(seen.max()) if seen.size else None,
        "mean": float(seen.mean()) if seen.size else None,
        "std": float(seen.std()) if seen.size else None,
        "is_whole": bool(seen.size and (seen == np.rint(seen)).all()),
        "zero_rows": int((flat == 0).all(axis=1).sum()),
        "is_one_input": bool(len(x) > 1 and (flat == flat[0]).all()),
        **_constants(clean, layout),
        **_spread(clean, layout),
    }


def _constants(x: NDArray[np.float64], layout: str) -> dict[str, Any]:
    """Return what never changes over the samples.

    A column of a table that is constant says nothing. A pixel that is constant is usual at the edge of pictures: the
    background that reaches the border is not counted; a pixel enclosed by others that change is, so is a whole channel.
    """
    images = as_images(x, layout)
    if images is None:
        per_sample = x.reshape(len(x), -1) if layout != "other" or x.ndim < 3 else x.reshape(-1, x.shape[-1])
        names = np.flatnonzero(np.ptp(per_sample, axis=0) == 0)
        return {"constant": {"what": "feature", "count": len(names), "of": per_sample.shape[1],
                             "names": [str(int(i)) for i in names[:NAMED]]}}  # fmt: skip
    fixed = np.ptp(images, axis=0) == 0  # [h, w, channels]
    channels = [str(int(c)) for c in np.flatnonzero(fixed.all(axis=(0, 1)))]
    if channels:
        return {
            "constant": {"what": "channel", "count": len(channels), "of": fixed.shape[2], "names": channels[:NAMED]}
        }
    enclosed = [(r, c) for k in range(fixed.shape[2]) for r, c in _enclosed(fixed[..., k])]
    return {"constant": {"what": "pixel", "count": len(enclosed), "of": int(fixed.size),
                         "names": [f"row {r} column {c}" for r, c in enclosed[:NAMED]]}}  # fmt: skip


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


def _spread(x: NDArray[np.float64], layout: str) -> dict[str, Any]:
    """Return the largest and the smallest standard deviation of a table's features that change at all."""
    if layout != "table":
        return {"feature_std": None}
    std = x.reshape(len(x), -1).std(axis=0)
    changing = std[std > 0]
    if not len(changing):
        return {"feature_std": None}
    return {"feature_std": {"low": float(changing.min()), "high": float(changing.max()), "at": int(std.argmax())}}


def classes_of(y: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return labels [n] of labels [n], [n, 1] or one-hot [n, classes]; None where there is no one label a sample."""
    if not (np.issubdtype(y.dtype, np.number) or y.dtype == bool):
        return None
    values = y.astype(np.float64)
    if values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1):
        return values.reshape(-1)
    is_one_hot = values.ndim == 2 and bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all())
    return values.argmax(axis=1).astype(np.float64) if is_one_hot else None


def kind_of(y: NDArray[Any], units: int | None, metric: str | None) -> str:
    """Return what labels are: "classes", "values" (a regression's targets) or "other".

    Decided by, in this order: whether there is one number a sample; the target's metric, where it is an accuracy or an
    R2; the model's output `units`, None where not known; whether they are integers, and how many different ones.
    """
    labels = classes_of(y)
    if labels is None:
        return "values" if np.issubdtype(y.dtype, np.floating) and y.ndim == 2 and units == y.shape[1] else "other"
    words = set((metric or "").lower().replace("/", "_").split("_"))
    if words & {"acc", "accuracy", "top1", "f1", "auc"}:
        return "classes"
    if words & {"r2", "mse", "rmse", "mae"}:
        return "values"
    distinct = np.unique(labels[np.isfinite(labels)])
    is_integer = y.dtype == bool or np.issubdtype(y.dtype, np.integer)
    if units == 1:
        return "classes" if set(distinct.tolist()) <= {-1.0, 0.0, 1.0} and len(distinct) <= 2 else "values"
    if units is not None:
        return "classes" if is_integer or len(distinct) <= 2 * units else "values"
    is_few = len(distinct) <= max(FEW, len(labels) // 10 if is_integer else 0)
    return "classes" if is_few and bool((distinct == np.rint(distinct)).all()) else "values"


def measure_labels(y: NDArray[Any], kind: str) -> dict[str, Any]:
    """Return the figures of labels [n, ...] as plain data."""
    measured: dict[str, Any] = {"shape": list(y.shape[1:]), "dtype": str(y.dtype), "kind": kind}
    if not (np.issubdtype(y.dtype, np.number) or y.dtype == bool):
        return {**measured, "is_numeric": False}
    values = y.astype(np.float64).reshape(-1)
    seen = values[np.isfinite(values)]
    measured |= {
        "is_numeric": True,
        "is_integer": bool(y.dtype == bool or np.issubdtype(y.dtype, np.integer)),
        "bad": int(len(values) - len(seen)),
        "min": float(seen.min()) if seen.size else None,
        "max": float(seen.max()) if seen.size else None,
        "mean": float(seen.mean()) if seen.size else None,
        "std": float(seen.std()) if seen.size else None,
    }
    labels = classes_of(y)
    if kind != "classes" or labels is None:
        return measured
    known = labels[np.isfinite(labels)]
    fractional = known[known != np.rint(known)]
    counts = Counter(known.tolist())
    return {
        **measured,
        "min": float(known.min()) if known.size else None,
        "max": float(known.max()) if known.size else None,
        "fractional": len(fractional),
        "first_fractional": float(fractional[0]) if len(fractional) else None,
        "distinct": len(counts),
        "counts": {f"{label:g}": count for label, count in sorted(counts.items())[:COUNTED]},
    }


def row_hashes(x: NDArray[Any]) -> list[bytes]:
    """Return a hash of each sample's bytes; -0.0 is 0.0."""
    plain = np.ascontiguousarray(x + 0 if np.issubdtype(x.dtype, np.floating) else x)
    return [hashlib.blake2b(row.tobytes(), digest_size=12).digest() for row in plain]


def measure_order(y: NDArray[Any]) -> dict[str, Any] | None:
    """Return how often the class changes from a row to the next, and how often it would in random order.

    `runs` are stretches of one class, of `classes`. Rows without a finite label do not count; None if these are all.
    """
    labels = classes_of(y)
    known = labels[np.isfinite(labels)] if labels is not None else np.zeros(0)
    if not len(known):
        return None
    share = np.unique(known, return_counts=True)[1] / len(known)
    changes = int((known[1:] != known[:-1]).sum())
    expected = float((len(known) - 1) * (1 - (share**2).sum()))
    return {"n": len(known), "classes": len(share), "runs": changes + 1, "changes": changes, "expected": expected}


def measure_overlap(
    train_x: NDArray[Any], train_y: NDArray[Any] | None, val_x: NDArray[Any] | None, ignored: int | None = None
) -> dict[str, Any]:
    """Return how many inputs occur twice: in the training set, there under different labels, and in both sets.

    A label `ignored` contradicts no other.
    """
    train = row_hashes(train_x)
    count = Counter(train)
    by_hash: dict[bytes, set[bytes]] = {}
    if train_y is not None:
        for key, label in zip(train, np.ascontiguousarray(train_y), strict=True):
            if count[key] > 1 and not (ignored is not None and np.all(label == ignored)):
                by_hash.setdefault(key, set()).add(np.asarray(label).tobytes())
    overlap: dict[str, Any] = {
        "train": len(train),
        "distinct": len(count),
        "contradicting": sum(len(labels) > 1 for labels in by_hash.values()),
    }
    if val_x is None:
        return overlap
    comparable = val_x.shape[1:] == train_x.shape[1:] and val_x.dtype == train_x.dtype
    val = row_hashes(val_x) if comparable else []
    shared = sum(key in count for key in val)
    return {**overlap, "val": len(val_x), "comparable": comparable, "shared": shared,
            "is_same": bool(val) and len(val) == len(train) and set(val) == set(train)}  # fmt: skip
