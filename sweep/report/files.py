"""The files of a study that a person opens, each written whole or not at all."""

import os
from pathlib import Path
from typing import Any

from sweep.report.csvfile import ranking_csv
from sweep.report.data import ReportData
from sweep.report.html import render_html
from sweep.report.markdown import render_markdown
from sweep.report.summary import build_summary
from sweep.rundir import write_json_atomic


def write_all(data: ReportData, folder: Path) -> dict[str, Any]:
    """Write every report of a study into `folder`, which is made where it is missing; return the summary."""
    summary = build_summary(data)
    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / "summary.json", summary)
    write_text_atomic(folder / "ranking.csv", ranking_csv(summary))
    write_text_atomic(folder / "report.md", render_markdown(summary))
    write_text_atomic(folder / "report.html", render_html(data, summary))
    return summary


def write_text_atomic(path: Path, text: str) -> None:
    """Replace `path` by a file with this text (UTF-8), so that a reader sees the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
