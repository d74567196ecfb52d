"""The base's curves, thinned for drawing, and the panels drawn from them."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from sweep.domain.axis import Cell
from sweep.report.charts import Curve, panel, scale_of
from sweep.report.data import ReportData
from sweep.report.documents import BaseCurves, CurveDocument
from sweep.report.sections import choose_metrics, curve_of, outcomes_by_cell

METRICS = 2
POINTS = 60


def base_curves(data: ReportData) -> tuple[BaseCurves, ...]:
    """Return the base's curves of the target's metric and the training loss: one entry per metric."""
    outcomes = outcomes_by_cell(data).get(Cell().key, [])
    logged = {outcome.number: data.curves.get(outcome.number, {}) for outcome in outcomes}
    metrics, _ = choose_metrics(data, logged.values(), METRICS)
    return tuple(
        BaseCurves(
            metric=metric,
            threshold=data.target.threshold if metric == data.target.metric else None,
            last_step=data.target.budget_steps,
            curves=tuple(
                _kept(curve_of(o, logged[o.number][metric], POINTS)) for o in outcomes if metric in logged[o.number]
            ),
        )
        for metric in metrics
    )


def base_panels(entries: Sequence[BaseCurves]) -> list[tuple[str, Markup]]:
    """Return (metric, SVG) of the curves that `base_curves` returned."""
    found = []
    for entry in entries:
        curves = [_curve(kept) for kept in entry.curves]
        scale = scale_of(entry.metric, curves, entry.threshold)
        svg = panel(curves, scale, entry.last_step, threshold=entry.threshold, is_many=False)
        found.append((entry.metric, svg))
    return found


def _kept(curve: Curve) -> CurveDocument:
    return CurveDocument(
        steps=tuple(int(step) for step in curve.steps),
        values=tuple(float(f"{value:.5g}") for value in curve.values),
        bad_step=curve.bad_step,
        word=curve.word,
        label=curve.label,
        tau=curve.tau,
    )


def _curve(kept: CurveDocument) -> Curve:
    return Curve(
        steps=np.array(kept.steps, dtype=np.float64),
        values=np.array(kept.values, dtype=np.float64),
        bad_step=kept.bad_step,
        word=kept.word,
        label=kept.label,
        tau=kept.tau,
    )
