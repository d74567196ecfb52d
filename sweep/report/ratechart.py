"""The curves of a learning-rate range search as inline SVG: loss against the rate, range, point and divergence marked.

Everything put in is a figure. `section` is that of the stage `lr_range` in summary.json.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from sweep.report.charts import Scale, tick_text

WIDTH, HEIGHT = 1140, 430
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 62, 52
_BOTTOM = HEIGHT - BOTTOM
NEAR_PX = 230
"""Two labels whose lines are nearer than this would overlap."""
ABOVE = 0.5
"""How far above its start the loss is drawn, as a part of its fall."""

Section = Mapping[str, Any]


def rate_chart(section: Section) -> Markup:
    """Return the chart of all seeds; empty where none has a finite loss."""
    curves = [row for row in section["trials"] if row["smoothed"]]
    if not curves:
        return Markup("")
    scale = _scale(curves)
    parts = [_range(section), _grid(section, scale)]
    for row in curves:
        finite = row["losses"][: len(row["smoothed"])]
        rates = row["rates"][: len(row["smoothed"])]
        parts.append(f'<path class="raw" d="{_line(section, rates, finite, scale)}"/>')
        title = f"<title>seed {int(row['seed'])}</title>"
        parts.append(f'<g>{title}<path class="smooth" d="{_line(section, rates, row["smoothed"], scale)}"/></g>')
    own, diverge = _sides(section)
    parts += [
        _mark(section, section["base_lr"], "own", "the task has", row=1, side=own),
        _mark(section, section["diverge"], "diverge", "blows up at", row=1, side=diverge),
        _mark(section, section["point"], "point", "suggested", row=0),
    ]
    label = "training loss against the learning rate, one curve for each seed"
    return Markup(
        f'<svg class="rates" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _scale(curves: Sequence[Section]) -> Scale:
    """Return an axis from the lowest loss to a little above the highest start: blow-ups run off at the top."""
    low = min(min(row["smoothed"]) for row in curves)
    start = max(float(row["smoothed"][0]) for row in curves)
    span = max(start - low, 0.02 * abs(start), 1e-12)
    return Scale(low=low - 0.06 * span, high=start + ABOVE * span, is_log=False)


def _x(section: Section, rate: float) -> float:
    low, high = math.log10(section["lr_min"]), math.log10(section["lr_max"])
    share = (math.log10(rate) - low) / (high - low)
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0.0), 1.0)


def _y(scale: Scale, value: float) -> float:
    share = (min(max(value, scale.low), scale.high) - scale.low) / (scale.high - scale.low)
    return TOP + (_BOTTOM - TOP) * (1 - share)


def _line(section: Section, rates: Sequence[float], losses: Sequence[float], scale: Scale) -> str:
    points = [
        f"{_x(section, rate):.1f} {_y(scale, float(loss)):.1f}"
        for rate, loss in zip(rates, losses, strict=True)
        if np.isfinite(float(loss))
    ]
    return "M" + "L".join(points)


def _range(section: Section) -> str:
    if section["low"] is None or section["high"] is None:
        return ""
    left, right = _x(section, section["low"]), _x(section, section["high"])
    width = max(right - left, 1.0)
    return f'<rect class="range" x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{_BOTTOM - TOP}"/>'


def _grid(section: Section, scale: Scale) -> str:
    parts = []
    for tick in scale.ticks:
        y = _y(scale, tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="ax" x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end">{tick_text(tick)}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{_BOTTOM}H{WIDTH - RIGHT}"/>')
    first, last = math.ceil(math.log10(section["lr_min"]) - 1e-9), math.floor(math.log10(section["lr_max"]) + 1e-9)
    for power in range(first, last + 1, max(1, (last - first) // 10)):
        x = _x(section, 10.0**power)
        parts.append(f'<path class="axis" d="M{x:.1f} {_BOTTOM}v5"/>')
        text = tick_text(10.0**power)
        parts.append(f'<text class="ax" x="{x:.1f}" y="{_BOTTOM + 22}" text-anchor="middle">{text}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="ax" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">learning rate</text>')
    parts.append(f'<text class="ax" x="{LEFT - 8}" y="{TOP - 12}" text-anchor="end">loss</text>')
    return "".join(parts)


def _sides(section: Section) -> tuple[int, int]:
    """Return where the task's own rate and the divergence are labelled: left (-1), right (1) of the line, or over it.

    The task's own stands away from the point's line; where the two are near, they stand away from each other.
    """
    point, own, diverge = section["point"], section["base_lr"], section["diverge"]
    if own and diverge and abs(_x(section, own) - _x(section, diverge)) < NEAR_PX:
        return (-1, 1) if own <= diverge else (1, -1)
    return (1 if point and own and own >= point else -1), 0


def _mark(section: Section, rate: float | None, name: str, words: str, *, row: int, side: int = 0) -> str:
    """Return a vertical line at a rate with its words above the chart, in row 0 (top) or 1, on one side or over it."""
    if not rate or not section["lr_min"] <= rate <= section["lr_max"]:
        return ""
    x, y = _x(section, rate), TOP - 34 + 24 * row
    anchor = "end" if side < 0 or x > WIDTH - 170 else "start" if side > 0 else "middle"
    return (
        f'<path class="mark {name}" d="M{x:.1f} {y + 5}V{_BOTTOM}"/>'
        f'<text class="l-{name}" x="{x + 3 * side:.1f}" y="{y}" text-anchor="{anchor}">{words} {rate:.2g}</text>'
    )
