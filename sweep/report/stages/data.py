"""How the checks of the data look: a table, and the picture of a batch."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from sweep.report.markdown import escaped
from sweep.report.tables import new_table

if TYPE_CHECKING:
    from markupsafe import Markup

STYLES = {"broken": "bold red", "warning": "yellow", "not_checked": "dim", "ok": "green"}
CHIPS = {"broken": "st-harms", "warning": "st-undecided", "not_checked": "st-inert", "ok": "st-restores"}
"""The look of each severity on the page, by the classes it has."""
COLUMNS = ("check", "", "found", "allowed", "what to do")
PICTURE_BYTES = 4 * 2**20
"""A larger picture stays a file beside the page."""

Section = Mapping[str, Any]


def terminal(section: Section) -> RenderableType:
    """Return the table of checks for a terminal: what is broken or warned of says what is allowed and what to do."""
    table = new_table()
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found", overflow="fold")
    for check in section["checks"]:
        said = Text(check["found"])
        if check["severity"] in ("broken", "warning", "not_checked"):
            for word, key in (("allowed", "allowed"), ("do", "advice")):
                if check[key] and not (key == "allowed" and check["severity"] == "not_checked"):
                    said.append(f"\n{word}: ", style="dim").append(check[key])
        table.add_row(check["name"], Text(_word(check), style=STYLES[check["severity"]]), said)
    return table


def markdown(section: Section) -> str:
    """Return the table of checks as Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|:--|:--|:--|:--|:--|"]
    for check in section["checks"]:
        cells = (check["name"], _word(check), check["found"], check["allowed"], check["advice"])
        lines.append(f"| {' | '.join(escaped(cell) for cell in cells)} |")
    if section["picture"]:
        lines += ["", f"![a batch with its labels]({section['picture']})"]
    return "\n".join(lines) + "\n"


def html(section: Section, folder: Path) -> "Markup":
    """Return the table and the picture, which is part of the page."""
    from markupsafe import Markup

    rows = Markup("").join(
        Markup(
            '<tr><td class="name">{name}</td><td class="state"><span class="status {chip}">{word}</span></td>'
            "<td>{found}</td><td>{allowed}</td><td>{advice}</td></tr>"
        ).format(**check, chip=CHIPS[check["severity"]], word=_word(check))
        for check in section["checks"]
    )
    head = Markup("").join(Markup("<th>{}</th>").format(column) for column in COLUMNS)
    table = Markup('<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        head, rows
    )
    return table + _figure(section, folder)


def _word(check: Section) -> str:
    return str(check["severity"]).replace("_", " ")


def _figure(section: Section, folder: Path) -> "Markup":
    from markupsafe import Markup

    if not section["picture"]:
        return Markup("")
    try:
        data = (folder / section["picture"]).read_bytes()
    except OSError:  # the run folders may have been cleared since
        return Markup("")
    if len(data) > PICTURE_BYTES:
        return Markup('<p class="hint">A batch with its labels: {}</p>').format(section["picture"])
    return Markup(
        '<figure class="batch"><img alt="A batch of the training set with its labels" '
        'src="data:image/png;base64,{}"><figcaption class="hint">The first samples of the training set '
        "with their labels.</figcaption></figure>"
    ).format(base64.b64encode(data).decode())
