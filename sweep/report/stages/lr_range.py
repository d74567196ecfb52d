"""A learning-rate range test: the curve of each seed, with range, point and divergence."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.domain.lr_range import Ending, RateRange, RateTest, Refusal
from sweep.domain.plural import figure_text
from sweep.report.phrases import DASH
from sweep.report.sparkline import BARS

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH = 48
"""Characters of a curve in a terminal."""
SEEDS = 10
"""Largest number of seeds drawn in a terminal."""
COLUMNS = ("point", "steepest", "falls from", "to", "blows up")
"""The rates of a row, as `_rates` returns them."""
REFUSALS = {
    Refusal.NON_FINITE: "NaN or infinite from the start",
    Refusal.BLOWN_UP: "rises from the start",
    Refusal.TOO_FEW: "too few losses",
    Refusal.FLAT: "does not fall",
    Refusal.FALLING: "still falls at end",
    Refusal.NO_OPTIMIZER: "no Paddle optimizer",
    Refusal.NO_LOSS: "no loss",
    Refusal.NO_TRIAL: "not finished",
}
"""Why a seed's curve suggests no rate, in a few words."""
ENDINGS = {
    Ending.NON_FINITE: "ends in NaN or infinity",
    Ending.BLOWN_UP: "ends above 4 x its best",
    Ending.LOST: "rises to where it started",
    Ending.TURNED: "rises again",
    Ending.FALLING: "still falls at end",
}
"""How a seed's curve ended."""


def terminal(section: RateRange, store: str = "") -> RenderableType:  # noqa: ARG001 - every stage has it
    """Return a line for each seed, from the lowest rate to the highest, and below them the range and the point."""
    rows = [row for row in section.trials if row.smoothed][:SEEDS]
    if not rows:
        return Group()
    parts: list[RenderableType] = []
    for row in rows:
        line = Text(f"seed {row.seed:<4}", style="dim").append(_blocks(section, row), style="cyan")
        parts.append(line.append(f"  {_rate(row.valley) if row.refusal is None else _found(row)}", style="dim"))
    if section.point is not None:
        parts.append(Text(" " * 9).append(_ruler(section), style="green"))
    high = f"{section.lr_max:g}"
    low = f"{section.lr_min:g}"
    parts.append(Text(f"{' ' * 9}{low}{high:>{WIDTH - len(low)}}", style="dim"))
    return Group(*parts)


def markdown(section: RateRange) -> str:
    """Return the rates of each seed as a table."""
    lines = [f"| seed | {' | '.join(COLUMNS)} | |", f"|--:|{'--:|' * len(COLUMNS)}:--|"]
    for row in section.trials:
        lines.append(f"| {row.seed} | {' | '.join(_rates(row))} | {_found(row)} |")
    if section.point is not None:
        lines.append(f"| **all** | {' | '.join(_rates(section))} | median |")
    return "\n".join(lines) + "\n"


def html(section: RateRange, folder: Path) -> "Markup":  # noqa: ARG001 - every stage has it
    """Return the chart and the rates of each seed."""
    from markupsafe import Markup

    from sweep.report.ratechart import rate_chart

    head = Markup("").join(Markup('<th class="n">{}</th>').format(title) for title in COLUMNS)
    rows = [(str(row.seed), _rates(row), _found(row)) for row in section.trials]
    if section.point is not None:
        rows.append(("all", _rates(section), "median of the seeds, in the logarithm"))
    body = Markup("").join(
        Markup("<tr><td>{}</td>{}<td>{}</td></tr>").format(
            name, Markup("").join(Markup('<td class="n">{}</td>').format(rate) for rate in rates), found
        )
        for name, rates, found in rows
    )
    hint = Markup(
        '<p class="hint">The loss at each step while the rate rises from {:g} to {:g}. One curve per seed: the thin '
        "line is the loss, the thick one is smoothed. Shaded: the rates at which it falls. {}</p>"
    ).format(section.lr_min, section.lr_max, _optimizer(section))
    table = Markup('<div class="scroll"><table><thead><tr><th>seed</th>{}<th></th></tr></thead>{}</table></div>')
    return hint + rate_chart(section) + table.format(head, body)


def _optimizer(section: RateRange) -> str:
    if not section.optimizer:
        return ""
    schedule = f" with {section.scheduler}" if section.scheduler else ""
    own = f", with a rate of at most {figure_text(section.base_lr, 3)} in the task" if section.base_lr else ""
    return f"Optimizer: {section.optimizer}{schedule}{own}."


def _found(row: RateTest) -> str:
    """Return how a seed's curve ended, or why it suggests no rate."""
    if row.message:
        return "failed"
    if row.refusal is not None:
        return REFUSALS[row.refusal]
    return "" if row.ending is None else ENDINGS[row.ending]


def _rates(row: RateTest | RateRange) -> tuple[str, ...]:
    return tuple(map(_rate, (row.valley, row.steep, row.low, row.high, row.diverge)))


def _rate(value: float | None) -> str:
    return DASH if value is None else figure_text(value, 2)


def _column(section: RateRange, rate: float) -> int:
    low, high = math.log10(section.lr_min), math.log10(section.lr_max)
    share = (math.log10(rate) - low) / (high - low)
    return min(max(round(share * (WIDTH - 1)), 0), WIDTH - 1)


def _blocks(section: RateRange, row: RateTest) -> str:
    """Return a smoothed curve as WIDTH characters, blank after its end."""
    heights: list[list[float]] = [[] for _ in range(WIDTH)]
    for rate, loss in zip(row.rates, row.smoothed, strict=False):
        heights[_column(section, rate)].append(loss)
    low, high = min(row.smoothed), max(row.smoothed)
    ended = _column(section, row.rates[len(row.smoothed) - 1])
    drawn, before = [], BARS[-1]
    for column, values in enumerate(heights):
        if values:
            share = (sum(values) / len(values) - low) / (high - low) if high > low else 0.0
            before = BARS[round(share * (len(BARS) - 1))]
        drawn.append(before if column <= ended else " ")
    return "".join(drawn)


def _ruler(section: RateRange) -> str:
    marks: Sequence[tuple[float | None, str]] = ((section.diverge, "✕"), (section.point, "▲"))
    low, high = (_column(section, rate or section.lr_min) for rate in (section.low, section.high))
    line = [("─" if low <= column <= high else " ") for column in range(WIDTH)]
    for rate, mark in marks:
        if rate is not None:
            line[_column(section, rate)] = mark
    words = "  ▲ point" + ("  ✕ blows up" if section.diverge else "")
    return "".join(line).rstrip() + words
