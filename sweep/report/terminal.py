"""The answer of a study in a terminal: its ranking, or the findings of its stages.

Nothing here imports scipy, jinja2 or the analysis, so that reading verbs print a stored summary in under a second.
"""

import math
from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from sweep.domain.printable import printable_data
from sweep.domain.verdict import Verdict
from sweep.report.copyable import command_lines, recommended_lines
from sweep.report.documents import Document, PointDocument, RankingDocument, StepsDocument
from sweep.report.phrases import (
    DASH,
    NO_EFFECT_HERE,
    SHOWN_TOGGLES,
    alternatives_text,
    cost_text,
    inert_text,
    interval_text,
    number_text,
    p_text,
    point_text,
    target_text,
    tried_toggles,
    verdicts_text,
)
from sweep.report.provenance_text import provenance_line
from sweep.report.symptom_text import brief_lines, full_lines
from sweep.report.tables import labelled, new_table, styled_status, styled_verdict

WIDE = 104
"""Width from which the steps saved have a column, and each head fits in one line."""
NAMED = 8
"""Number of toggles named beside one note."""
NARROW = 70
"""Width below which the intervals are left out, to leave room for the names of toggles."""
TINY = 50
"""Width below which p, steps and more seeds are left out, too, for the same reason."""


def render_document(document: Document, *, shows_all: bool = False, store: str = "") -> RenderableType:
    """Return the report of a study: of a diagnosis, a check, or a ranking. Text from a task is made printable.

    `store` is what a verb needs to find the study (` --store URL`).
    """
    shown = printable_data(document)
    if isinstance(shown, RankingDocument):
        return render_ranking(shown, shows_all=shows_all, store=store)
    from sweep.report.staged import render_staged  # it imports the figures of all checks

    return render_staged(shown, store=store)


def render_ranking(document: RankingDocument, *, shows_all: bool = False, store: str = "") -> RenderableType:
    """Return the report of a ranking: answer, table, repairs, command, notes, cost.

    The table has the first 20 toggles, all of them with `shows_all`.
    """
    base = document.base
    parts: list[RenderableType] = [
        Text(document.answer, style="bold"),
        Text(f"{document.study}: {target_text(document.target)}", style="dim"),
        "",
    ]
    if document.search:
        parts += [search_table(document.search.top), *_inert_lines(document), ""]
    elif document.toggles:
        parts += [RankingTable(document, shows_all=shows_all, store=store), ""]
    else:
        parts += [_base_line(document), *full_lines(base.symptoms, converges=base.verdict == Verdict.CONVERGED), ""]
    parts += _repair_lines(document)
    parts += _command_lines(document)
    if document.toggles and not document.search:
        parts += brief_lines(base.symptoms, converges=base.verdict == Verdict.CONVERGED)
    parts += labelled("note", *document.notes, *toggle_notes(document))
    parts += labelled("cost", cost_text(document.cost))
    parts += labelled("from", provenance_line(document.provenance))
    return Group(*parts)


def toggle_notes(document: RankingDocument) -> list[str]:
    """Return the notes of the toggles that were tried; toggles with the same note share a line."""
    by_note: dict[str, list[str]] = {}
    for toggle in tried_toggles(document):
        if toggle.note:
            by_note.setdefault(toggle.note, []).append(toggle.toggle)
    return [f"{_some(names)}: {note}" for note, names in by_note.items()]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")


