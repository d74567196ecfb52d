"""The files of a study that a person opens, each written whole or not at all."""

from pathlib import Path
from typing import Any

from sweep.report.csvfile import ranking_csv
from sweep.report.data import ReportData
from sweep.report.html import render_html
from sweep.report.markdown import render_markdown
from sweep.report.summary import build_summary
from sweep.rundir import write_json_atomic, write_text_atomic


def write_all(data: ReportData, folder: Path) -> dict[str, Any]:
    """Write every report of a study into `folder`, which is made where it is missing; return the summary."""
    summary = build_summary(data)
    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / "summary.json", summary)
    write_text_atomic(folder / "ranking.csv", ranking_csv(summary))
    write_text_atomic(folder / "report.md", render_markdown(summary))
    write_text_atomic(folder / "report.html", render_html(data, summary))
    return summary
