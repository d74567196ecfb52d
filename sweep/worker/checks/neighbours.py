"""Whether labels match inputs, by nearest neighbours, without a model."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.domain.data_figures import LabelKind, NeighbourFigures
from sweep.worker.checks.measures import classes_of
from sweep.worker.checks.stretches import MOVES, Neighbours, measure_stretches

SAMPLES = 1000
FEATURES = 2048
"""Maximum number of samples, and of features, that are compared; they are spread evenly."""
NEIGHBOURS = 5
"""Number of neighbours; for values, their targets are averaged."""
FEWEST = 40
"""Minimum number of samples: with fewer, chance explains too much."""

Floats = NDArray[np.float64]


def measure_neighbours(
    train_x: NDArray[Any],
    train_y: NDArray[Any],
    val_x: NDArray[Any] | None,
    val_y: NDArray[Any] | None,
    kind: LabelKind,
) -> NeighbourFigures | None:
    """Return how well the labels of samples agree with those of their nearest neighbours, None if not known.

    For classes, agreement is the share of samples whose nearest neighbour has the same label. For values, it is the
    correlation of a target with the mean target of its NEIGHBOURS neighbours, 0 by chance.
    """
    labels = classes_of(train_y)
    if labels is None or kind is LabelKind.OTHER:
        return None
    good = _usable(train_x, labels)
    if good.sum() < FEWEST or np.ptp(labels[good]) == 0:
        return None
    x, scale = _features(train_x[good])
    rows = np.linspace(0, len(x) - 1, min(len(x), SAMPLES)).round().astype(int)
    y = labels[good]
    nearest = _nearest(x[rows], x[rows], is_self=True)
    score = _agreement if kind is LabelKind.CLASSES else _correlation
    chance, error = _chance(y[rows], kind)
    moved = {k: np.roll(y, k)[rows] for k in MOVES}  # the labels of rows before or after, in the order of the set
    near = Neighbours(labels=y, numbers=np.flatnonzero(good), rows=rows, nearest=nearest, kind=kind)
    found = NeighbourFigures(
        n=len(rows),
        kind=kind,
        agreement=score(y[rows], y[rows][nearest]),
        chance=chance,
        error=error,
        shifted={str(k): score(labels, labels[nearest]) for k, labels in moved.items()},
        along_rows=measure_stretches(near),
    )
    if val_x is None or val_y is None or val_x.shape[1:] != train_x.shape[1:]:
        return found
    val_labels = classes_of(val_y)
    val_good = np.zeros(0, bool) if val_labels is None else _usable(val_x, val_labels)
    if val_labels is None or val_good.sum() < FEWEST:
        return found
    val_rows = np.flatnonzero(val_good)[:SAMPLES]
    neighbours = y[rows][_nearest(_features(val_x[val_rows], scale)[0], x[rows], is_self=False)]
    seen = val_labels[val_rows]
    found = replace(found, val_n=len(val_rows), val=score(seen, neighbours))
    if kind is not LabelKind.CLASSES:
        return found
    return replace(found, val_plus=score(seen + 1, neighbours), val_minus=score(seen - 1, neighbours))


def _usable(x: NDArray[Any], labels: Floats) -> NDArray[np.bool_]:
    return np.isfinite(x.reshape(len(x), -1).astype(np.float64)).all(axis=1) & np.isfinite(labels)


def _features(x: NDArray[Any], scale: tuple[Floats, Floats] | None = None) -> tuple[Floats, tuple[Floats, Floats]]:
    """Return samples [n, d] with features of zero mean and unit variance, and the (mean, std) used."""
    flat = x.reshape(len(x), -1)
    columns = np.linspace(0, flat.shape[1] - 1, min(flat.shape[1], FEATURES)).round().astype(int)
    table = flat[:, columns].astype(np.float64)
    if scale is None:
        std = table.std(axis=0)
        scale = (table.mean(axis=0), np.where(std > 0, std, 1.0))
    return (table - scale[0]) / scale[1], scale


def _nearest(x: Floats, among: Floats, *, is_self: bool) -> NDArray[np.int64]:
    """Return the rows of the k = NEIGHBOURS nearest samples [n, k], nearest first, without the sample itself."""
    distance = (x**2).sum(axis=1)[:, None] - 2 * x @ among.T + (among**2).sum(axis=1)
    if is_self:
        np.fill_diagonal(distance, np.inf)
    some = np.argpartition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    order = np.argsort(np.take_along_axis(distance, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def _agreement(labels: Floats, neighbours: Floats) -> float:
    return float((labels == neighbours[:, 0]).mean())


def _correlation(targets: Floats, neighbours: Floats) -> float:
    mean = neighbours.mean(axis=1)
    if targets.std() == 0 or mean.std() == 0:
        return 0.0
    return float(np.nan_to_num(np.corrcoef(targets, mean)[0, 1]))


def _chance(y: Floats, kind: LabelKind) -> tuple[float, float]:
    """Return the agreement expected by chance, and its standard error."""
    n = len(y)
    if kind is not LabelKind.CLASSES:
        return 0.0, float(1 / np.sqrt(n))
    share = np.unique(y, return_counts=True)[1] / n
    chance = float((share**2).sum())
    return chance, float(np.sqrt(chance * (1 - chance) / n))
