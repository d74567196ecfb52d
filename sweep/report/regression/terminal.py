"""A night in the terminal. Imports neither scipy nor jinja2."""

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.domain.printable import printable_data
from sweep.domain.regression import TaskVerdict
from sweep.report.phrases import DASH
from sweep.report.provenance_text import provenance_line
from sweep.report.regression.document import NightDocument, TaskDocument, change_cell, is_quiet, verdict_word
from sweep.report.regression.junit import good_text
from sweep.report.tables import labelled, new_table

VERDICT_STYLES = {
    TaskVerdict.OK: "green",
    TaskVerdict.IMPROVED: "bold green",
    TaskVerdict.SLOWER: "bold red",
    TaskVerdict.BROKEN: "bold red",
    TaskVerdict.NUMERICS_CHANGED: "yellow",
    TaskVerdict.NO_BASELINE: "dim",
    TaskVerdict.NOT_RUN: "bold yellow",
}


def render_regression(document: NightDocument) -> RenderableType:
    """Return the report of a night: its answer, a line per task, details of tasks that are not ok, provenance."""
    document = printable_data(document)
    table = new_table()
    table.add_column("task", overflow="fold")
    table.add_column("", no_wrap=True)
    table.add_column("conv.", justify="right", no_wrap=True)
    table.add_column("steps to target", no_wrap=True)
    for task in document.tasks:
        table.add_row(
            Text(task.task),
            Text(verdict_word(task.verdict), style=VERDICT_STYLES[task.verdict]),
            f"{task.converged}/{task.trials}" if task.trials else DASH,
            change_cell(task) or DASH,
        )
    parts: list[RenderableType] = [
        Text(document.answer, style="bold"),
        Text(f"night {document.night}", style="dim"),
        "",
        table,
        "",
    ]
    for task in document.tasks:
        parts += _details(task)
    parts += labelled("note", *document.notes)
    parts += labelled("from", provenance_line(document.provenance))
    return Group(*parts)


def _details(task: TaskDocument) -> list[RenderableType]:
    if is_quiet(task) and task.verdict != TaskVerdict.NO_BASELINE:
        return []
    style = VERDICT_STYLES[task.verdict]
    parts: list[RenderableType] = [Text.assemble((f"{task.task}  ", style), task.words)]
    parts += [Text.assemble(("  note     ", "dim"), note) for note in task.notes]
    if task.suspects:
        parts.append(Text(f"  differs from {good_text(task)}:", style="dim"))
        parts += [Text.assemble(("  suspect  ", "dim"), suspect.words) for suspect in task.suspects]
    elif task.good_night is not None:
        parts.append(Text(f"  nothing recorded differs from {good_text(task)}", style="dim"))
    return parts
