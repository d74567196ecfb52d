"""Curves thinned for drawing: few points, with peaks and dips kept; figures are never computed from them."""

import numpy as np
from numpy.typing import NDArray

from sweep.domain.metric import Series

Floats = NDArray[np.float64]


def thin(steps: Floats, values: Floats, points: int) -> tuple[Floats, Floats]:
    """Return at most `points` of the [T] finite points: the lowest and highest of each bucket, first and last.

    The range of the values, and the first and the last point, are kept. `points` is at least 4.
    """
    count = len(values)
    if count <= points:
        return steps, values
    buckets = (points - 2) // 2
    edges = np.linspace(0, count, buckets + 1).astype(int)
    width = int(np.diff(edges).max())
    index = np.minimum(edges[:-1, None] + np.arange(width), edges[1:, None] - 1)
    inside = values[index]
    rows = np.arange(buckets)
    kept = {0, count - 1, *index[rows, inside.argmin(axis=1)].tolist(), *index[rows, inside.argmax(axis=1)].tolist()}
    chosen = np.array(sorted(kept))
    return steps[chosen], values[chosen]


def finite_part(series: Series) -> tuple[Floats, Floats, int | None]:
    """Return the finite points in step order, as [T] steps and values, and the first step that is not finite."""
    good = np.isfinite(series.values)
    steps = series.steps.astype(np.float64)
    bad = int(series.steps[~good].min()) if not good.all() else None
    steps, values = steps[good], series.values[good]
    if len(steps) > 1 and (np.diff(steps) < 0).any():
        order = np.argsort(steps, kind="stable")
        steps, values = steps[order], values[order]
    return steps, values, bad


def band(curves: list[tuple[Floats, Floats]], points: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return grid [points], low, median, high (10th, 50th, 90th percentile) over curves, each within its own steps.

    A grid point that fewer than half of the curves reach is NaN in all three: ended curves are not extrapolated.
    """
    first = min(steps[0] for steps, _ in curves)
    last = max(steps[-1] for steps, _ in curves)
    grid = np.linspace(first, last, points)
    stacked = np.array([np.interp(grid, steps, values, left=np.nan, right=np.nan) for steps, values in curves])
    enough = np.isfinite(stacked).sum(axis=0) * 2 >= len(curves)
    quantiles = np.full((3, points), np.nan)
    if enough.any():
        quantiles[:, enough] = np.nanquantile(stacked[:, enough], (0.1, 0.5, 0.9), axis=0)
    return grid, quantiles[0], quantiles[1], quantiles[2]
