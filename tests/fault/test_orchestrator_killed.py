"""SIGKILL of the orchestrator at every step of its loop; then the same command again."""

import itertools
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest
from killing import STUDY, Folder, Zygote, new_folder, wait_until
from test_trials_killed import check_same_outcome

from sweep.study.crash_points import StepName

AT_A_TIME = 3
LIMIT = 200


NAMES = {
    "study locked", "study recorded", "trials enrolled", "plan written", "intent recorded", "folder renewed",
    "spec written", "process started", "process recorded", "events ingested", "run ended", "end recorded",
    "driver told", "loop ended", "curves written", "status recorded", "reports written", "summary saved",
}  # fmt: skip
"""Every kind of step in the first session of a study of a fixed design."""

LATER = {"run of an earlier session recovered", "trial requeued"}
SEARCHED = {"proposal enrolled"}
STAGED = {"stage ended"}
PAUSED = {"pause recorded", "continuation recorded"}
"""What there is beyond that: in later sessions, in a search, in a study made of others, in one that pauses its trials.

Each has its own test; the last ones in test_loop_pausing.py, as no driver of ours pauses yet.
"""


def walked(
    walk: Iterator[int | str], root: Path, zygote: Zygote, command: tuple[str, ...], seen: dict[int | str, dict]
) -> None:
    """Take step after step: kill the orchestrator there, run the command again, and record the outcome."""
    for at in walk:
        with new_folder(root / f"step {at}", zygote) as folder:
            code = folder.run(*command, code=None, SWEEP_KILL_AT_STEP=str(at)).wait()
            if code == 0:  # it came to its end before the step
                return
            assert code == -signal.SIGKILL
            name = folder.path.parent / f"{folder.path.name}.out.1"
            folder.run(*command)
            seen[at] = {
                "step": name.read_text().rpartition("killed at step ")[2].strip(),
                "outcome": folder.outcome(),
                "starts": dict(folder.starts()),
                "results": dict(folder.results()),
                "live": [run for run in folder.runs() if run[2] in ("launching", "running")],
            }


def walk_all(root: Path, zygote: Zygote, command: tuple[str, ...]) -> dict[int | str, dict]:
    """Return what came of a kill at each step there is.

    How many steps a study takes depends on how its trials' ends fall together, so that the last ones may come before
    the count that would have hit them: those kinds of steps that were missed are hit by name.
    """
    seen: dict[int | str, dict] = {}
    counted = iter(itertools.takewhile(lambda at: at < LIMIT, itertools.count(1)))
    take(counted, root, zygote, command, seen)
    assert 0 < len(seen) < LIMIT - 1
    take(iter(sorted(NAMES - names_of(seen))), root, zygote, command, seen)
    return seen


def take(walk: Iterator[int | str], root: Path, zygote: Zygote, command: tuple[str, ...], seen: dict) -> None:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for done in [pool.submit(walked, walk, root, zygote, command, seen) for _ in range(AT_A_TIME)]:
            done.result()


def names_of(seen: dict[int | str, dict]) -> set[str]:
    return {found["step"].partition(": ")[2] for found in seen.values()}


