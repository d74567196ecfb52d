"""What the user sees: terminal, summary.json, report.html, report.md, ranking.csv, VisualDL logs."""

from pathlib import Path
from typing import Any

from sweep.report.data import ReportData
from sweep.report.summary import build_summary

__all__ = ["ReportData", "build_summary", "write_reports"]


def write_reports(data: ReportData, folder: Path) -> dict[str, Any]:
    """Write summary.json, report.html, report.md and ranking.csv into a study's folder; return the summary.

    Each file is replaced whole. Raises OSError.
    """
    from sweep.report.files import write_all  # brings jinja2 along, which no reading verb needs

    return write_all(data, folder)
