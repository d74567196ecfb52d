"""The report's charts as inline SVG: one panel per cell and metric, and the interval bars of the ranking.

Everything is drawn from numbers; the only texts are formatted figures and escaped labels. Coordinates are whole numbers
on a canvas of twice the shown size: half-pixel precision at about five bytes per point.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from sweep.domain.metric_names import is_loss
from sweep.report.phrases import number_text
from sweep.report.thinning import Floats, band

WIDTH, HEIGHT = 560, 232
LEFT, RIGHT, TOP, BOTTOM = 78, 16, 14, 36
LOG_FROM = 30.0
"""A loss that spans more than this factor is drawn on a log scale."""
EDGE = 1e100
"""Values beyond this are drawn at it, so that sums and differences of coordinates stay finite."""
TOP_OF_LOSS = 100.0
"""A log scale ends at this factor of the median first value; values above are drawn at the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One trial's metric, thinned: finite points [T] in step order, the first non-finite step, and how it ended."""

    steps: Floats
    values: Floats
    bad_step: int | None
    word: str  # verdict or failure class
    label: str
    tau: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The y axis of a metric, shared by all cells; values outside [low, high] are drawn at the edge."""

    low: float
    high: float
    is_log: bool

    def y(self, values: Floats) -> Floats:
        """Return canvas coordinates [T] of these values."""
        low, high = self.low, self.high
        values = np.clip(values, low, high)
        if self.is_log:
            low, high, values = math.log10(low), math.log10(high), np.log10(values)
        return np.rint(TOP + (HEIGHT - TOP - BOTTOM) * (1 - (values - low) / (high - low)))

    @property
    def ticks(self) -> list[float]:
        """Two to five values to label, ascending."""
        if not self.is_log:
            return _nice_ticks(self.low, self.high)
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        decades = [10.0**k for k in range(first, last + 1)]
        if len(decades) < 2:
            return [self.low, self.high]
        return decades[:: max(1, math.ceil(len(decades) / 4))]


def scale_of(metric: str, curves: Sequence[Curve], threshold: float | None) -> Scale:
    """Return the y axis for all curves of a metric: logarithmic for a loss over a wide range, robust to outliers."""
    values = np.clip(np.concatenate([curve.values for curve in curves]), -EDGE, EDGE) if curves else np.zeros(0)
    if not len(values):
        return Scale(low=0.0, high=1.0, is_log=False)
    if threshold is not None:
        threshold = min(max(threshold, -EDGE), EDGE)
    low, high = float(values.min()), float(values.max())
    if is_loss(metric) and low > 0 and high / low > LOG_FROM:
        first = float(np.median([min(curve.values[0], EDGE) for curve in curves if len(curve.values)]))
        high = min(high, TOP_OF_LOSS * first) if low < first else high
        low = max(low, high * 1e-7)
        if threshold is not None and threshold > 0:
            low, high = min(low, threshold), max(high, threshold)
        return Scale(low=low / 1.15, high=high * 1.15, is_log=True)
    inner_low, inner_high = (float(q) for q in np.quantile(values, (0.02, 0.98)))
    span = inner_high - inner_low
    if span > 0 and high - low > 5 * span:
        low, high = max(low, inner_low - span / 2), min(high, inner_high + span / 2)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    is_flat = high - low <= 1e-9 * max(abs(low), abs(high), 1e-9)
    margin = abs(high) * 0.1 or 1.0 if is_flat else (high - low) * 0.05
    return Scale(low=low - margin, high=high + margin, is_log=False)


def _nice_ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float) -> str:
    """Return a tick's label in at most six characters: `0.25`, `1e-5`, `20k`."""
    if value and (abs(value) < 1e-3 or abs(value) >= 1e6):
        mantissa, _, exponent = f"{value:.0e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:g}"


def panel(curves: Sequence[Curve], scale: Scale, last_step: int, *, threshold: float | None, is_many: bool) -> Markup:
    """Return one small chart; `is_many` draws the median and the 10 to 90 % band over seeds instead of each seed."""
    draw = _Canvas(scale, max(last_step, 1))
    parts = [draw.frame(), draw.threshold(threshold)]
    drawn = [curve for curve in curves if len(curve.values)]
    if is_many and len(drawn) > 1:
        parts.append(draw.band(drawn))
    else:
        parts += [draw.curve(curve) for curve in drawn]
        parts += [draw.never_finite(curve) for curve in curves if not len(curve.values) and curve.bad_step is not None]
    if not drawn and not any(curve.bad_step is not None for curve in curves):
        parts.append(
            f'<text class="ax" x="{(WIDTH + LEFT) // 2}" y="{HEIGHT // 2}" text-anchor="middle">not logged</text>'
        )
    return Markup(f'<svg class="panel" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>')


