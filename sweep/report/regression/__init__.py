"""The files of a night: summary.json, junit.xml, report.md, report.html, all made from one summary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweep.report.regression.document import regression_summary
from sweep.report.regression.terminal import render_regression
from sweep.rundir import write_json_atomic, write_text_atomic

__all__ = ["regression_summary", "render_regression", "write_regression_reports"]


def write_regression_reports(summary: Mapping[str, Any], folder: Path) -> None:
    """Write the four files of a night into `folder`, which is made where it is missing, each whole or not at all.

    Raises OSError.
    """
    from sweep.report.regression.html import regression_html  # brings jinja2 along, which no reading verb needs
    from sweep.report.regression.junit import junit_xml
    from sweep.report.regression.markdown import regression_markdown

    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / "summary.json", dict(summary))
    write_text_atomic(folder / "junit.xml", junit_xml(summary))
    write_text_atomic(folder / "report.md", regression_markdown(summary))
    write_text_atomic(folder / "report.html", regression_html(summary))
