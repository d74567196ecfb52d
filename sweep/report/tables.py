"""The style of all terminal tables: one kind of table, and one colour per word (colour never carries meaning alone)."""

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

VERDICT_STYLES = {
    "converged": "green",
    "diverged": "red",
    "stalled": "yellow",
    "not_converged": "yellow",
    "undecided": "dim",
    "done": "green",
}
STATUS_STYLES = {
    "restores": "bold green",
    "helps": "green",
    "no_effect": "default",
    "harms": "bold red",
    "inert": "dim",
    "undecided": "yellow",
}
STATE_STYLES = {
    "running": "cyan",
    "launching": "cyan",
    "ended": "green",
    "completed": "green",
    "failed": "red",
    "lost": "red",
    "timed_out": "red",
    "interrupted": "yellow",
    "cancelled": "yellow",
    "pruned": "yellow",
}


def new_table() -> Table:
    """Return an empty table: a rule below the header, no frame, columns only as wide as needed."""
    return Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0), show_edge=False)


def new_rows() -> Table:
    """Return an empty table of labels and texts; long texts wrap within their column."""
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    return rows


def labelled(label: str, *texts: str) -> list[RenderableType]:
    """Return the texts with this label before each, as rows of a table; nothing without a text."""
    rows = new_rows()
    for text in texts:
        rows.add_row(label, Text(text))
    return [rows] if texts else []


def styled_verdict(verdict: str) -> Text:
    """Return a verdict or a failure class as it is shown."""
    return Text(verdict.replace("_", " "), style=VERDICT_STYLES.get(verdict, "red"))


def styled_status(status: str, word: str, *, is_bad: bool = False) -> Text:
    """Return a toggle's status word in its colour, or in that of `harms` if `is_bad`."""
    return Text(word, style=STATUS_STYLES["harms"] if is_bad else STATUS_STYLES.get(status, ""))


def styled_state(state: str) -> Text:
    """Return an execution state (of a study or a trial) in its colour."""
    return Text(state.replace("_", " "), style=STATE_STYLES.get(state, ""))
