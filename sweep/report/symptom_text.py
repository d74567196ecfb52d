"""Symptoms as text: what was seen, where, the usual causes, and the toggles that test them."""

import shlex
from collections.abc import Collection, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from sweep.domain.by_hand import best_by_hand, by_hand_of
from sweep.domain.printable import printable
from sweep.domain.symptom_entry import Fault
from sweep.domain.symptoms import about_of, kind_of, title_of
from sweep.domain.verdict import Symptom
from sweep.report.phrases import number_text
from sweep.report.symptom_document import SymptomDocument
from sweep.report.tables import new_rows

BRIEF = 4
"""Number of symptoms listed beside a ranking; summary.json has them all."""


def described(symptom: Symptom, axes: Collection[str], knobs: Mapping[str, object] | None = None) -> SymptomDocument:
    """Return a symptom as in summary.json, with what tests its causes.

    `tests` are toggles of these axes (the study's), and of built-in axes that change something in a task with these
    knobs; `knobs` is None if the task's config is unknown. `by_hand` says what to change in the code for the axes whose
    knob the task lacks.
    """
    about = about_of(symptom.rule, symptom.metric)
    return SymptomDocument(
        rule=symptom.rule,
        title=title_of(symptom.rule, symptom.metric),
        step=symptom.step,
        layer=symptom.layer,
        value=symptom.value,
        threshold=symptom.threshold,
        metric=symptom.metric,
        message=symptom.message,
        causes=about.causes if about else "",
        fault=str(about.fault if about else Fault.SETTING),
        fix=about.fix if about else "",
        tests=tuple(_tests(about.tests, axes, knobs)) if about else (),
        by_hand=_by_hand(about.tests, axes, knobs) if about else (),
        advisory=about.advisory if about else False,
    )


def _tests(toggles: Sequence[str], axes: Collection[str], knobs: Mapping[str, object] | None) -> list[str]:
    from sweep.config.offered import can_try

    return [toggle for toggle in toggles if axis_of(toggle) in axes or knobs is None or can_try(toggle, knobs)]


def _by_hand(toggles: Sequence[str], axes: Collection[str], knobs: Mapping[str, object] | None) -> tuple[str, ...]:
    """Return the changes to make by hand, most promising first."""
    from sweep.config.offered import lacking_axes

    return () if knobs is None else by_hand_of(toggles, lacking_axes(knobs) - set(axes))


def axis_of(toggle: str) -> str:
    """Return the axis of a toggle written as `axis=level`."""
    return toggle.partition("=")[0]


def by_hand_text(symptom: SymptomDocument) -> str:
    """Return the changes that the task has no knob for, as a phrase; empty if there are none."""
    return "; ".join(symptom.by_hand)


def place_text(symptom: SymptomDocument) -> str:
    """Return where a symptom was seen: `step 50, layer features.0`, `from the start`."""
    step = f"step {number_text(symptom.step)}" if symptom.step else "from the start"
    return f"{step}, layer {symptom.layer}" if symptom.layer else step


def fix_label(symptom: SymptomDocument, *, converges: bool) -> str:
    """Return the label of a fix; in a run that converged, the symptom may be intended."""
    return "if not intended" if converges else f"fix the {symptom.fault}"


def fix_text(symptom: SymptomDocument, *, converges: bool) -> str:
    """Return the fix, to follow a message: `; fix the code: ...`; empty if a toggle tests the cause."""
    return f"; {fix_label(symptom, converges=converges)}: {symptom.fix}" if symptom.fix else ""


def axes_text(tests: Sequence[str]) -> str:
    """Return the overrides that add the axes of these toggles, to paste: `'+axis=[init,lr]'`."""
    from sweep.config.offered import axes_override

    return shlex.join(axes_override(tests))


def brief_lines(symptoms: Sequence[SymptomDocument], *, converges: bool) -> list[RenderableType]:
    """Return a line per symptom of the base, to show beside a ranking; nothing without symptoms."""
    rows = new_rows()
    for symptom in symptoms[:BRIEF]:
        rows.add_row("seen", Text.assemble(f"{_title(symptom)} ({place_text(symptom)})", (_after(symptom), "dim")))
        if symptom.fix:
            rows.add_row("", Text.assemble((f"{fix_label(symptom, converges=converges)}  ", "dim"), symptom.fix))
    more = len(symptoms) - BRIEF
    if more > 0:
        rows.add_row("", Text(f"and {more} more", style="dim"))
    return [rows] if symptoms else []


def full_lines(symptoms: Sequence[SymptomDocument], *, converges: bool) -> list[RenderableType]:
    """Return each symptom of the base with its usual causes and how to test them; nothing without symptoms."""
    rows = new_rows()
    for symptom in symptoms:
        rows.add_row("seen", Text.assemble((_title(symptom), "bold"), f" ({place_text(symptom)}){_after(symptom)}"))
        if symptom.causes:
            rows.add_row("", Text.assemble(("usual causes  ", "dim"), symptom.causes))
        if symptom.fix:
            rows.add_row("", Text.assemble((f"{fix_label(symptom, converges=converges)}  ", "dim"), symptom.fix))
        for row in _what_to_do(symptom):
            rows.add_row("", row)
    return [rows] if symptoms else []


def _what_to_do(symptom: SymptomDocument) -> list[Text]:
    """Return the toggles that test a symptom's causes, and changes by hand; the more promising of the two first."""
    rows = []
    if symptom.tests:
        tests, option = ", ".join(symptom.tests), f"  {axes_text(symptom.tests)}"
        rows.append(Text.assemble(("tested by  ", "dim"), tests, (option, "dim")))
    if words := by_hand_text(symptom):
        rows.append(Text.assemble(("by hand  ", "dim"), words, ("  (the task has no knob for it)", "dim")))
    kind = kind_of(symptom.rule, symptom.metric)
    return rows[::-1] if best_by_hand(kind, symptom.by_hand) else rows


def _after(symptom: SymptomDocument) -> str:
    return f": {printable(symptom.message)}" if symptom.message else ""


def _title(symptom: SymptomDocument) -> str:
    title = str(symptom.title or title_of(symptom.rule, symptom.metric))
    return f"{title}, a hint" if symptom.advisory else title
