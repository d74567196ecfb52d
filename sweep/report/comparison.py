"""Two studies side by side in a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.domain.comparison import CellComparison, Difference, Pair, Steps, StudyComparison
from sweep.domain.plural import count_text
from sweep.report.phrases import DASH, cell_text, number_text, p_text
from sweep.report.tables import labelled, new_table, styled_verdict

SHOWN_PAIRS = 20
SHOWN_DIFFERENCES = 30


def render_comparison(found: StudyComparison) -> RenderableType:
    """Return the comparison: sentence, cells, verdicts that differ, and differences of config and provenance."""
    a, b = found.a, found.b
    parts: list[RenderableType] = [Text(sentence(found), style="bold")]
    parts += labelled("note", *found.notes)
    if found.cells:
        parts += ["", _cells(found.cells, a, b)]
    if found.differing:
        parts += ["", _pairs(found.differing, a, b)]
    for name, items in (("config", found.config), ("provenance", found.provenance)):
        parts += ["", _differences(name, items, a, b)]
    return Group(*parts)


def sentence(found: StudyComparison) -> str:
    """Return the comparison in one or two sentences."""
    a, b = found.a, found.b
    if found.obstacles:
        return f"{a} and {b} cannot be compared: {'; '.join(found.obstacles)}."
    gained = sum(cell.gained for cell in found.cells)
    lost = sum(cell.lost for cell in found.cells)
    first = f"Of {count_text(found.pairs, 'pair')} of trials "
    first += f"{gained} converged only in {b} and {lost} only in {a} (exact p = {p_text(found.p_value)})."
    sides = ((found.only_a, a), (found.only_b, b))
    alone = [f"{count_text(n, 'trial')} {'is' if n == 1 else 'are'} only in {name}" for n, name in sides if n]
    steps = f" Steps to target: {steps_text(found.steps, b)}."
    return first + steps + (f" {' and '.join(alone)}." if alone else "")


def steps_text(steps: Steps | None, name: str) -> str:
    """Return a difference in steps: `s2 takes 40 fewer (95 %: 62 fewer to 12 fewer)`."""
    if steps is None or not steps.mean:
        return "no difference"
    text = f"{name} takes {_signed(steps.mean)} on average"
    if steps.low is None or steps.high is None:
        return f"{text} (no interval from {count_text(steps.pairs, 'pair')}: 6 are needed)"
    return f"{text} (95 %: {_signed(steps.low)} to {_signed(steps.high)})"


def _signed(steps: float) -> str:
    return f"{number_text(abs(steps))} {'fewer' if steps < 0 else 'more'}" if steps else "none"


def _cells(cells: Sequence[CellComparison], a: str, b: str) -> RenderableType:
    table = new_table()
    table.add_column("cell", overflow="fold")
    for name in (f"A\n{a}", f"B\n{b}", "p\n(Holm)", "steps\nB − A", "95 %"):
        table.add_column(name, justify="right", overflow="fold")
    for cell in cells:
        steps = cell.steps
        is_known = steps is not None and steps.low is not None
        interval = f"{number_text(steps.low)} to {number_text(steps.high)}" if steps and is_known else DASH
        table.add_row(
            Text(cell_text(cell.cell)),
            *(f"{side.converged}/{side.trials}" for side in (cell.a, cell.b)),
            p_text(cell.p_adjusted),
            number_text(round(steps.mean, 1)) if steps else DASH,
            interval,
        )
    return table


def _pairs(pairs: Sequence[Pair], a: str, b: str) -> RenderableType:
    table = new_table()
    table.add_column("verdict differs", overflow="fold")
    table.add_column("seed", justify="right")
    for name in (a, b):
        table.add_column(Text(name), overflow="fold")
    for pair in pairs[:SHOWN_PAIRS]:
        table.add_row(Text(cell_text(pair.cell)), str(pair.seed), *(styled_verdict(word) for word in pair.verdicts))
    more = len(pairs) - SHOWN_PAIRS
    return Group(table, Text(f"and {more} more")) if more > 0 else table


def _differences(name: str, items: Sequence[Difference], a: str, b: str) -> RenderableType:
    if not items:
        return Text(f"{name}: nothing differs", style="dim")
    table = new_table()
    for head in (name, a, b):
        table.add_column(Text(head), overflow="fold")
    for key, first, second in items[:SHOWN_DIFFERENCES]:
        table.add_row(Text(str(key)), *(Text(DASH if value is None else str(value)) for value in (first, second)))
    more = len(items) - SHOWN_DIFFERENCES
    return Group(table, Text(f"and {more} more; --json has all")) if more > 0 else table
