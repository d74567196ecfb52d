"""A study started over SSH, and the connection drops: the pseudo-terminal closes, and the kernel sends SIGHUP."""

import fcntl
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import pytest
from killing import STUDY, Folder, processes_of, wait_until
from test_trials_killed import check_same_outcome


@dataclass
class Session:
    """An orchestrator in the foreground of its own terminal, as under `ssh -t`."""

    process: "subprocess.Popen[str]"
    terminal: int

    def hang_up(self) -> None:
        os.close(self.terminal)


def log_in(folder: Folder, *arguments: str) -> Session:
    own, theirs = pty.openpty()
    process = folder.popen(
        *arguments, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    return Session(process, own)


def reports(folder: Folder) -> set[str]:
    wanted = ("summary.json", "report.html", "report.md", "ranking.csv")
    return {name for name in wanted if (folder.study / name).exists()}


def check_complete(folder: Folder, undisturbed: dict) -> None:
    assert len(reports(folder)) == 4
    assert folder.query("select status from studies") == [("ended",)]
    assert {run[2] for run in folder.runs()} == {"completed"}
    assert set(folder.starts().values()) == {1}
    check_same_outcome(folder, undisturbed)


def test_a_connection_that_drops_while_trials_run_costs_nothing(folder, undisturbed):
    session = log_in(folder, *STUDY, "task.pause_s=0.1")
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    session.hang_up()
    assert session.process.wait(60) == 0
    check_complete(folder, undisturbed)


def test_a_connection_that_drops_while_the_study_is_composed_does_not_end_it(folder, undisturbed):
    session = log_in(folder, *STUDY)
    wait_until(lambda: _has_handler(session.process.pid))
    session.hang_up()
    assert session.process.wait(60) == 0
    check_complete(folder, undisturbed)


def test_a_connection_that_drops_while_the_reports_are_written_does_not_end_it(folder, undisturbed):
    session = log_in(folder, *STUDY)
    wait_until(lambda: folder.study.exists() and (folder.path / "results" / "sweep.db").exists())
    wait_until(lambda: _ended(folder))
    session.hang_up()
    assert session.process.wait(60) == 0
    check_complete(folder, undisturbed)


@pytest.mark.parametrize("tool", [["nohup"], ["setsid", "--wait"]])
def test_under_nohup_and_setsid_a_study_continues(folder, undisturbed, tool):
    own, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    with (folder.path / "sweep.log").open("w") as log:
        process = subprocess.Popen(
            [*tool, sys.executable, "-m", "sweep", *STUDY, "task.pause_s=0.1"], cwd=folder.path, env=environment,
            stdin=theirs, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
    os.close(theirs)
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    os.close(own)
    process.wait(60)
    wait_until(lambda: not processes_of(folder.path))  # setsid itself is hung up on; the study is not
    check_complete(folder, undisturbed)
    assert "trials ended" in (folder.path / "sweep.log").read_text()


def _has_handler(pid: int) -> bool:
    """Whether the process catches SIGHUP by now."""
    status = Path(f"/proc/{pid}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) & 1 << (signal.SIGHUP - 1))


def _ended(folder: Folder) -> bool:
    try:
        return folder.query("select status from studies") == [("ended",)]
    except sqlite3.OperationalError:  # its tables are just being made
        return False
