"""The report files of a study, of a study made of stages, and of a night: one list, and one writer for all."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sweep.domain.json_form import to_object
from sweep.report.csvfile import ranking_csv
from sweep.report.data import Report
from sweep.report.documents import RankingDocument
from sweep.report.html import render_html
from sweep.report.markdown import render_markdown
from sweep.report.regression.document import NightDocument
from sweep.report.regression.html import regression_html
from sweep.report.regression.junit import junit_xml
from sweep.report.regression.markdown import regression_markdown
from sweep.report.staged import StagedDocument, staged_html, staged_markdown
from sweep.rundir import json_text, write_text_atomic

Format: TypeAlias = Callable[[Report], str | None]
"""Makes the text of a file; None if a report of this kind has no such file."""


def _summary(report: Report) -> str:
    return json_text(to_object(report.document))


def _ranking(report: Report) -> str | None:
    return ranking_csv(report.document) if isinstance(report.document, RankingDocument) else None


def _junit(report: Report) -> str | None:
    return junit_xml(report.document) if isinstance(report.document, NightDocument) else None


def _markdown(report: Report) -> str:
    document = report.document
    if isinstance(document, NightDocument):
        return regression_markdown(document)
    return staged_markdown(document) if isinstance(document, StagedDocument) else render_markdown(document)


def _page(report: Report) -> str | None:
    document = report.document
    if isinstance(document, NightDocument):
        return regression_html(document)
    if isinstance(document, StagedDocument):
        return staged_html(document, report.folder.parent)
    return None if report.data is None else render_html(report.data, document)


FORMATS: Mapping[str, Format] = {
    "summary.json": _summary,
    "ranking.csv": _ranking,
    "junit.xml": _junit,
    "report.md": _markdown,
    "report.html": _page,
}
"""The report files by name, in the order in which they are written."""


def write_all(report: Report) -> None:
    """Write every file of a report into its folder, which is created if missing. Raises OSError."""
    report.folder.mkdir(parents=True, exist_ok=True)
    for name, made in FORMATS.items():
        text = made(report)
        if text is not None:
            write_text_atomic(report.folder / name, text)
