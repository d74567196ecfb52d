"""What the user sees: terminal, summary.json, report.html, report.md, ranking.csv, VisualDL logs."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.report.data import ReportData
    from sweep.report.documents import RankingDocument
    from sweep.report.summary import build_document

__all__ = ["ReportData", "build_document", "write_reports"]


def __getattr__(name: str) -> object:
    # Lazily: verbs that only read use other modules of this package, and need neither of these.
    if name == "ReportData":
        from sweep.report.data import ReportData

        return ReportData
    if name == "build_document":
        from sweep.report.summary import build_document

        return build_document
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def write_reports(data: "ReportData", folder: Path) -> "RankingDocument":
    """Write summary.json, report.html, report.md and ranking.csv into a study's folder; return what they show.

    Each file is replaced whole. Raises OSError.
    """
    from sweep.report.files import write_all  # brings jinja2 along, which no reading verb needs

    return write_all(data, folder)
