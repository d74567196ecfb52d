"""Symptoms in the reader's words: what was seen, where, what usually causes it, which toggles test that."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from sweep.domain.symptoms import SYMPTOMS
from sweep.domain.verdict import Symptom
from sweep.report.phrases import number_text
from sweep.report.tables import new_rows

_KNOB = re.compile(r"\btask\.([\w.]+)=")

BRIEF = 4
"""So many symptoms are listed beside a ranking; summary.json has them all."""


def title_of(rule: str) -> str:
    """Return what a rule's finding is called; the rule's own name where it is not in the catalogue."""
    about = SYMPTOMS.get(rule)
    return about.title if about else rule.replace("_", " ").capitalize()


def told(symptom: Symptom, axes: Collection[str], knobs: Collection[str] | None = None) -> dict[str, Any]:
    """Return a symptom as summary.json has it, with the toggles of these axes, and of those that sweep offers.

    `knobs` are the task's own, None where they are not known: an offered axis that sets another is left out.
    """
    about = SYMPTOMS.get(symptom.rule)
    return {
        "rule": symptom.rule,
        "title": title_of(symptom.rule),
        "step": symptom.step,
        "layer": symptom.layer,
        "value": symptom.value,
        "threshold": symptom.threshold,
        "metric": symptom.metric,
        "message": symptom.message,
        "causes": about.causes if about else "",
        "tests": list(about.tests_among({*axes, *offered_axes(knobs)})) if about else [],
        "advisory": about.advisory if about else False,
    }


def offered_axes(knobs: Collection[str] | None = None) -> frozenset[str]:
    """Return the axes that sweep comes with and that set these knobs: a toggle of another one could not be tried."""
    return frozenset(axis for axis, needed in _needed().items() if knobs is None or needed <= frozenset(knobs))


@cache
def _needed() -> Mapping[str, frozenset[str]]:
    """Return the task's knobs that each axis sweep comes with sets, read off the text: no verb waits for YAML."""
    from sweep.config.folders import conf_root, option_names

    texts = {axis: (conf_root() / "axis" / f"{axis}.yaml").read_text() for axis in option_names("axis", [conf_root()])}
    return {axis: frozenset(_KNOB.findall(text)) for axis, text in texts.items()}


def place_text(symptom: Mapping[str, Any]) -> str:
    """Return where something was seen: `step 50, layer features.0`, `from the start`."""
    step = f"step {number_text(symptom['step'])}" if symptom["step"] else "from the start"
    return f"{step}, layer {symptom['layer']}" if symptom.get("layer") else step


def axes_text(tests: Sequence[str]) -> str:
    """Return the override that adds the axes of these toggles: `+axis=[init,lr]`."""
    return f"+axis=[{','.join(dict.fromkeys(test.partition('=')[0] for test in tests))}]"


def brief_lines(symptoms: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return a line per symptom of the base, as it stands beside a ranking; nothing where there is none."""
    rows = new_rows()
    for symptom in symptoms[:BRIEF]:
        rows.add_row("seen", Text.assemble(f"{_title(symptom)} ({place_text(symptom)})", (_after(symptom), "dim")))
    more = len(symptoms) - BRIEF
    if more > 0:
        rows.add_row("", Text(f"and {more} more", style="dim"))
    return [rows] if symptoms else []


def full_lines(symptoms: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return each symptom of the base with its usual causes and how to test them; nothing where there is none."""
    rows = new_rows()
    for symptom in symptoms:
        rows.add_row("seen", Text.assemble((_title(symptom), "bold"), f" ({place_text(symptom)}){_after(symptom)}"))
        if symptom.get("causes"):
            rows.add_row("", Text.assemble(("usual causes  ", "dim"), symptom["causes"]))
        if symptom.get("tests"):
            tests, option = ", ".join(symptom["tests"]), f"  '{axes_text(symptom['tests'])}'"
            rows.add_row("", Text.assemble(("tested by  ", "dim"), tests, (option, "dim")))
    return [rows] if symptoms else []


def _after(symptom: Mapping[str, Any]) -> str:
    return f": {symptom['message']}" if symptom["message"] else ""


def _title(symptom: Mapping[str, Any]) -> str:
    title = str(symptom.get("title") or title_of(str(symptom["rule"])))
    return f"{title}, a hint" if symptom.get("advisory") else title
