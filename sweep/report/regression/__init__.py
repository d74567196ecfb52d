"""A night: its document, and how it is shown in a terminal, on a page, in Markdown and as JUnit XML."""

from sweep.report.regression.document import NightDocument, night_document
from sweep.report.regression.terminal import render_regression

__all__ = ["NightDocument", "night_document", "render_regression"]
