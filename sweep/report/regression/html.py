"""report.html of a night: one self-contained page under the same policy as a study's."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from sweep.report import phrases
from sweep.report.commands import PROGRAM, arguments
from sweep.report.html import environment, render_page
from sweep.report.regression.chart import MAX_NIGHTS, history_svg
from sweep.report.regression.document import change_cell, verdict_word
from sweep.report.regression.junit import good_text


def regression_html(summary: Mapping[str, Any]) -> str:
    """Return the page: answer, a line per task, and per task its sentence, suspects and history."""
    return render_page(
        "regression.html",
        title=f"Nightly regression, {summary['night']}",
        styles=environment().get_template("regression.css").render(),
        summary=summary,
        command=shlex.join([*PROGRAM, *arguments(summary["command"])]),
        tiles=[(verdict_word(word), count) for word, count in summary["counts"].items() if count],
        tasks=[_row(task) for task in summary["tasks"]],
        max_nights=MAX_NIGHTS,
        provenance=phrases.provenance_text(summary["provenance"]),
        provenance_json=json.dumps(summary["provenance"], indent=2, ensure_ascii=False, default=str),
    )


def _row(task: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **task,
        "word": verdict_word(task["verdict"]),
        "change_text": change_cell(task),
        "chart": history_svg(task),
        "good": good_text(task),
    }
