"""A stored series as it is compared with the target: smoothed or as logged."""

import math
from collections.abc import Mapping, Sequence

from sweep.domain.metric import Series
from sweep.domain.roles import shown_metric
from sweep.domain.smoothing import Smoother, is_smoothed
from sweep.domain.target import Target

SMOOTHED = "smoothed "
"""Prefix that turns a metric's name into the name of the series that was compared."""


Points = Sequence[tuple[int, float]]
"""(step, value), in the order logged."""


def compared_points(target: Target, logged: Mapping[str, Points]) -> tuple[str, list[tuple[int, float]]] | None:
    """Return the name of the deciding series and the values that were compared: finite, smoothed.

    None if the series is compared as logged, or was not logged.
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
