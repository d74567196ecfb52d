"""Symptoms in the reader's words: what was seen, where, what usually causes it, which toggles test that."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from rich.text import Text

from sweep.domain.symptoms import SYMPTOMS
from sweep.domain.verdict import Symptom
from sweep.report.phrases import number_text

BRIEF = 4
"""So many symptoms are listed beside a ranking; summary.json has them all."""


def title_of(rule: str) -> str:
    """Return what a rule's finding is called; the rule's own name where it is not in the catalogue."""
    about = SYMPTOMS.get(rule)
    return about.title if about else rule.replace("_", " ").capitalize()


def told(symptom: Symptom, axes: Collection[str]) -> dict[str, Any]:
    """Return a symptom as summary.json has it, with the toggles of these axes, and of those that sweep offers."""
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
        "tests": list(about.tests_among({*axes, *offered_axes()})) if about else [],
        "advisory": about.advisory if about else False,
    }


@cache
def offered_axes() -> frozenset[str]:
    """Return the axes that sweep comes with: a toggle of another one could not be tried."""
    from sweep.config.folders import conf_root, option_names

    return frozenset(option_names("axis", [conf_root()]))


def place_text(symptom: Mapping[str, Any]) -> str:
    """Return where something was seen: `step 50, layer features.0`, `from the start`."""
    step = f"step {number_text(symptom['step'])}" if symptom["step"] else "from the start"
    return f"{step}, layer {symptom['layer']}" if symptom.get("layer") else step


def axes_text(tests: Sequence[str]) -> str:
    """Return the override that adds the axes of these toggles: `+axis=[init,lr]`."""
    return f"+axis=[{','.join(dict.fromkeys(test.partition('=')[0] for test in tests))}]"


def brief_lines(symptoms: Sequence[Mapping[str, Any]]) -> list[Text]:
    """Return one line per symptom of the base, as it stands beside a ranking."""
    lines = [
        Text.assemble(("seen  ", "dim"), f"{_title(s)} ({place_text(s)})", (f": {s['message']}", "dim"))
        for s in symptoms[:BRIEF]
    ]
    more = len(symptoms) - BRIEF
    return [*lines, Text(f"      and {more} more", style="dim")] if more > 0 else lines


def full_lines(symptoms: Iterable[Mapping[str, Any]]) -> list[Text]:
    """Return each symptom of the base with its usual causes and how to test them."""
    lines = []
    for s in symptoms:
        lines.append(Text.assemble(("seen  ", "dim"), (_title(s), "bold"), f" ({place_text(s)})"))
        if s["message"]:
            lines.append(Text(f"      {s['message']}"))
        lines += cause_lines(s)
    return lines


def cause_lines(symptom: Mapping[str, Any]) -> list[Text]:
    """Return what usually causes a symptom, and which toggles test it, a line each, where that is known."""
    lines = []
    if symptom.get("causes"):
        lines.append(Text.assemble(("      usual causes  ", "dim"), symptom["causes"]))
    if symptom.get("tests"):
        tests = symptom["tests"]
        lines.append(
            Text.assemble(("      tested by     ", "dim"), ", ".join(tests), (f"  '{axes_text(tests)}'", "dim"))
        )
    return lines


def _title(symptom: Mapping[str, Any]) -> str:
    title = str(symptom.get("title") or title_of(str(symptom["rule"])))
    return f"{title}, a hint" if symptom.get("advisory") else title