class _Canvas:
    """Draws into one panel."""

    def __init__(self, scale: Scale, last_step: int) -> None:
        self.scale, self.last_step = scale, last_step

    def x(self, steps: Floats) -> Floats:
        return np.rint(LEFT + (WIDTH - LEFT - RIGHT) * np.clip(steps / self.last_step, 0, 1))

    def frame(self) -> str:
        bottom = HEIGHT - BOTTOM
        parts = []
        for tick in self.scale.ticks:
            y = int(self.scale.y(np.array([tick]))[0])
            parts.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
            parts.append(f'<text class="ax" x="{LEFT - 10}" y="{y + 7}" text-anchor="end">{tick_text(tick)}</text>')
        parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>')
        for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
            x = LEFT + (WIDTH - LEFT - RIGHT) * share
            label = tick_text(round(self.last_step * share))
            parts.append(f'<text class="ax" x="{x:.0f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{label}</text>')
        return "".join(parts)

    def threshold(self, value: float | None) -> str:
        if value is None:
            return ""
        y = int(self.scale.y(np.array([value]))[0])
        return f'<path class="target" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'

    def curve(self, curve: Curve) -> str:
        xs, ys = self.x(curve.steps), self.scale.y(curve.values)
        word = curve.word if curve.word in MARKED else "failed"
        line = f'<path class="c v-{word}" d="{_path(xs, ys)}"/>' if len(xs) > 1 else ""
        end_x, end_y = int(xs[-1]), int(ys[-1])
        if curve.bad_step is not None:
            end_x = max(end_x, int(self.x(np.array([float(curve.bad_step)]))[0]))
        tau = ""
        if curve.tau is not None:
            at = int(self.x(np.array([float(curve.tau)]))[0])
            tau = f'<path class="tau" d="M{at} {HEIGHT - BOTTOM}v-12"/>'
        mark = f'<use href="#m-{word}" x="{end_x}" y="{end_y}"/>'
        return f"<g>{_title(curve)}{line}{tau}{mark}</g>"

    def never_finite(self, curve: Curve) -> str:
        x = int(self.x(np.array([float(curve.bad_step or 0)]))[0])
        return f'<g>{_title(curve)}<use href="#m-diverged" x="{x}" y="{TOP}"/></g>'

    def band(self, curves: Sequence[Curve]) -> str:
        points = max(len(curve.values) for curve in curves)
        grid, low, median, high = band([(curve.steps, np.clip(curve.values, -EDGE, EDGE)) for curve in curves], points)
        good = np.isfinite(median)
        xs = self.x(grid[good])
        if not len(xs):
            return ""
        upper, lower, middle = (self.scale.y(values[good]) for values in (high, low, median))
        outline = _path(np.concatenate([xs, xs[::-1]]), np.concatenate([upper, lower[::-1]]))
        lost = sum(curve.bad_step is not None for curve in curves)
        mark = f'<use href="#m-diverged" x="{WIDTH - RIGHT - 8}" y="{TOP + 4}"/>' if lost else ""
        return f'<path class="band" d="{outline}z"/><path class="median" d="{_path(xs, middle)}"/>{mark}'


def _path(xs: Floats, ys: Floats) -> str:
    """Return SVG path data through these points, relative and without points that do not move."""
    dx, dy = np.diff(xs).astype(int), np.diff(ys).astype(int)
    moves = (dx != 0) | (dy != 0)
    steps = " ".join(f"{x} {y}" for x, y in zip(dx[moves].tolist(), dy[moves].tolist(), strict=True))
    return f"M{int(xs[0])} {int(ys[0])}" + (f"l{steps}" if steps else "")


def _title(curve: Curve) -> str:
    return f"<title>{escape(curve.label)}</title>"


MARKED = frozenset({"converged", "diverged", "stalled", "not_converged", "undecided"})
"""Words with a separate mark; every failure class has the mark `failed`."""

FOREST_WIDTH, FOREST_HEIGHT = 240, 24
_SPAN = FOREST_WIDTH - 16


def _probability_x(value: float) -> str:
    return f"{8 + _SPAN * min(max(value, 0.0), 1.0):.1f}"


def forest_row(mean: float, interval: Sequence[float], base: Sequence[float] | None, status: str) -> Markup:
    """Return the interval of one proportion on a 0 to 1 line, over the base's interval as a grey band."""
    parts = []
    low, high = interval
    if base is not None:
        left, right = float(_probability_x(base[0])), float(_probability_x(base[1]))
        parts.append(f'<rect class="fb" x="{left}" y="0" width="{max(right - left, 1):.1f}" height="{FOREST_HEIGHT}"/>')
    parts += [f'<path class="grid" d="M{_probability_x(x)} 0V{FOREST_HEIGHT}"/>' for x in (0, 0.5, 1)]
    a, b, middle = _probability_x(low), _probability_x(high), FOREST_HEIGHT // 2
    parts.append(f'<path class="fl s-{status}" d="M{a} {middle}H{b}M{a} {middle - 4}v8M{b} {middle - 4}v8"/>')
    parts.append(f'<circle class="fd s-{status}" cx="{_probability_x(mean)}" cy="{middle}" r="4.5"/>')
    label = f"{number_text(mean)}, 95 % interval {low:.2f} to {high:.2f}"
    return Markup(
        f'<svg class="forest" viewBox="0 0 {FOREST_WIDTH} {FOREST_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def forest_scale() -> Markup:
    """Return the labels of the 0 to 1 line, for the head of the column."""
    labels = "".join(
        f'<text class="fx" x="{_probability_x(x)}" y="12" text-anchor="{anchor}">{text}</text>'
        for x, text, anchor in ((0, "0", "middle"), (0.5, "0.5", "middle"), (1, "1", "middle"))
    )
    return Markup(f'<svg class="forest" viewBox="0 0 {FOREST_WIDTH} 15" aria-hidden="true">{labels}</svg>')


def share_bar(counts: Sequence[tuple[str, int]]) -> Markup:
    """Return how a cell's trials ended as one stacked bar, in the order given."""
    total = sum(count for _, count in counts)
    parts, x = [], 0.0
    for word, count in counts:
        width = 100 * count / total if total else 0
        name = word if word in MARKED else "failed"
        parts.append(f'<rect class="b-{name}" x="{x:.1f}" y="0" width="{width:.1f}" height="10"/>')
        x += width
    return Markup(f'<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none">{"".join(parts)}</svg>')
