"""The curves of a learning-rate range test as inline SVG: loss against rate, with range, point and divergence.

All texts are figures or constants.
"""

import math
from collections.abc import Sequence

from markupsafe import Markup

from sweep.domain.lr_range import RateRange, RateTest
from sweep.domain.plural import figure_text
from sweep.report.charts import Scale, tick_text
from sweep.report.ratelabels import GAP_PX, ROWS, Label, Place, places_of, width_of

WIDTH, HEIGHT = 1140, 454
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 86, 52
_BOTTOM = HEIGHT - BOTTOM
ROW_PX = 24
ABOVE = 0.5
"""How far above its start the loss is drawn, as a share of its fall."""


def rate_chart(section: RateRange) -> Markup:
    """Return the chart of all seeds; empty if none has a finite loss."""
    curves = [row for row in section.trials if row.smoothed]
    if not curves:
        return Markup("")
    scale = _scale(curves)
    parts = [_range(section), _grid(section, scale)]
    for row in curves:
        finite = row.losses[: len(row.smoothed)]
        rates = row.rates[: len(row.smoothed)]
        parts.append(f'<path class="raw" d="{_line(section, rates, finite, scale)}"/>')
        title = f"<title>seed {int(row.seed)}</title>"
        parts.append(f'<g>{title}<path class="smooth" d="{_line(section, rates, row.smoothed, scale)}"/></g>')
    marks, top = _marks(section)
    parts += marks
    label = "training loss against the learning rate, one curve for each seed"
    return Markup(
        f'<svg class="rates" viewBox="0 {top} {WIDTH} {HEIGHT - top}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _scale(curves: Sequence[RateTest]) -> Scale:
    """Return an axis from the lowest loss to a little above the highest start; losses above leave the chart."""
    low = min(min(row.smoothed) for row in curves)
    start = max(row.smoothed[0] for row in curves)
    span = max(start - low, 0.02 * abs(start), 1e-12)
    return Scale(low=low - 0.06 * span, high=start + ABOVE * span, is_log=False)


def _x(section: RateRange, rate: float) -> float:
    low, high = math.log10(section.lr_min), math.log10(section.lr_max)
    share = (math.log10(rate) - low) / (high - low)
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0.0), 1.0)


def _y(scale: Scale, value: float) -> float:
    share = (min(max(value, scale.low), scale.high) - scale.low) / (scale.high - scale.low)
    return TOP + (_BOTTOM - TOP) * (1 - share)


def _line(section: RateRange, rates: Sequence[float], losses: Sequence[float], scale: Scale) -> str:
    points = [
        f"{_x(section, rate):.1f} {_y(scale, loss):.1f}"
        for rate, loss in zip(rates, losses, strict=True)
        if math.isfinite(loss)
    ]
    return "M" + "L".join(points)


def _range(section: RateRange) -> str:
    if section.low is None or section.high is None:
        return ""
    left, right = _x(section, section.low), _x(section, section.high)
    width = max(right - left, 1.0)
    return f'<rect class="range" x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{_BOTTOM - TOP}"/>'


def _grid(section: RateRange, scale: Scale) -> str:
    parts = []
    for tick in scale.ticks:
        y = _y(scale, tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="ax" x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end">{tick_text(tick)}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{_BOTTOM}H{WIDTH - RIGHT}"/>')
    first, last = math.ceil(math.log10(section.lr_min) - 1e-9), math.floor(math.log10(section.lr_max) + 1e-9)
    for power in range(first, last + 1, max(1, (last - first) // 10)):
        x = _x(section, 10.0**power)
        parts.append(f'<path class="axis" d="M{x:.1f} {_BOTTOM}v5"/>')
        text = tick_text(10.0**power)
        parts.append(f'<text class="ax" x="{x:.1f}" y="{_BOTTOM + 22}" text-anchor="middle">{text}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="ax" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">learning rate</text>')
    parts.append(f'<text class="ax" x="{LEFT - 8}" y="{TOP - 12}" text-anchor="end">loss</text>')
    return "".join(parts)


def _marks(section: RateRange) -> tuple[list[str], int]:
    """Return the marked rates, each a line with its label above the chart, and the top of the used canvas."""
    low, high = section.lr_min, section.lr_max
    marked = (
        (section.point, "point", "suggested"),
        (section.base_lr, "own", "the task has"),
        (section.diverge, "diverge", "blows up at"),
    )
    shown = [(rate, name, words) for rate, name, words in marked if rate and low <= rate <= high]
    texts = [f"{words} {figure_text(rate, 2)}" for rate, _, words in shown]
    labels = [
        Label(x=_x(section, rate), width=width_of(text, is_bold=name == "point"))
        for (rate, name, _), text in zip(shown, texts, strict=True)
    ]
    places = places_of(labels, LEFT, WIDTH)
    marks = [
        _mark(label.x, place, name, text)
        for label, place, (_, name, _), text in zip(labels, places, shown, texts, strict=True)
    ]
    return marks[::-1], ROW_PX * min((place.row for place in places), default=ROWS - 1)


def _mark(x: float, place: Place, name: str, text: str) -> str:
    """Return a vertical line with its label; it starts below the label, or beside it."""
    y = TOP - 10 - ROW_PX * (ROWS - 1 - place.row)
    anchor = {-1: "end", 0: "middle", 1: "start"}[place.side]
    begin = y + 5 if place.side == 0 else y - 12
    return (
        f'<path class="mark {name}" d="M{x:.1f} {begin}V{_BOTTOM}"/>'
        f'<text class="l-{name}" x="{x + GAP_PX * place.side:.1f}" y="{y}" text-anchor="{anchor}">{text}</text>'
    )
