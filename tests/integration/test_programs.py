"""Ordinary training scripts run as trials as they do by hand, and what they train, report and have is found.

Both runs are forks of this process, which has imported paddle and what the scripts import.
"""

import importlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from program_runs import Left, files_of, metrics_of, parts_of, run_as_trial, run_by_hand
from program_table import PROGRAMS, SCRIPTS, Program
from script_runs import Ran

from sweep.worker.surgery import KNOBS

AHEAD = ("sklearn.datasets", "sklearn.model_selection", "sklearn.preprocessing", "sklearn.metrics", "tqdm", "visualdl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """A program, what its run by hand left, and what its trial left and recorded."""

    program: Program
    by_hand: Left
    trial: Left
    ran: Ran
    project: Path


@pytest.fixture(scope="module")
def _imported() -> None:
    for name in (*AHEAD, "sweep.worker.script", *(f"sweep.worker.surgery.{knob}" for knob in KNOBS)):
        importlib.import_module(name)


@pytest.fixture(scope="module", params=PROGRAMS, ids=[program.name for program in PROGRAMS])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _imported: None) -> Both:
    project = tmp_path_factory.mktemp(request.param.name) / "project"
    with warnings.catch_warnings():
        warnings.resetwarnings()  # a program's warnings are printed, not raised
        by_hand = run_by_hand(request.param, project)
        trial, ran = run_as_trial(request.param, project)
    assert by_hand.code == 0, by_hand.lines
    assert ran.state == "completed", ran.log
    return Both(program=request.param, by_hand=by_hand, trial=trial, ran=ran, project=project)


def test_table_has_every_program() -> None:
    assert {program.name for program in PROGRAMS} == {path.name for path in SCRIPTS.iterdir()}
    assert len(PROGRAMS) >= 25


def test_trial_with_no_knob_set_and_the_seeds_of_the_program_is_bitwise_its_run_by_hand(both: Both) -> None:
    assert both.trial.code == both.by_hand.code
    assert {where: len(values) for where, values in both.by_hand.losses.items()} == {
        site["where"]: site["calls"] for site in both.ran.inventory["losses"]
    }
    if both.program.repeats:
        assert both.trial.losses == means(both.by_hand.losses, both.program.passes)
        assert both.trial.lines == both.by_hand.lines


def test_it_writes_the_same_files_into_the_folder_of_its_run(both: Both) -> None:
    assert both.trial.files.keys() == both.by_hand.files.keys()
    differing = {name for name, content in both.trial.files.items() if content != both.by_hand.files[name]}
    assert differing == set(both.program.dated)
    assert both.trial.files.keys() == set(both.program.files)


def test_nothing_is_written_beside_the_script(both: Both) -> None:
    assert not files_of(both.project, but=both.program.folder)


def test_losses_are_caught_by_the_line_of_their_backward_pass(both: Both) -> None:
    assert tuple(both.trial.losses) == both.program.losses
    assert both.ran.inventory["steps"] == len(next(iter(both.trial.losses.values())))


def test_metrics_that_it_reports_are_caught(both: Both) -> None:
    assert metrics_of(both.ran) == set(both.program.metrics)


def test_inventory_has_the_parts_that_the_knobs_would_change(both: Both) -> None:
    assert parts_of(both.ran) == set(both.program.parts)


def means(losses: dict[str, list[float]], passes: int) -> dict[str, list[float]]:
    """Return the loss of each step: the mean over its backward passes."""
    groups = {
        where: [values[i : i + passes] for i in range(0, len(values), passes)] for where, values in losses.items()
    }
    return {where: [sum(group) / passes for group in found] for where, found in groups.items()}
