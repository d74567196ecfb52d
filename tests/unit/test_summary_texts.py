"""docs/summary.md lists which fields of summary.json are texts for people; all others are facts."""

import json
import re
from collections import defaultdict
from dataclasses import fields
from pathlib import Path

import pytest

from sweep.domain.regression import Suspect

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "data" / "recorded" / "summaries"
RANKING = "ranking"
OF_RANKING = {"section base", "section ablation", "section verify"}

NAMES = ("command", "command[]", "checks[].name")
"""Ends of the paths of facts that have blanks in them: commands, and names of checks."""


def listed_texts() -> dict[str, set[str]]:
    """Return the paths of the texts of each part of a document."""
    text = (ROOT / "docs" / "summary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", text.partition("## Texts and facts")[2], flags=re.MULTILINE)
    found = {
        re.sub(r" \(.*\)|kind |`", "", part): set(re.findall(r"`([^`]+)`", paths))
        for part, paths in rows
        if part not in ("part", "---")
    }
    return {part: paths | (found[RANKING] if part in OF_RANKING else set()) for part, paths in found.items()}


TEXTS = listed_texts()


def paths_of(value, at=""):
    """Yield each path in a value with what stands there: `toggles[].note`, `notes[]`."""
    if isinstance(value, dict):
        for key, item in value.items():
            path = f"{at}.{key}" if at else key
            yield path, item
            yield from paths_of(item, path)
    elif isinstance(value, list):
        yield f"{at}[]", None
        for item in value:
            yield f"{at}[]", item
            yield from paths_of(item, f"{at}[]")


def parts_of(document):
    """Yield each part of a document that is listed by itself, with its name."""
    if document.get("kind") == "stages":
        yield (
            "stages",
            {
                **document,
                "stages": [{**stage, "section": None} for stage in document["stages"]],
            },
        )
        for stage in document["stages"]:
            yield f"section {stage['stage']}", stage["section"]
    else:
        yield document.get("kind", RANKING), document


@pytest.fixture(scope="module")
def parts():
    """Return what stands at each path of each part, over the recorded studies of every kind."""
    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(RECORDED.rglob("*.json")):
        for part, document in parts_of(json.loads(path.read_text(encoding="utf-8"))):
            for at, value in paths_of(document):
                found[part][at].append(value)
    return found


@pytest.mark.parametrize("part", TEXTS)
def test_only_fields_that_exist_are_listed_as_texts(part, parts):
    existing = set(parts[part])
    if part in OF_RANKING:  # a base alone has no toggles
        existing |= set(parts[RANKING])
    if part == "regression":  # no recorded night has a suspect
        existing |= {f"tasks[].suspects[].{field.name}" for field in fields(Suspect)}
    assert TEXTS[part] - existing == set()


def test_each_field_that_holds_a_sentence_is_listed(parts):
    sentences = {
        (part, path)
        for part, found in parts.items()
        for path, values in found.items()
        if not path.startswith("provenance") and not path.endswith(NAMES)
        if any(isinstance(value, str) and " " in value for value in values)
    }
    assert sentences - {(part, path) for part, paths in TEXTS.items() for path in paths} == set()
