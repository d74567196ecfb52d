"""Each promise of docs/faults.md names a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "docs" / "faults.md").read_text().splitlines() if line.startswith("|")]
NAMED = {name for row in ROWS for name in re.findall(r"`(test_\w+)`", row)}


def names_in(*folders: str) -> set[str]:
    files = (file for folder in folders for file in (ROOT / "tests" / folder).glob("test_*.py"))
    return {name for file in files for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)}


def test_each_promise_names_a_test_that_is_there():
    assert len(NAMED) > 30
    assert NAMED - names_in("fault", "integration", "unit", "acceptance") == set()


def test_each_row_names_one():
    promises = [row for row in ROWS if not row.startswith(("| fault |", "|---"))]
    assert [row for row in promises if len(re.findall(r"`(test_\w+)`", row)) != 1] == []


def test_each_test_of_the_fault_suite_has_a_promise_or_guards_one():
    guards = {
        "test_every_step_of_the_loop_is_covered",
        "test_a_store_is_not_rebuilt_while_a_study_runs",
        "test_what_only_the_orchestrator_knows_of_an_ending_is_in_the_run_folder",
        "test_a_file_in_the_place_of_the_results_folder_is_named",
    }
    assert names_in("fault") - NAMED == guards
