"""The table of studies that `ls` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sweep.domain.json_form import JsonObject
from sweep.domain.states import count_ended
from sweep.domain.trial import StudyRecord
from sweep.report.phrases import DASH
from sweep.report.tables import new_table, styled_state

ANSWER_CHARS = 110
"""Number of characters of an answer that are listed; `rank` prints all of it."""

LEAST_ANSWER = 24
"""Fewest columns for an answer beside a name; with less room, it goes below the name."""

HEADS = ("study", "status", "trials", "started (UTC)", "answer")


Listed = tuple[StudyRecord, Mapping[str, int], str]
"""A study, its trials per state, and its answer so far (may be empty)."""


def answer_in(summary: JsonObject | None) -> str:
    """Return the answer in a summary.json of any kind, empty if there is none; the rest is not looked at."""
    answer = None if summary is None else summary.get("answer")
    return answer if isinstance(answer, str) else ""


def render_studies(rows: Sequence[Listed]) -> RenderableType:
    """Return what `ls` shows: a row per study, or several if names leave no room for the answers."""
    return _Studies(tuple(rows)) if rows else Text("no studies yet")


@dataclass(frozen=True, slots=True)
class _Studies:
    """Studies with full names in a terminal of any width, since people copy them. Print it without cropping."""

    rows: tuple[Listed, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        facts = [_facts(study, states) for study, states, _ in self.rows]
        names = max(len(study.name) for study, _, _ in self.rows)
        widths = [max(map(len, column)) for column in zip(HEADS[1:4], *facts, strict=True)]
        if names + sum(widths) + len(widths) + 1 + LEAST_ANSWER <= options.max_width:
            yield self._table(facts)
            return
        for (study, _, answer), (_, trials, started) in zip(self.rows, facts, strict=True):
            yield Text(study.name, no_wrap=True, overflow="ignore")
            line = Text.assemble(styled_state(study.status), f"  {trials}  {started}  ", _cut(answer))
            yield Padding(line, (0, 0, 0, 2), expand=False)

    def _table(self, facts: Sequence[tuple[str, str, str]]) -> Table:
        table = new_table()
        for name in HEADS[:-1]:
            table.add_column(name, justify="right" if name == "trials" else "left", no_wrap=True)
        table.add_column(HEADS[-1], overflow="fold", ratio=1)
        for (study, _, answer), (_, trials, started) in zip(self.rows, facts, strict=True):
            table.add_row(Text(study.name), styled_state(study.status), trials, started, Text(_cut(answer) or DASH))
        return table


def _facts(study: StudyRecord, states: Mapping[str, int]) -> tuple[str, str, str]:
    return (
        study.status,
        f"{count_ended(states):,}/{sum(states.values()):,}",
        study.created_at.strftime("%Y-%m-%d %H:%M"),
    )


def _cut(answer: str) -> str:
    return answer if len(answer) <= ANSWER_CHARS else f"{answer[:ANSWER_CHARS].rstrip()}…"