WALKED = (*STUDY, "task.pause_s=0.03")
"""Trials of half a second: at most steps some of them outlive their orchestrator until the next one starts."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory, zygote) -> dict[int | str, dict]:
    return walk_all(tmp_path_factory.mktemp("walk"), zygote, WALKED)


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory, zygote) -> dict:
    with new_folder(tmp_path_factory.mktemp("unharmed") / "work", zygote) as folder:
        folder.run(*WALKED)
        return folder.outcome()


def test_every_step_of_the_loop_is_covered(walk):
    assert names_of(walk) >= NAMES
    assert set(get_args(StepName)) == NAMES | LATER | SEARCHED | STAGED | PAUSED


def test_killed_at_any_step_a_study_resumes_to_the_same_plan_verdicts_and_ranking(walk, unharmed):
    assert {found["step"]: found["outcome"] for found in walk.values() if found["outcome"] != unharmed} == {}


def test_killed_at_any_step_no_trial_is_run_twice_or_lost(walk):
    once = {0: 1, 1: 1, 2: 1, 3: 1}
    assert {found["step"]: found["starts"] for found in walk.values() if found["starts"] != once} == {}
    assert {found["step"]: found["results"] for found in walk.values() if found["results"] != once} == {}
    assert {found["step"]: found["live"] for found in walk.values() if found["live"]} == {}


def test_killed_at_the_steps_of_later_sessions_nothing_that_ended_is_repeated(folder: Folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.01", "launcher.slots=4")
    hold = folder.path / "hold"
    hold.touch()
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 4)
    os.kill(orchestrator.pid, signal.SIGKILL)
    orchestrator.wait()
    folder.run(*command, code=-signal.SIGKILL, SWEEP_KILL_AT_STEP="run of an earlier session recovered")
    orchestrator = folder.start(*command)
    wait_until(lambda: "running 4 trials" in orchestrator.text)  # from then on it obeys
    os.kill(orchestrator.pid, signal.SIGTERM)
    assert orchestrator.wait() == 130
    assert folder.starts() == {0: 1, 1: 1, 2: 1, 3: 1}
    assert {row[2] for row in folder.verdicts()} == {"cancelled"}
    hold.unlink()
    folder.run(*command, code=-signal.SIGKILL, SWEEP_KILL_AT_STEP="trial requeued")
    folder.run(*command)
    check_same_outcome(folder, undisturbed)
    assert folder.starts() == {0: 2, 1: 2, 2: 2, 3: 2}  # of which the first was stopped


def test_a_killed_search_resumes_to_the_same_trials_and_ranking(tmp_path, zygote):
    command = (
        "--config-dir", "my_conf", "task=mini", "task.stuck=false", "driver=optuna", "driver.n_trials=5",
        "+driver.sampler_args.n_startup_trials=2", "+params.task.steps=range(4,20)", "seeds=1", "study=s",
        "launcher.slots=1",
    )  # fmt: skip
    found = {}
    for at in (None, *SEARCHED, "14", "23", "32"):
        with new_folder(tmp_path / f"step {at}", zygote) as folder:
            if at is not None:
                folder.run(*command, code=-signal.SIGKILL, SWEEP_KILL_AT_STEP=at)
            folder.run(*command)
            ranking = json.loads((folder.study / "summary.json").read_text())
            found[at] = (folder.table(), ranking["answer"], folder.starts(), folder.left())
    assert len({row[1] for row in found[None][0]}) >= 5
    assert set(found[None][2].values()) == {1}
    assert {at: outcome for at, outcome in found.items() if outcome != found[None]} == {}


def test_a_killed_study_of_stages_resumes_to_the_same_answer(tmp_path, zygote):
    command = (
        "--config-dir", "my_conf", "task=mini", "stages=[data,base,overfit]", "study=s", "seeds=2", "launcher.slots=2",
    )  # fmt: skip
    found = {}
    for at in (None, *STAGED, "28", "52"):  # of some 65
        with new_folder(tmp_path / f"step {at}", zygote) as folder:
            if at is not None:
                folder.run(*command, code=-signal.SIGKILL, SWEEP_KILL_AT_STEP=at)
            folder.run(*command)
            summary = json.loads((folder.study / "summary.json").read_text())
            stages = []
            for stage in summary["stages"]:
                folder.name = stage["study"]
                stages.append((folder.name, stage["answer"], folder.table(), folder.starts()))
            found[at] = (summary["answer"], stages, folder.left())
    assert [stage[0] for stage in found[None][1]] == ["s.data", "s.base", "s.overfit"]
    assert [set(stage[3].values()) for stage in found[None][1]] == [{1}] * 3
    assert {at: outcome for at, outcome in found.items() if outcome != found[None]} == {}


def test_killed_while_a_failed_trial_is_requeued_no_finished_trial_is_repeated(tmp_path, zygote):
    # The step at which an old folder, with its result, is still where the next attempt's will be.
    with new_folder(tmp_path / "work", zygote) as folder:
        command = (*STUDY, "task.fault=raise_differently", "task.fault_seeds=[0]", "task.fault_times=1")
        folder.run(*command)
        assert [run[2] for run in folder.runs()].count("failed") == 2
        folder.run("rerun", "s", "--state", "failed", code=-signal.SIGKILL, SWEEP_KILL_AT_STEP="intent recorded")
        assert "failure" in (folder.trial(0) / "result.json").read_text()  # of the first attempt
        folder.run(*command)
        assert {row[3] for row in folder.verdicts()} == {"converged", "stalled"}
        assert set(folder.results().values()) == {1}
        assert folder.left() == []


@pytest.mark.parametrize("start", ["warm", "standby", "cold"])
def test_a_process_that_was_never_recorded_is_found_and_not_started_again(folder: Folder, undisturbed, start):
    command = (*STUDY, "task.pause_s=0.15", f"launcher.start={start}")
    folder.run(*command, code=-signal.SIGKILL, SWEEP_KILL_AT_STEP="process started")
    assert set(folder.query("select pid from runs")) == {(None,)}
    folder.run(*command)
    assert set(folder.starts().values()) == {1}
    assert folder.query("select count(*) from runs where pid is not null") == [(4,)]
    check_same_outcome(folder, undisturbed)


def test_trials_that_outlive_their_orchestrator_are_adopted(folder: Folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.1")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    os.kill(orchestrator.pid, signal.SIGKILL)
    assert orchestrator.wait() == -signal.SIGKILL
    pids = {run[0] for run in folder.query("select pid from runs where pid is not null")}
    folder.run(*command)
    assert set(folder.starts().values()) == {1}
    assert pids <= {run[0] for run in folder.query("select pid from runs")}
    check_same_outcome(folder, undisturbed)
