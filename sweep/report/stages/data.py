"""The checks of the data: a table, and the picture of a batch."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from sweep.domain.data_check import DataCheck, DataReport, Severity
from sweep.domain.plural import count_text
from sweep.report.markdown import escaped
from sweep.report.tables import new_table

if TYPE_CHECKING:
    from markupsafe import Markup

STYLES = {
    Severity.BROKEN: "bold red",
    Severity.WARNING: "yellow",
    Severity.NOT_CHECKED: "dim",
    Severity.OK: "green",
}
CHIPS = {
    Severity.BROKEN: "st-harms",
    Severity.WARNING: "st-undecided",
    Severity.NOT_CHECKED: "st-inert",
    Severity.OK: "st-restores",
}
"""The CSS class of each severity on the page."""
COLUMNS = (
    ("name", "check"),
    ("severity", ""),
    ("found", "found"),
    ("allowed", "allowed"),
    ("advice", "what to do"),
)
"""Key and title of each column; an empty column is left out."""
PICTURE_BYTES = 4 * 2**20
"""Largest picture that is embedded in the page; a larger one stays a file."""


def terminal(section: DataReport, store: str = "") -> RenderableType:  # noqa: ARG001 - every stage has it
    """Return the table of checks; those that are not ok say what is allowed and what to do."""
    table = new_table()
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found", overflow="fold")
    for check in section.checks:
        said = Text(check.found)
        if check.severity is not Severity.OK:
            allowed = "" if check.severity is Severity.NOT_CHECKED else check.allowed
            for word, text in (("allowed", allowed), ("do", check.advice)):
                if text:
                    said.append(f"\n{word}: ", style="dim").append(text)
        table.add_row(check.name, Text(check.severity.word, style=STYLES[check.severity]), said)
    return table


def markdown(section: DataReport) -> str:
    """Return the table of checks that found something as Markdown, and those that passed in one line."""
    lines = []
    if open_ones := _open(section):
        columns = _columns(open_ones)
        lines += [f"| {' | '.join(title for _, title in columns)} |", f"|{':--|' * len(columns)}"]
        for check in open_ones:
            lines.append(f"| {' | '.join(escaped(_value(check, key)) for key, _ in columns)} |")
    if passed := _passed(section):
        lines += ["", f"{_count(passed)}: {escaped(', '.join(check.name for check in passed))}."]
    if section.picture:
        lines += ["", f"![a batch with its labels]({section.picture})"]
    return "\n".join(lines).lstrip("\n") + "\n"


def html(section: DataReport, folder: Path) -> "Markup":
    """Return the checks that found something, those that passed (folded into one line), and the picture."""
    from markupsafe import Markup

    parts = [_html_table(open_ones) for open_ones in [_open(section)] if open_ones]
    if passed := _passed(section):
        fold = Markup('<details class="passed"><summary>{}</summary>{}</details>')
        parts.append(fold.format(_count(passed), _html_table(passed)))
    return Markup("").join(parts) + _figure(section, folder)


def _open(section: DataReport) -> list[DataCheck]:
    """Return the checks to look at: broken, with a warning, or not checked."""
    return [check for check in section.checks if check.severity is not Severity.OK]


def _passed(section: DataReport) -> list[DataCheck]:
    return [check for check in section.checks if check.severity is Severity.OK]


def _count(passed: Sequence[DataCheck]) -> str:
    return f"{count_text(len(passed), 'check')} passed"


def _columns(checks: Sequence[DataCheck]) -> list[tuple[str, str]]:
    """Return key and title of the columns that are not empty for all of these checks."""
    return [(key, title) for key, title in COLUMNS if any(getattr(check, key) for check in checks)]


def _value(check: DataCheck, key: str) -> str:
    return check.severity.word if key == "severity" else str(getattr(check, key))


def _html_table(checks: Sequence[DataCheck]) -> "Markup":
    """Return checks as a table; on a phone each row is a block, and a cell has its column's title before it."""
    from markupsafe import Markup

    columns = _columns(checks)
    head = Markup("").join(Markup("<th>{}</th>").format(title) for _, title in columns)
    rows = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_html_cell(check, key, title) for key, title in columns))
        for check in checks
    )
    return Markup('<table class="stack"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(head, rows)


def _html_cell(check: DataCheck, key: str, title: str) -> "Markup":
    from markupsafe import Markup

    if key == "name":
        return Markup('<td class="name">{}</td>').format(check.name)
    if key == "severity":
        status = Markup('<td class="state"><span class="status {}">{}</span></td>')
        return status.format(CHIPS[check.severity], check.severity.word)
    text = _value(check, key)
    return Markup('<td data-label="{}">{}</td>').format(title, text) if text else Markup("<td></td>")


def _figure(section: DataReport, folder: Path) -> "Markup":
    from markupsafe import Markup

    if not section.picture:
        return Markup("")
    try:
        data = (folder / section.picture).read_bytes()
    except OSError:  # the run folders may have been deleted since
        return Markup("")
    if len(data) > PICTURE_BYTES:
        return Markup('<p class="hint">A batch with its labels: {}</p>').format(section.picture)
    return Markup(
        '<figure class="batch"><img alt="A batch of the training set with its labels" '
        'src="data:image/png;base64,{}"><figcaption class="hint">The first samples of the training set '
        "with their labels.</figcaption></figure>"
    ).format(base64.b64encode(data).decode())
