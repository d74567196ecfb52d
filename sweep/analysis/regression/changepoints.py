"""Lasting changes in a series of nights, for the report: binary segmentation with a permutation test."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp

import numpy as np
from numpy.typing import NDArray

SHORTEST = 2
"""Fewest nights that a level lasts: one odd night is not a change."""
ALPHA = 0.01
DRAWS = 999

Floats = NDArray[np.float64]


def change_points(values: Sequence[float]) -> tuple[tuple[int, float, float], ...]:
    """Return (first index of the new level, change in percent, p) per change of a series of log steps [n], in order.

    The series is split where the means of both sides differ most, in standard errors. The split counts if a permutation
    test gives p <= 0.01; both sides are then split in the same way. The 999 permutations come from a fixed stream, so
    the same series gives the same answer. The percentage is the change from the level before to the level after.
    Source: Vostrikova, Detecting "disorder" in multidimensional random processes, Soviet Math. Dokl. 24 (1981); the
    permutation test as in Matteson and James, E-divisive, J. Amer. Statist. Assoc. 109 (2014).
    """
    series = np.asarray(values, dtype=np.float64)
    found = dict(_split(series, 0, len(series)))
    edges = [0, *sorted(found), len(series)]
    levels = [float(series[a:b].mean()) for a, b in pairwise(edges)] if len(series) else []
    return tuple(
        (at, 100 * (exp(after - before) - 1), found[at])
        for at, (before, after) in zip(edges[1:-1], pairwise(levels), strict=True)
    )


def _split(series: Floats, start: int, end: int) -> list[tuple[int, float]]:
    part = series[start:end]
    if len(part) < 2 * SHORTEST + 1 or np.ptp(part) < 1e-12:
        return []
    distances = _distances(part[None, :])[0]
    at = int(distances.argmax())
    drawn = np.random.default_rng(len(part)).permuted(np.tile(part, (DRAWS, 1)), axis=1)
    p = (1 + int((_distances(drawn).max(axis=1) >= distances[at] - 1e-12).sum())) / (DRAWS + 1)
    if p > ALPHA:
        return []
    middle = start + at + SHORTEST
    return [*_split(series, start, middle), (middle, p), *_split(series, middle, end)]


def _distances(rows: Floats) -> Floats:
    """Return the distance of both sides' means, for rows [D, n] and each split [n - 3], in units of equal variance."""
    n = rows.shape[1]
    left = np.arange(SHORTEST, n - SHORTEST + 1)
    sums = rows.cumsum(axis=1)[:, left - 1]
    means = sums / left - (rows.sum(axis=1, keepdims=True) - sums) / (n - left)
    distances: Floats = np.abs(means) * np.sqrt(left * (n - left) / n)
    return distances
