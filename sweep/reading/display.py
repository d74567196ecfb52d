"""Tables and small charts as HTML, for notebooks. All text is escaped: names and messages come from users."""

import math
from collections.abc import Iterable, Sequence
from html import escape as html_escape

import numpy as np
from numpy.typing import NDArray

from sweep.domain.metric import Series, Values
from sweep.domain.printable import printable

Bools = NDArray[np.bool_]

SHOWN_ROWS = 30
WIDTH, HEIGHT, MARGIN = 480, 180, 6
COLOURS = {
    "converged": "#2a9d5c",
    "diverged": "#d1453b",
    "stalled": "#c98a1b",
    "not_converged": "#c98a1b",
    "undecided": "#8a8f98",
}
"""One colour per verdict, readable on light and dark pages; the verdict is always also written out."""


def escape(text: str) -> str:
    """Return text with markup and control characters escaped."""
    return html_escape(printable(text))


def figure(value: object) -> str:
    """Return a value for people: at most four significant digits, a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "NaN"
    if 1e4 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.4g}" if math.isfinite(value) else ("∞" if value > 0 else "−∞")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, total: int | None = None) -> str:
    """Return an HTML table of these cells, escaped; `total` is the number of rows if not all are given."""
    shown = list(rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in shown)
    more = f"<p>… and {total - len(shown):,} more</p>" if total is not None and total > len(shown) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: object) -> str:
    if isinstance(value, Drawn):
        return f"<td>{value.html}</td>"
    align = "right" if isinstance(value, int | float | None) and not isinstance(value, bool) else "left"
    return f'<td style="text-align:{align}">{escape(figure(value))}</td>'


class Drawn:
    """HTML that a table includes without escaping it."""

    def __init__(self, html: str) -> None:
        self.html = html


def paragraph(text: str, *, is_bold: bool = False) -> str:
    """Return a paragraph of escaped text."""
    return f"<p>{'<b>' if is_bold else ''}{escape(text)}{'</b>' if is_bold else ''}</p>"


def word(text: str, colour_of: str) -> Drawn:
    """Return a word in the colour of a verdict."""
    return Drawn(f'<span style="color:{COLOURS.get(colour_of, "inherit")}">{escape(text.replace("_", " "))}</span>')


def interval_bar(low: float, high: float, mean: float) -> Drawn:
    """Return an interval of probabilities as a bar over [0, 1], with its figures as the tooltip."""
    x = [round(4 + 92 * min(max(value, 0.0), 1.0), 1) for value in (low, high, mean)]
    return Drawn(
        f'<svg width="100" height="12" role="img"><title>{low:.2f}–{high:.2f}</title>'
        '<line x1="4" x2="96" y1="6" y2="6" stroke="currentColor" stroke-opacity=".2"/>'
        f'<line x1="{x[0]}" x2="{x[1]}" y1="6" y2="6" stroke="currentColor" stroke-width="2"/>'
        f'<circle cx="{x[2]}" cy="6" r="3" fill="currentColor"/></svg>'
    )


def chart(curves: Sequence[tuple[str, str, Series]], *, level: float | None = None) -> str:
    """Return curves (label, verdict, series) as one small SVG, each in its verdict's colour; `level` is a dashed line.

    Values that are not finite are left out, and a curve that ends with one has a cross there. The vertical axis is
    logarithmic if the values are positive and span more than two decades.
    """
    parts = [(label, verdict, series, np.isfinite(series.values)) for label, verdict, series in curves]
    finite = [series.values[good] for _, _, series, good in parts if good.any()]
    if not finite:
        return paragraph("no finite value was logged")
    every = np.concatenate([*finite, [level]] if level is not None else finite).astype(np.float64)
    scale = _Scale(every, max(int(series.steps.max()) for _, _, series, good in parts if good.any()))
    lines = "".join(_line(label, verdict, series, good, scale) for label, verdict, series, good in parts)
    dashed = (
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{scale.y(level):.1f}" y2="{scale.y(level):.1f}" '
        'stroke="currentColor" stroke-opacity=".5" stroke-dasharray="4 3"/>'
        if level is not None
        else ""
    )
    about = f"{figure(scale.low)} to {figure(scale.high)}{' (log)' if scale.is_log else ''}, steps to {scale.last:,}"
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'style="border:1px solid currentColor;border-radius:3px">{dashed}{lines}</svg>' + paragraph(about)
    )


class _Scale:
    """Maps steps and values to positions in the picture."""

    def __init__(self, values: Values, last: int) -> None:
        self.low, self.high, self.last = float(values.min()), float(values.max()), max(last, 1)
        self.is_log = self.low > 0 and self.high / self.low > 100
        self._from, self._to = self._of(self.low), self._of(self.high)

    def x(self, step: float) -> float:
        """Return the horizontal position of a step."""
        return MARGIN + (WIDTH - 2 * MARGIN) * step / self.last

    def y(self, value: float) -> float:
        """Return the vertical position of a finite value. Halving first keeps the largest floats from overflowing."""
        span = self._to / 2 - self._from / 2
        share = (self._of(value) / 2 - self._from / 2) / span if span > 0 else 0.5
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share

    def _of(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


def _line(label: str, verdict: str, series: Series, good: Bools, to: _Scale) -> str:
    colour = COLOURS.get(verdict, COLOURS["undecided"])
    steps, values = series.steps[good].tolist(), series.values[good].tolist()
    every = max(1, len(steps) // 400)
    kept = sorted({*range(0, len(steps), every), len(steps) - 1} if steps else set())
    points = " ".join(f"{to.x(steps[i]):.1f},{to.y(values[i]):.1f}" for i in kept)
    title = f"<title>{escape(label)}: {escape(verdict.replace('_', ' '))}</title>"
    drawn = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3">{title}</polyline>'
    if len(good) and not good.all():
        x = to.x(min(int(series.steps[~good].min()), to.last))
        drawn += f'<text x="{x:.1f}" y="{MARGIN + 10}" fill="{colour}" text-anchor="middle">×{title}</text>'
    return drawn
