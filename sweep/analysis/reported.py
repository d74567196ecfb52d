"""The series that a program reported."""

from collections.abc import Mapping

import numpy as np

from sweep.domain.inventory import ReportedMetric
from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH, natural


def reported_metrics(series: Mapping[str, Series]) -> tuple[ReportedMetric, ...]:
    """Return the series that a program reported, in natural order, without those of the monitor."""
    return tuple(
        ReportedMetric(name=name, values=len(one), last=float(one.values[-1]), bad_from=_bad_from(one))
        for name, one in sorted(series.items(), key=lambda item: natural(item[0]))
        if len(one) and not name.startswith(WATCH)
    )


def _bad_from(series: Series) -> int | None:
    """Return the step from which on all values are NaN or infinite, None if the last is finite."""
    finite = np.flatnonzero(np.isfinite(series.values))
    first = 0 if not len(finite) else int(finite[-1]) + 1
    return int(series.steps[first]) if first < len(series) else None
