"""Faults of the store and of the disk: locked, full, read-only, truncated, gone."""

import errno
import fcntl
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from killing import STUDY, Folder, Silent, Zygote, load, new_folder, wait_until
from test_trials_killed import check_same_outcome, failures

from sweep.errors import ConfigError
from sweep.report import visualdl
from sweep.study import curves
from sweep.study.regression.night import run_regression
from sweep.study.session import run_study

RUINS = {
    "cut in half": lambda db: os.truncate(db, db.stat().st_size // 2),
    "cut to a few pages": lambda db: os.truncate(db, 3 * 4096 + 100),
    "emptied": lambda db: os.truncate(db, 0),
    "overwritten": lambda db: db.write_bytes(b"no database " * 1000),
    "gone": lambda db: db.unlink(),
}


def everything(folder: Folder) -> dict:
    states = folder.query("select number, state, verdict, is_current from trials order by cell, seed, number")
    return {**folder.outcome(), "failures": failures(folder), "states": [row[1:] for row in states]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, zygote) -> Iterator[Folder]:
    """A study with a trial that crashed, one that died twice, one that was timed out, one that was tried again."""
    with new_folder(tmp_path_factory.mktemp("finished") / "work", zygote) as folder:
        folder.run("--config-dir", "my_conf", "task=mini", "seeds=[3]", "study=other", "launcher.slots=2")
        folder.run("--config-dir", "my_conf", "task=mini", "+axis=[stuck]", "study=s", "launcher.slots=2", *FAULTY)
        yield folder


FAULTY = (
    "seeds=[0,1,2,3]",
    "+axes.wrong={levels: {segv: [task.fault=segv], raise: [task.fault=raise_differently], hang: [task.fault=hang]}}",
    "~axes.stuck",
    "launcher.timeout_s=1.5",
    "launcher.grace_s=0.1",
    "driver.design=one_at_a_time",
)


def copy_of(finished: Folder, path: Path, zygote: Zygote) -> Folder:
    shutil.copytree(finished.path, path)
    return Folder(path, zygote)


@pytest.mark.parametrize("ruin", RUINS)
def test_a_broken_database_is_named_and_rebuilt_to_the_same_table(tmp_path, zygote, finished, ruin):
    folder = copy_of(finished, tmp_path / "work", zygote)
    before = everything(folder)
    db = folder.path / "results" / "sweep.db"
    RUINS[ruin](db)
    ruined = db.read_bytes() if db.exists() else None
    refused = folder.run("--config-dir", "my_conf", "task=mini", "+axis=[stuck]", "study=s", *FAULTY, code=1)
    assert "results/sweep.db" in refused.text
    assert "python -m sweep rebuild" in refused.text
    assert "Traceback" not in refused.text
    assert len(list(folder.study.glob("trials/*.attempt-*"))) == len(list(finished.study.glob("trials/*.attempt-*")))
    rebuilt = folder.run("rebuild")
    assert "s: 16 trials" in rebuilt.text
    kept = list(db.parent.glob("sweep.db.broken-*"))
    if ruined is not None and len(ruined):  # an empty file is no loss
        assert [path.read_bytes() for path in kept if not path.name.endswith(("-wal", "-shm"))] == [ruined]
    folder.run("report", "s")
    assert everything(folder) == before
    starts = folder.starts()
    folder.run("--config-dir", "my_conf", "task=mini", "+axis=[stuck]", "study=s", *FAULTY)
    assert folder.starts() == starts  # nothing was run again
    assert folder.verdicts() == before["verdicts"]


def test_a_study_cut_short_is_rebuilt_and_resumed(folder, undisturbed):
    folder.run(*STUDY, code=-9, SWEEP_KILL_AT_STEP="24")
    for file in (folder.path / "results").glob("sweep.db*"):  # with the log, from which SQLite would make it whole
        file.unlink()
    wait_until(lambda: folder.left() == [])
    done = sum(folder.results().values())
    assert 0 < done < 4
    folder.run("rebuild")
    folder.run()
    check_same_outcome(folder, undisturbed)


def newer(db: Path) -> None:
    with closing(sqlite3.connect(db)) as conn, conn:
        conn.execute("update schema_version set version = version + 1")


def another_programs(db: Path) -> None:
    with closing(sqlite3.connect(db)) as conn, conn:
        conn.execute("alter table schema_version rename to books")


STANDING: dict[str, tuple[Callable[[Path], object], str]] = {
    "this one's": (lambda db: None, "nothing to rebuild"),
    "a newer one's": (newer, "schema version"),
    "another program's": (another_programs, "not a store of sweep"),
    "a folder": (lambda db: (db.unlink(), db.mkdir()), "cannot be opened"),
}


def test_a_readable_store_is_not_rebuilt(folder):
    folder.run()
    good = folder.database.read_bytes()
    for whose, (make, words) in STANDING.items():
        db = folder.place / f"{whose}.db"
        db.write_bytes(good)
        make(db)
        before = db.is_file() and db.read_bytes()
        refused = folder.run("rebuild", "--store", f"sqlite:///{db}", code=None)
        assert (refused.wait() != 0, words in refused.text) == (True, True), f"{whose}: {refused.text}"
        assert (db.is_file() and db.read_bytes()) == before
        assert list(folder.place.glob("*.broken-*")) == []


def test_a_store_is_not_rebuilt_while_a_study_runs(folder):
    orchestrator = folder.start(*STUDY, "task.pause_s=0.1")
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    shutil.copy(folder.path / "results" / "sweep.db", folder.path / "copy.db")
    refused = folder.run("rebuild", "--store", "sqlite:///results/none.db", code=1)
    assert f"pid {orchestrator.pid}" in refused.text
    os.kill(orchestrator.pid, 9)
    orchestrator.wait()
    refused = folder.run("rebuild", "--store", "sqlite:///results/none.db", code=2)
    assert re.search(r"trial \d+ of \S+ .*running", refused.text)
    assert not (folder.path / "results" / "none.db").exists()


# -- gone while a study runs


@pytest.mark.parametrize("gone", ["results", "results/s"])
def test_an_orchestrator_whose_folder_is_removed_ends_and_leaves_it_to_the_next(folder, undisturbed, gone):
    # Its lock went with the folder: two orchestrators would move each other's runs.
    command = (*STUDY, "task.pause_s=0.1")
    first = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 2)
    (folder.path / gone).rename(folder.path / "away")
    second = folder.start(*command)
    assert first.wait() == 1
    assert "results/s was removed or replaced while its study ran" in first.text
    assert "Traceback" not in first.text
    assert second.wait() == 0, second.text
    check_same_outcome(folder, undisturbed)


