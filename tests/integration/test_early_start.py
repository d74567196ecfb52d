"""The process that runs are forked from may be started before there is a launcher, or a run's folder."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from launched_runs import STUBS, end_of, launcher_config, run_request

from sweep.domain.states import TrialState
from sweep.launch.early import start_parent, started_early
from sweep.launch.local import LocalLauncher
from sweep.launch.warm import WarmParent
from sweep.rundir import RunDir

TASK = {"_target_": "state_tasks.tells_parent"}


@pytest.fixture
def early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., WarmParent | None]]:
    """`start_parent` for a config, its processes closed at the end."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STUBS), str(tmp_path)]))
    made: list[WarmParent] = []

    def start(task: dict[str, Any] = TASK, **changes: Any) -> WarmParent | None:
        found = start_parent(launcher_config(**changes), task)
        made.extend([] if found is None else [found])
        return found

    yield start
    for process in made:
        process.close()


def parent_of_a_run(folder: RunDir, process: WarmParent, **spec: Any) -> int:
    """Return the pid of the process that a run was forked from, by a launcher that was given `process`."""
    launcher = LocalLauncher(launcher_config(), early=process)
    try:
        launcher.start(run_request(folder.path, TASK["_target_"], spec=spec))
        ended = end_of(launcher)
    finally:
        launcher.close()
    assert ended.state is TrialState.COMPLETED
    return int((folder.artifacts / "parent").read_text())


def test_runs_are_forked_from_the_process_that_was_started_before(early, tmp_path):
    process = early()
    assert parent_of_a_run(RunDir(tmp_path / "1"), process) == process.child.pid
    assert not psutil.pid_exists(process.child.pid), "the launcher sends it away"


def test_one_in_another_environment_than_the_runs_is_replaced(early, tmp_path):
    process = early()
    parent = parent_of_a_run(RunDir(tmp_path / "1"), process, env={"MODE": "other"})
    assert parent not in (process.child.pid, os.getpid())
    assert not psutil.pid_exists(process.child.pid)


@pytest.mark.parametrize(
    "changes",
    [{"start": "cold"}, {"start": "standby"}, {"name": "elsewhere"}, {"task": {**TASK, "text": "x" * (1 << 16)}}],
    ids=["cold", "standby", "another launcher", "a task too long for an argument"],
)
def test_nothing_is_started_where_runs_will_not_be_forked_from_it(early, changes):
    assert early(**changes) is None


def test_one_that_still_imports_ends_at_once(early, tmp_path):
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    process = early({"_target_": "slow.train"})
    begun_s = time.monotonic()
    process.close()
    assert time.monotonic() - begun_s < 1.0
    assert not psutil.pid_exists(process.child.pid)


def test_a_launcher_made_early_forks_from_the_process_and_both_are_gone_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(STUBS))
    with started_early(launcher_config(), TASK) as make_launcher:
        [parent] = [child for child in psutil.Process().children() if "sweep.worker.warm" in child.cmdline()]
        launcher = make_launcher(launcher_config(), say=print)
        folder = RunDir(tmp_path / "1")
        launcher.start(run_request(folder.path, TASK["_target_"]))
        assert end_of(launcher).state is TrialState.COMPLETED
        assert int((folder.artifacts / "parent").read_text()) == parent.pid
    assert not psutil.pid_exists(parent.pid)
    launcher.close()
