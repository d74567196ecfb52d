"""A stored series as it was compared with the target."""

import math
from collections.abc import Mapping, Sequence

from sweep.domain.metric import Series
from sweep.domain.roles import shown_metric
from sweep.domain.smoothing import Smoother, is_smoothed
from sweep.domain.target import Target

SMOOTHED = "smoothed "
"""In front of a metric's name this makes the name of what was compared."""


Points = Sequence[tuple[int, float]]
"""(step, value), in the order logged."""


def compared_points(target: Target, logged: Mapping[str, Points]) -> tuple[str, list[tuple[int, float]]] | None:
    """Return the name of the series that decides and what was compared of it: its finite values, smoothed.

    None if it is compared as logged, or was not logged.
    """
    name = shown_metric(target, logged)
    if name is None or name not in logged or not is_smoothed(target, name):
        return None
    smoother = Smoother(target.smooth_steps)
    return name, [(step, smoother.take(step, value)) for step, value in logged[name] if math.isfinite(value)]


def compared_series(target: Target, logged: Mapping[str, Series]) -> tuple[str, Series] | None:
    """Return `compared_points` of stored series, as a series."""
    name = shown_metric(target, logged)
    if name is None or name not in logged:
        return None
    points = list(zip(logged[name].steps.tolist(), logged[name].values.tolist(), strict=True))
    compared = compared_points(target, {name: points})
    return None if compared is None else (name, Series.of(compared[1]))