def test_a_lock_removed_while_a_study_runs_still_keeps_others_out(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.1")
    first = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 2)
    lock = folder.study / "driver.lock"
    lock.unlink()
    wait_until(lock.exists)
    assert f"pid {first.pid} on" in folder.run(*command, code=1).text
    assert first.wait() == 0
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_a_database_removed_while_a_study_runs_is_reported_at_its_end_and_rebuilt(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.05")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 2)
    folder.database.unlink()
    assert orchestrator.wait() == 1
    assert "store results/sweep.db was removed or replaced while the study ran" in orchestrator.text
    assert "Traceback" not in orchestrator.text
    assert folder.ranking() == undisturbed["ranking"]
    folder.run("rebuild")
    folder.run(*command)
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


# -- locked

HOLD = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("ROLLBACK")
"""


def test_a_database_locked_for_30_s_by_another_process_is_waited_for(folder, undisturbed):
    orchestrator = folder.start(*STUDY, "task.pause_s=0.1")
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    began = time.monotonic()
    holder = [sys.executable, "-c", HOLD, str(folder.path / "results" / "sweep.db"), "30"]
    with subprocess.Popen(holder, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        assert orchestrator.wait() == 0, orchestrator.text
        assert time.monotonic() - began >= 29
        assert other.wait() == 0
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


# -- full


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 1 MiB. Mounting takes root."""
    yield from mounted(tmp_path / "disk", "size=1m")


def mounted(where: Path, options: str) -> Iterator[Path]:
    where.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", where], capture_output=True, text=True)
    assert done.returncode == 0, f"these tests mount a small disk, which takes root: {done.stderr}"
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def fill_up(disk: Path, leave: int = 0) -> Path:
    """Take all room but `leave` bytes of a disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return ballast


def on_disk(folder: Folder, disk: Path) -> tuple[str, ...]:
    """Return the command of a study whose results go to a disk, and its store elsewhere."""
    folder.place, folder.database = disk / "results", folder.path / "elsewhere.db"
    return (*STUDY, f"results={folder.place}", f"store.url=sqlite:///{folder.database}")


def test_a_disk_full_of_events_is_an_infra_failure_and_the_study_resumes_later(folder, small_disk, undisturbed):
    command = (*on_disk(folder, small_disk), "task.pause_s=0.05")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    ballast = fill_up(small_disk)
    assert orchestrator.wait() == 1
    assert "Traceback" not in orchestrator.text.replace("Traceback (most recent call last)", "", 1)
    assert "No space left on device" in orchestrator.text or "could not be written" in orchestrator.text
    assert folder.left() == []
    ballast.unlink()
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_a_disk_full_when_results_are_written_costs_a_retry_and_no_verdict(folder, small_disk, undisturbed):
    # Events still find room in the last page of their file; a result needs a file of its own.
    command = (*on_disk(folder, small_disk), "task.pause_s=0.1")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    ballast = fill_up(small_disk)
    code = orchestrator.wait()
    assert code == 1, orchestrator.text
    assert set(failures(folder)) == {"infra"}
    ballast.unlink()
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_a_disk_full_when_logs_and_reports_are_written_loses_none_of_them(folder, small_disk, undisturbed):
    # Room for four results and two of four VisualDL logs, a page each.
    command = (*on_disk(folder, small_disk), "task.pause_s=0.1", "launcher.slots=4")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 4)
    ballast = fill_up(small_disk, leave=6 * 4096)
    assert orchestrator.wait() == 1
    assert "Traceback" not in orchestrator.text
    assert f"No space left on device: {folder.study}/" in orchestrator.text
    ballast.unlink()
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_a_disk_full_when_a_log_is_written_stops_no_running_trial(here, monkeypatch, undisturbed):
    tried: list[Path] = []

    def write(folder: Path, *args, **options) -> None:
        tried.append(folder)
        if len(tried) == 1:
            folder.mkdir()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        visualdl.write_trial(folder, *args, **options)

    monkeypatch.setattr(curves, "write_trial", write)
    command = ("task=mini", "+axis=[stuck]", "seeds=2", "study=s", "launcher.slots=2", "task.pause_s=0.06")
    assert run_study(load(*command), progress=Silent()).status == "ended"
    check_same_outcome(here, undisturbed)
    assert tried.count(tried[0]) == 2


def test_a_disk_full_when_the_database_is_written_ends_the_study_with_the_reason(folder, small_disk, undisturbed):
    store = f"store.url=sqlite:///{small_disk}/sweep.db"
    command = (*STUDY, store, "results=results", "task.pause_s=0.1")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    ballast = fill_up(small_disk)
    assert orchestrator.wait() == 1
    assert f"store {small_disk}/sweep.db: the disk is full" in orchestrator.text
    assert "free some space" in orchestrator.text
    assert "Traceback" not in orchestrator.text
    assert folder.left() == []
    ballast.unlink()
    folder.run(*command)
    folder.database = small_disk / "sweep.db"
    check_same_outcome(folder, undisturbed)


# -- read-only


@pytest.fixture
def read_only_disk(tmp_path) -> Iterator[Path]:
    """A folder on a file system mounted read-only (as root, permissions forbid nothing). Mounting takes root."""
    yield from mounted(tmp_path / "shut", "ro")


@pytest.mark.parametrize(("place", "code"), [("results", 2), ("store", 1), ("both", 2), ("deeper", 2)])
def test_a_folder_that_cannot_be_written_is_named(folder, read_only_disk, place, code):
    where = {
        "results": [f"results={read_only_disk}", "store.url=sqlite:///elsewhere.db"],
        "store": [f"store.url=sqlite:///{read_only_disk}/sweep.db", "results=results"],
        "both": [f"store.url=sqlite:///{read_only_disk}/sweep.db"],
        "deeper": [f"results={read_only_disk}/not/there", "store.url=sqlite:///elsewhere.db"],
    }[place]
    done = folder.run(*STUDY, *where, code=code)
    assert "Traceback" not in done.text
    assert str(read_only_disk) in done.text
    assert folder.left() == []
    assert folder.starts() == {}


def test_a_file_in_the_place_of_the_results_folder_is_named(folder):
    (folder.path / "results").write_text("not a folder")
    done = folder.run(code=2)
    assert "results" in done.text
    assert "Traceback" not in done.text


def test_a_file_system_without_locks_is_named(here, monkeypatch):
    def unknown(fd: int, kind: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", unknown)
    with pytest.raises(ConfigError, match=r"results: .*Function not implemented: results/s/driver\.lock"):
        run_study(load("task=mini", "study=s"), progress=Silent())
    with pytest.raises(ConfigError, match=r"results: .*Function not implemented: results/nightly/driver\.lock"):
        run_regression(load("+regression=nightly"), progress=Silent())
    assert here.starts() == {}


# -- two at once


def test_a_second_orchestrator_of_a_study_is_refused_with_pid_and_host_of_the_first(folder, undisturbed):
    first = folder.start(*STUDY, "task.pause_s=0.1")
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    second = folder.run(*STUDY, "task.pause_s=0.1", code=1)
    assert f"pid {first.pid} on {os.uname().nodename}" in second.text
    assert first.wait() == 0
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_of_orchestrators_that_start_at_the_same_instant_one_runs_the_study(folder, undisturbed):
    orchestrators = [folder.start(*STUDY, "task.pause_s=0.1") for _ in range(6)]
    assert sorted(each.wait() for each in orchestrators) == [0, 1, 1, 1, 1, 1], [each.text for each in orchestrators]
    [first] = [orchestrator for orchestrator in orchestrators if orchestrator.wait() == 0]
    for orchestrator in orchestrators:
        assert orchestrator is first or f"is being run by pid {first.pid} on" in orchestrator.text
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_a_lock_file_that_no_process_holds_blocks_nothing(folder, undisturbed):
    lock = folder.study / "driver.lock"
    lock.parent.mkdir(parents=True)
    elsewhere = {"pid": os.getpid(), "host": "elsewhere", "started": "2020-01-01T00:00:00+00:00"}
    for content in (b"", b"\x00\xff{", b"[1]", json.dumps(elsewhere).encode(),
                    json.dumps({**elsewhere, "host": os.uname().nodename}).encode()):  # fmt: skip
        lock.write_bytes(content)
        folder.run()
        lock.write_bytes(content)
        assert "is not running here" in folder.run("stop", "s", code=2).text
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_two_studies_in_one_store_at_the_same_time_both_end(folder, undisturbed):
    names = ("a", "b")
    orchestrators = [folder.start(*STUDY, f"study={name}", "reuse=false", "task.pause_s=0.03") for name in names]
    assert [each.wait() for each in orchestrators] == [0, 0], [each.text for each in orchestrators]
    ran = "select min(r.started_at), max(r.ended_at) from runs r join trials t on r.trial_id = t.id group by study_id"
    (begun_a, ended_a), (begun_b, ended_b) = folder.query(ran)
    assert begun_a < ended_b, "they did not run at the same time"
    assert begun_b < ended_a, "they did not run at the same time"
    for name in names:
        folder.name = name
        check_same_outcome(folder, undisturbed)
        assert set(folder.starts().values()) == {1}
