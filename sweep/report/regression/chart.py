"""The history of a task as inline SVG: steps to target per night over the baseline's band, and the CUSUM below.

Canvas units are twice the shown size, as in the other charts; all texts are figures or escaped.
"""

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from sweep.domain.regression import NightPoint, TaskVerdict
from sweep.report.charts import Scale, tick_text
from sweep.report.regression.document import BaselineDocument, TaskDocument

WIDTH = 1140
LEFT, RIGHT, TOP = 84, 20, 22
STEPS_HEIGHT, GAP, CUSUM_HEIGHT, BOTTOM = 250, 26, 90, 44
HEIGHT = TOP + STEPS_HEIGHT + GAP + CUSUM_HEIGHT + BOTTOM
MAX_NIGHTS = 120
"""Number of nights that are drawn, the last ones; more could not be distinguished at the shown size."""
_CUSUM_TOP = TOP + STEPS_HEIGHT + GAP
_FAILED = (TaskVerdict.SLOWER, TaskVerdict.BROKEN)

Place = Callable[[float], float]


def history_svg(task: TaskDocument) -> Markup:
    """Return the chart of a task; empty if no night has a run to draw."""
    nights = task.nights[-MAX_NIGHTS:]
    if not any(night.taus or night.missed for night in nights):
        return Markup("")
    x = _columns(len(nights))
    scale = _steps_scale(task.baseline, nights)
    y = _placed(scale.low, scale.high, TOP, STEPS_HEIGHT)
    parts = [_band(task.baseline, y), _grid(scale, y), _changes(task, nights, x), _runs(nights, x, y)]
    parts += [_night_labels(nights, x), _cusum(task, nights, x)]
    label = f"history of {task.task} over {len(nights)} nights"
    return Markup(
        f'<svg class="history" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _columns(count: int) -> Place:
    step = (WIDTH - LEFT - RIGHT - 24) / max(1, count - 1)
    return lambda i: LEFT + 12 + (i * step if count > 1 else (WIDTH - LEFT - RIGHT - 24) / 2)


def _placed(low: float, high: float, top: float, height: float) -> Place:
    return lambda value: top + height * (1 - (min(max(value, low), high) - low) / (high - low))


def _steps_scale(baseline: BaselineDocument | None, nights: Sequence[NightPoint]) -> Scale:
    values = [float(tau) for night in nights for tau in night.taus]
    if baseline is not None:
        values += [*baseline.interval, baseline.median_steps_to_target]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = (high - low) * 0.08 or max(1.0, abs(high) * 0.1)
    return Scale(low=max(0.0, low - margin), high=high + margin, is_log=False)


def _band(baseline: BaselineDocument | None, y: Place) -> str:
    if baseline is None:
        return ""
    low, high = baseline.interval
    top, right = y(high), WIDTH - RIGHT
    middle = y(baseline.median_steps_to_target)
    return (
        f'<rect class="hb" x="{LEFT}" y="{top:.1f}" width="{right - LEFT}" height="{y(low) - top:.1f}"/>'
        f'<path class="hm" d="M{LEFT} {middle:.1f}H{right}"/>'
    )


def _grid(scale: Scale, y: Place) -> str:
    parts = []
    for tick in scale.ticks:
        parts.append(f'<path class="hg" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text class="hx" x="{LEFT - 10}" y="{y(tick) + 7:.1f}" text-anchor="end">{tick_text(tick)}</text>'
        )
    parts.append(f'<path class="ha" d="M{LEFT} {TOP - 8}V{TOP + STEPS_HEIGHT}H{WIDTH - RIGHT}"/>')
    return "".join(parts)


def _changes(task: TaskDocument, nights: Sequence[NightPoint], x: Place) -> str:
    names = [night.night for night in nights]
    parts = []
    for change in task.change_points:
        if change.night not in names or names.index(change.night) == 0:
            continue
        i = names.index(change.night)
        at = (x(i - 1) + x(i)) / 2
        words = f"{change.percent:+.0f} %".replace("-", "−")
        anchor, shift = ("end", -6) if at > WIDTH - 140 else ("start", 6)
        parts.append(f'<path class="hc" d="M{at:.1f} {TOP - 8}V{TOP + STEPS_HEIGHT}"/>')
        parts.append(f'<text class="hx" x="{at + shift:.1f}" y="{TOP + 4}" text-anchor="{anchor}">{words}</text>')
    return "".join(parts)


def _runs(nights: Sequence[NightPoint], x: Place, y: Place) -> str:
    parts = []
    radius = 6 if len(nights) <= 60 else 4
    for i, night in enumerate(nights):
        kind = "bad" if night.verdict in _FAILED else "good" if night.counted else "old"
        marks = [f'<circle class="h-{kind}" cx="{x(i):.1f}" cy="{y(tau):.1f}" r="{radius}"/>' for tau in night.taus]
        marks += [_cross(x(i), TOP - 4 + 16 * k, radius) for k in range(min(night.missed, 6))]
        if not marks:
            marks = [f'<text class="hx" x="{x(i):.1f}" y="{TOP + STEPS_HEIGHT - 8}" text-anchor="middle">∅</text>']
        parts.append(f"<g><title>{escape(_told(night))}</title>{''.join(marks)}</g>")
    return "".join(parts)


def _cross(x: float, y: float, r: float) -> str:
    return f'<path class="h-miss" d="M{x - r:.1f} {y - r:.1f}l{2 * r} {2 * r}m0 {-2 * r}l{-2 * r} {2 * r}"/>'


def _told(night: NightPoint) -> str:
    taus = ", ".join(f"{tau:,}" for tau in night.taus) or "none converged"
    missed = f", {night.missed} missed" if night.missed else ""
    lost = f", {night.without_evidence} without a verdict" if night.without_evidence else ""
    word = night.verdict.replace("_", " ") or "not counted"
    return f"{night.night}: {taus}{missed}{lost} ({word})"


def _night_labels(nights: Sequence[NightPoint], x: Place) -> str:
    every = max(1, math.ceil(len(nights) * 200 / (WIDTH - LEFT - RIGHT)))  # 200 units hold a date and leave room
    last = len(nights) - 1
    shown = [i for i in range(len(nights)) if (last - i) % every == 0 and (i == last or x(i) > LEFT + 50)]
    parts = []
    for i in shown:
        anchor = "end" if x(i) > WIDTH - 80 else "middle"
        name = escape(str(nights[i].night)[:16])
        parts.append(f'<text class="hx" x="{x(i):.1f}" y="{HEIGHT - 14}" text-anchor="{anchor}">{name}</text>')
    return "".join(parts)


def _cusum(task: TaskDocument, nights: Sequence[NightPoint], x: Place) -> str:
    names = {night.night: i for i, night in enumerate(nights)}
    path = [point for point in task.path if point.night in names]
    bottom = _CUSUM_TOP + CUSUM_HEIGHT
    frame = f'<path class="ha" d="M{LEFT} {_CUSUM_TOP}V{bottom}H{WIDTH - RIGHT}"/>'
    if not path or not task.threshold:
        middle = (LEFT + WIDTH) // 2
        return (
            f'{frame}<text class="hx" x="{middle}" y="{bottom - 40}" text-anchor="middle">no CUSUM: no baseline</text>'
        )
    threshold = task.threshold
    high = min(max(threshold * 1.35, *(point.upper for point in path)), threshold * 2.5)
    y = _placed(0.0, high, _CUSUM_TOP, CUSUM_HEIGHT)
    line = " ".join(f"{x(names[point.night]):.1f},{y(point.upper):.1f}" for point in path)
    parts = [frame, f'<path class="target" d="M{LEFT} {y(threshold):.1f}H{WIDTH - RIGHT}"/>']
    parts.append(f'<text class="hx" x="{LEFT - 10}" y="{y(threshold) + 7:.1f}" text-anchor="end">h</text>')
    parts.append(f'<text class="hx" x="{LEFT - 10}" y="{bottom + 4}" text-anchor="end">0</text>')
    parts.append(f'<polyline class="hl" points="{line}"/>')
    for point in path:
        if point.is_alarm or point.confirmed is not None:
            kind = "bad" if point.confirmed else "good" if point.confirmed is False else "old"
            at, up = x(names[point.night]), y(point.upper)
            parts.append(f'<circle class="h-{kind}" cx="{at:.1f}" cy="{up:.1f}" r="8"/>')
    return "".join(parts)
