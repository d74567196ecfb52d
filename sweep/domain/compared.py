"""A stored series as it was compared with the target."""

import math
from collections.abc import Mapping

from sweep.domain.metric import Series
from sweep.domain.roles import shown_metric
from sweep.domain.smoothing import Smoother, is_smoothed
from sweep.domain.target import Target

SMOOTHED = "smoothed "
"""In front of a metric's name this makes the name of what was compared."""


def compared_series(target: Target, logged: Mapping[str, Series]) -> tuple[str, Series] | None:
    """Return the name of the series that decides and what was compared of it: its finite values, smoothed.

    None if it is compared as logged, or was not logged.
    """
    name = shown_metric(target, logged)
    if name is None or name not in logged or not is_smoothed(target, name):
        return None
    smoother, series = Smoother(target.smooth_steps), logged[name]
    points = zip(series.steps.tolist(), series.values.tolist(), strict=True)
    return name, Series.of([(step, smoother.take(step, value)) for step, value in points if math.isfinite(value)])
