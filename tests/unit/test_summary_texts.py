"""docs/summary.md lists which fields of summary.json are texts for people; all others are facts."""

import json
from collections import defaultdict
from dataclasses import fields

import pytest
from summary_texts import OF_RANKING, RANKING, ROOT, TEXTS, facts_of, parts_of

from sweep.domain.regression import Suspect

RECORDED = ROOT / "tests" / "data" / "recorded" / "summaries"

NAMES = ("command", "command[]", "checks[].name")
"""Ends of the paths of facts that have blanks in them: commands, and names of checks."""


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


def test_facts_are_compared_without_the_texts():
    path = RECORDED / "restore.json"
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    facts = json.loads(facts_of(text))
    assert facts["answer"] == "-" != document["answer"]
    assert {symptom["message"] for symptom in facts["base"]["symptoms"]} <= {"-", ""}
    assert facts["toggles"][0]["overrides"] == document["toggles"][0]["overrides"]
    assert [len(facts[key]) for key in facts if key in ("notes", "toggles")] == [
        len(document[key]) for key in document if key in ("notes", "toggles")
    ]
