"""The files of a night: summary.json, junit.xml, report.md, report.html, all made from one document."""

from pathlib import Path

from sweep.domain.jsonform import to_object
from sweep.report.regression.document import NightDocument, night_document
from sweep.report.regression.terminal import render_regression
from sweep.rundir import write_json_atomic, write_text_atomic

__all__ = ["NightDocument", "night_document", "render_regression", "write_regression_reports"]


def write_regression_reports(document: NightDocument, folder: Path) -> None:
    """Write the four files of a night into `folder`, which is made if it is missing, each whole or not at all.

    Raises OSError.
    """
    from sweep.report.regression.html import regression_html  # brings jinja2 along, which no reading verb needs
    from sweep.report.regression.junit import junit_xml
    from sweep.report.regression.markdown import regression_markdown

    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / "summary.json", to_object(document))
    write_text_atomic(folder / "junit.xml", junit_xml(document))
    write_text_atomic(folder / "report.md", regression_markdown(document))
    write_text_atomic(folder / "report.html", regression_html(document))
