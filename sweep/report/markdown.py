"""report.md: the answer, to paste into a chat or a pull request."""

from collections.abc import Iterable

from sweep.domain.printable import printable
from sweep.domain.verdict import Verdict
from sweep.report.copyable import uses
from sweep.report.documents import PointDocument, RankingDocument
from sweep.report.headings import BaseDocument
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
)
from sweep.report.provenance_text import provenance_line
from sweep.report.symptom_text import by_hand_text, fix_label, place_text

_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]()#|~!"} | {"<": "&lt;", ">": "&gt;", "\n": " ", "\r": " "})


def escaped(text: str) -> str:
    """Return text of a trial or a config as Markdown that shows it literally."""
    return printable(text).translate(_SPECIAL)


def code(text: str) -> str:
    """Return text as inline code, even if it has backticks; a `|`, which would end a table's cell, is escaped."""
    text, fence = printable(text), "`"
    while fence in text:
        fence += "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("\n", " ").replace("|", "\\|")


def render_markdown(document: RankingDocument) -> str:
    """Return the report: answer, ranking, repairs, command, notes, cost, provenance."""
    lines = [f"## {escaped(document.study)}", "", f"**{escaped(document.answer)}**", ""]
    lines += [f"Task {code(document.task)}, converged means {escaped(target_text(document.target))}.", ""]
    lines += findings_tables(document)
    lines += _commands(document)
    lines += _seen(document.base)
    lines += [f"- {escaped(note)}" for note in document.notes] + ([""] if document.notes else [])
    lines += [
        f"Cost: {escaped(cost_text(document.cost))}  ",
        f"From: {escaped(provenance_line(document.provenance))}",
    ]
    return "\n".join(lines) + "\n"


def findings_tables(document: RankingDocument) -> list[str]:
    """Return the lines with the findings of a search or an ablation: its tables, and the repairs as text."""
    lines: list[str] = []
    if document.search:
        lines += [*_search_table(document.search.top), ""]
    if document.toggles or not document.search:
        lines += [*_table(document), ""]
    if inert := inert_text(document):
        lines += [f"{NO_EFFECT_HERE.capitalize()}: {escaped(inert)}.", ""]
    if document.repairs:
        label = "Breaks it" if document.question == "break" else "Restores it"
        lines += [f"{label}: {escaped(alternatives_text(document))}.", ""]
    return lines


def _seen(base: BaseDocument) -> list[str]:
    """Return a line for each symptom of the base, with the usual causes and what tests them."""
    lines = []
    converges = base.verdict == Verdict.CONVERGED
    for symptom in base.symptoms:
        hint = " (a hint)" if symptom.advisory else ""
        words = f"- **{escaped(symptom.title)}**{hint}, {escaped(place_text(symptom))}: {escaped(symptom.message)}."
        causes = f" Usual causes: {escaped(symptom.causes)}." if symptom.causes else ""
        tests = f" Tested by {', '.join(map(code, symptom.tests))}." if symptom.tests else ""
        label = fix_label(symptom, converges=converges).capitalize()
        fix = f" {label}: {escaped(symptom.fix)}." if symptom.fix else ""
        hand = by_hand_text(symptom)
        code_change = f" By hand, as the task has no knob for it: {escaped(hand)}." if hand else ""
        lines.append(words + causes + fix + tests + code_change)
    return ["Seen in the base:", "", *lines, ""] if lines else []


def _search_table(points: Iterable[PointDocument]) -> Iterable[str]:
    yield "| trial | | steps to target | value | seed | changes |"
    yield "|------:|:--|------:|------:|-----:|:------|"
    for point in points:
        yield _row(
            str(point.trial),
            escaped(point.verdict.replace("_", " ")),
            number_text(point.steps_to_target),
            number_text(point.value),
            str(point.seed),
            code(point_text(point)),
        )


def _table(document: RankingDocument) -> Iterable[str]:
    yield "| rank | toggle | | converged | 95 % | p (Holm) | steps to target | more seeds |"
    yield "|-----:|:-------|:--|------:|:-----|------:|------:|------:|"
    base = document.base
    interval = interval_text(*base.interval) if base.trials and base.interval else DASH
    yield _row(
        "",
        "base",
        escaped(base.verdict.replace("_", " ")),
        f"{base.converged}/{base.trials}",
        interval,
        "",
        number_text(base.median_steps_to_target),
        "",
    )
    tried = tried_toggles(document)
    for toggle in tried[:SHOWN_TOGGLES]:
        yield _row(
            f"{toggle.rank}{' (tied)' if toggle.tied else ''}",
            code(toggle.toggle),
            escaped(toggle.word),
            f"{toggle.converged}/{toggle.trials}",
            interval_text(*toggle.interval) if toggle.trials else DASH,
            p_text(toggle.p_adjusted).replace("<", "&lt;"),
            number_text(toggle.steps_to_target.median),
            f"+{toggle.more_seeds}" if toggle.more_seeds else "",
        )
    if len(tried) > SHOWN_TOGGLES:
        yield ""
        yield f"{len(tried) - SHOWN_TOGGLES:,} more in {code('ranking.csv')} of the study {code(document.study)}."


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _commands(document: RankingDocument) -> list[str]:
    recommended = document.recommended
    first, *ties = uses(recommended)
    lines = [f"Use one of: {', or '.join(code(each) for each in (first, *ties))}.", ""] if ties else []
    if recommended.reason:
        lines += [f"Use {code(first)}: {escaped(recommended.reason)}.", ""]
    decide, beside = document.decide, document.compare
    for label, command in (
        ("Apply the first" if ties else "Apply it", recommended.command),
        ("More seeds would decide", decide and decide.command),
        (f"Compare with {beside and beside.name}", beside and beside.command),
    ):
        if command:
            lines += [f"{label}:", "", "```sh", command.replace("\n", " "), "```", ""]
    return lines