class RankingTable:
    """The ranking as a table that fits the given width: the base first, then the toggles by rank.

    It shows the first 20 toggles and the number of the others, or all of them.
    """

    def __init__(self, document: RankingDocument, *, shows_all: bool = False, store: str = "") -> None:
        self.document, self.store = document, store
        tried = tried_toggles(document)
        self.shown = tried if shows_all else tried[:SHOWN_TOGGLES]
        self.more = len(tried) - len(self.shown)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        yield self._table(is_wide=width >= WIDE, is_narrow=width < NARROW, is_tiny=width < TINY)
        if self.more:
            command = f"python -m sweep rank {self.document.study} --all{self.store}"
            yield Text.assemble(f"{self.more:,} more: ", (command, "dim"), no_wrap=True, overflow="ignore")
        yield from _inert_lines(self.document)

    def _table(self, *, is_wide: bool, is_narrow: bool, is_tiny: bool) -> Table:
        asks_for_seeds = not is_tiny and any(toggle.more_seeds for toggle in self.shown)
        table = new_table()
        table.add_column("", justify="right", no_wrap=True)
        table.add_column("toggle", overflow="fold", min_width=8)
        table.add_column("", no_wrap=True)
        table.add_column("converged" if is_wide else "conv.", justify="right", no_wrap=True)
        if not is_narrow:
            table.add_column("95 %", no_wrap=True)
        if not is_tiny:
            table.add_column("p (Holm)" if is_wide else "p\n(Holm)", justify="right", no_wrap=True)
            table.add_column("steps", justify="right", no_wrap=True)
        if is_wide:
            table.add_column("saved", justify="right", no_wrap=True)
        if asks_for_seeds:
            table.add_column("more seeds" if is_wide else "more\nseeds", justify="right", no_wrap=True)
        for row in self._rows(is_wide=is_wide, is_narrow=is_narrow, asks_for_seeds=asks_for_seeds):
            table.add_row(*row[: len(table.columns)])  # the columns left out of a tiny table are the last ones
        return table

    def _rows(self, *, is_wide: bool, is_narrow: bool, asks_for_seeds: bool) -> Iterable[list[RenderableType]]:
        base = self.document.base
        interval = interval_text(*base.interval) if base.trials and base.interval else DASH
        yield [
            "",
            "base",
            styled_verdict(base.verdict),
            f"{base.converged}/{base.trials}",
            *([] if is_narrow else [interval]),
            "",
            number_text(base.median_steps_to_target),
        ]
        for toggle in self.shown:
            steps = toggle.steps_to_target
            row: list[RenderableType] = [
                f"{'=' if toggle.tied else ''}{toggle.rank}",
                Text(toggle.toggle),
                # A narrow table leaves out n: another column has it.
                styled_status(
                    toggle.status,
                    toggle.word if is_wide else toggle.word.partition(" (")[0],
                    is_bad=toggle.makes_diverge,
                ),
                f"{toggle.converged}/{toggle.trials}",
                *([] if is_narrow else [interval_text(*toggle.interval) if toggle.trials else DASH]),
                p_text(toggle.p_adjusted),
                number_text(steps.median),
            ]
            if is_wide:
                row.append(saved_text(steps))
            if asks_for_seeds:
                row.append(f"+{toggle.more_seeds}" if toggle.more_seeds else "")
            yield row


def saved_text(steps: StepsDocument) -> str:
    """Return the steps saved against the base, with a sign: `+210`, `−40`; a dash if unknown."""
    saved = steps.saved
    if saved is None or not math.isfinite(saved):
        return DASH
    return f"{'+' if saved > 0 else '−' if saved < 0 else ''}{abs(saved):,.0f}"


def search_table(points: Iterable[PointDocument]) -> Table:
    """Return the best points of a search, best first; values are rounded, the command below has them in full."""
    table = new_table()
    for name, justify in (("trial", "right"), ("", "left"), ("steps", "right"), ("value", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("changes", overflow="fold")
    for point in points:
        table.add_row(
            str(point.trial),
            styled_verdict(point.verdict),
            number_text(point.steps_to_target),
            number_text(point.value),
            Text(point_text(point)),
        )
    return table


def _inert_lines(document: RankingDocument) -> list[RenderableType]:
    """Return the line below the table that names the toggles without a row; nothing if there are none."""
    inert = inert_text(document)
    return ["", Text.assemble((f"{NO_EFFECT_HERE}  ", "dim"), inert)] if inert else []


def _base_line(document: RankingDocument) -> Text:
    base = document.base
    interval = f" ({interval_text(*base.interval)})" if base.trials and base.interval else ""
    return Text.assemble(
        f"base  {base.converged}/{base.trials} converged{interval}: ", verdicts_text(base.verdicts) or DASH
    )


def _repair_lines(document: RankingDocument) -> list[RenderableType]:
    if not document.repairs:
        return []
    label = "breaks it" if document.question == "break" else "restores it"
    verified = sum(repair.verified for repair in document.repairs)
    of_them = len(document.repairs)
    proof = (
        "verified" if verified == of_them else "not verified" if not verified else f"{verified} of {of_them} verified"
    )
    return [Text.assemble((f"{label}  ", "dim"), (alternatives_text(document), "bold"), (f"  ({proof})", "dim"))]


def _command_lines(document: RankingDocument) -> list[RenderableType]:
    lines = recommended_lines(document.recommended)
    decide = document.decide
    if decide:
        lines += command_lines(f"more seeds would decide ({decide.seeds} in total)", decide.command)
    compared = document.compare
    if compared:
        lines += command_lines(f"compare with {compared.name}", compared.command)
    return [*lines, ""] if lines else []
