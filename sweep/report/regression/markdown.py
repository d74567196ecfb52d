"""report.md of a night: for a chat or a pull request."""

from collections.abc import Iterable

from sweep.domain.regression import TaskVerdict
from sweep.report.markdown import escaped
from sweep.report.provenance_text import provenance_line
from sweep.report.regression.document import NightDocument, TaskDocument, change_cell, is_quiet, verdict_word
from sweep.report.regression.junit import good_text

MARKS = {
    TaskVerdict.BROKEN: "❌",
    TaskVerdict.SLOWER: "❌",
    TaskVerdict.NOT_RUN: "⚠️",
    TaskVerdict.NUMERICS_CHANGED: "⚠️",
    TaskVerdict.IMPROVED: "✅",
    TaskVerdict.OK: "✅",
    TaskVerdict.NO_BASELINE: "➖",
}


def regression_markdown(document: NightDocument) -> str:
    """Return one table with a line per task, then the details of tasks that are not ok."""
    lines = [f"## Nightly regression, {escaped(document.night)}", "", f"**{escaped(document.answer)}**", ""]
    lines += ["| | task | verdict | converged | steps to target, % |", "|:--|:-----|:--------|------:|:------|"]
    for task in document.tasks:
        mark, word = MARKS[task.verdict], verdict_word(task.verdict)
        converged = f"{task.converged}/{task.trials}" if task.trials else "–"
        cells = (mark, escaped(task.task), word, converged, change_cell(task).replace(" %", ""))
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for task in document.tasks:
        lines += _details(task)
    lines += [f"- {escaped(note)}" for note in document.notes] + ([""] if document.notes else [])
    lines.append(f"From: {escaped(provenance_line(document.provenance))}")
    return "\n".join(lines) + "\n"


def _details(task: TaskDocument) -> Iterable[str]:
    if is_quiet(task):
        return
    yield f"**{escaped(task.task)}** ({verdict_word(task.verdict)}): {escaped(task.words)}."
    yield ""
    lines = [f"- {escaped(note)}" for note in task.notes]
    if task.suspects:
        named = "; ".join(escaped(suspect.words) for suspect in task.suspects)
        lines.append(f"- Suspects, differing from {escaped(good_text(task))}: {named}")
    elif task.good_night is not None:
        lines.append(f"- Nothing recorded differs from {escaped(good_text(task))}")
    yield from lines
    if lines:
        yield ""
