"""The results of trials around a suggested learning rate: one row for each rate."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from sweep.domain.lr_range import RateConfirmation, TriedRate
from sweep.domain.plural import figure_text
from sweep.report.phrases import DASH, number_text
from sweep.report.tables import new_table

if TYPE_CHECKING:
    from markupsafe import Markup


def terminal(section: RateConfirmation, store: str = "") -> RenderableType:  # noqa: ARG001 - every stage has it
    """Return a table of the rates tried."""
    table = new_table()
    for title in ("learning rate", "", "converged", "steps to target"):
        table.add_column(title, justify="right" if title == "steps to target" else "left")
    for row in section.rates:
        style = "bold green" if row.is_recommended else ""
        table.add_row(*(Text(cell, style=style) for cell in _cells(row)))
    return table


def markdown(section: RateConfirmation) -> str:
    """Return a table of the rates tried."""
    lines = ["| learning rate | | converged | steps to target |", "|:--|:--|:--|--:|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(row))} |" for row in section.rates)]) + "\n"


def html(section: RateConfirmation, folder: Path) -> "Markup":
    """Return a table of the rates tried; the page of their study has the trials."""
    from markupsafe import Markup

    rows = Markup("").join(
        Markup('<tr><td>{}</td><td>{}</td><td>{}</td><td class="n">{}</td></tr>').format(*_cells(row))
        for row in section.rates
    )
    head = '<th>learning rate</th><th></th><th>converged</th><th class="n">steps to target</th>'
    return Markup(
        '<div class="scroll"><table><thead><tr>{}</tr></thead>{}</table></div>'
        '<p class="hint"><a href="../{}/report.html">Trials and curves</a></p>'
    ).format(Markup(head), rows, folder.name)


def _cells(row: TriedRate) -> tuple[str, str, str, str]:
    factor = row.factor
    words = "the task's own" if factor is None else "suggested" if factor == 1 else f"{_factor(factor)} x suggested"
    recommended = ", recommended" if row.is_recommended else ""
    rate = DASH if row.lr is None else figure_text(row.lr, 2)
    return rate, words + recommended, f"{row.converged}/{row.trials}", number_text(row.steps_to_target)


def _factor(factor: float) -> str:
    return f"{factor:g}" if factor >= 1 else f"1/{1 / factor:g}"
