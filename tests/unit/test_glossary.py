"""docs/glossary.md has every word of an enum that users meet, with a link to the page that explains it."""

import re
from pathlib import Path

import pytest

from sweep.domain.effect_status import EffectStatus, Question
from sweep.domain.kinds import StudyKind
from sweep.domain.regression import TaskVerdict
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.verdict import Verdict

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "| word |" not in line]
ENTRIES = {word for row in ROWS for word in re.findall(r"`([^`]+)`", row.split("|")[1])}


@pytest.mark.parametrize("words", [Verdict, TrialState, EffectStatus, StudyKind], ids=lambda words: words.__name__)
def test_each_verdict_state_status_and_kind_has_an_entry(words):
    assert {str(word) for word in words} - ENTRIES == set()


@pytest.mark.parametrize("words", [FailureClass, Question, TaskVerdict], ids=lambda words: words.__name__)
def test_each_failure_class_question_and_verdict_of_a_night_is_explained(words):
    assert [str(word) for word in words if f"`{word}`" not in TEXT] == []


def test_each_entry_links_to_the_page_that_explains_it():
    assert len(ROWS) > 60
    assert [row for row in ROWS if not re.search(r"\| \[[^]]+\]\([a-z_]+\.md[^)]*\) \|$", row)] == []


def test_the_readme_links_to_it():
    assert "](docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
