"""The files of a study that a person opens, each written whole or not at all."""

from pathlib import Path

from sweep.domain.jsonform import to_object
from sweep.report.csvfile import ranking_csv
from sweep.report.data import ReportData
from sweep.report.documents import RankingDocument
from sweep.report.html import render_html
from sweep.report.markdown import render_markdown
from sweep.report.summary import build_document
from sweep.rundir import write_json_atomic, write_text_atomic


def write_all(data: ReportData, folder: Path) -> RankingDocument:
    """Write every report of a study into `folder`, which is made if it is missing; return what they show."""
    document = build_document(data)
    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / "summary.json", to_object(document))
    write_text_atomic(folder / "ranking.csv", ranking_csv(document))
    write_text_atomic(folder / "report.md", render_markdown(document))
    write_text_atomic(folder / "report.html", render_html(data, document))
    return document
