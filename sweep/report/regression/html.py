"""report.html of a night: one self-contained page under the same policy as a study's."""

import json
from dataclasses import dataclass

from markupsafe import Markup

from sweep.report.commands import arguments, command_text
from sweep.report.html import environment, render_page
from sweep.report.provenance_text import provenance_line
from sweep.report.regression.chart import MAX_NIGHTS, history_svg
from sweep.report.regression.document import NightDocument, TaskDocument, change_cell, verdict_word
from sweep.report.regression.junit import good_text


def regression_html(document: NightDocument) -> str:
    """Return the page: answer, a line per task, and per task its sentence, suspects and history."""
    return render_page(
        "regression.html",
        title=f"Nightly regression, {document.night}",
        styles=environment().get_template("regression.css").render(),
        summary=document,
        command=command_text(arguments(document.command)),
        tiles=[(verdict_word(word), count) for word, count in document.counts.items() if count],
        cards=[_card(task) for task in document.tasks],
        max_nights=MAX_NIGHTS,
        provenance=provenance_line(document.provenance),
        provenance_json=json.dumps(dict(document.provenance), indent=2, ensure_ascii=False, default=str),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCard:
    """A task's document, with the texts and the chart that the page shows for it."""

    task: TaskDocument
    word: str
    change: str
    chart: Markup
    good: str


def _card(task: TaskDocument) -> TaskCard:
    return TaskCard(
        task=task,
        word=verdict_word(task.verdict),
        change=change_cell(task),
        chart=history_svg(task),
        good=good_text(task),
    )
