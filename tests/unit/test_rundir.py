"""Paths, whole files, results and the lock of a study's folder."""

import errno
import fcntl
import json
import math
import os
from pathlib import Path

import pytest

from sweep.domain.states import TrialState
from sweep.errors import StudyLockedError, UsageError
from sweep.rundir import CORRUPT, RunDir, StudyDir, StudyLock, read_result, write_json_atomic

WEIRD = "we ird 'q\"uo\\te$ ünï 目录"


def result_text(**changes: object) -> str:
    result = {"schema": 1, "state": "completed", "stop_reason": "budget", "failure": None, "wall_s": 1.5, **changes}
    return json.dumps(result)


def test_the_folders_of_a_study_are_those_that_users_rely_on(tmp_path: Path) -> None:
    study = StudyDir(tmp_path, "s")
    assert study.summary == tmp_path / "s" / "summary.json"
    assert study.trial(7).events == tmp_path / "s" / "trials" / "7" / "events.jsonl"
    assert study.trial(7).result.name == "result.json"
    assert study.trial(7).log.name == "out.log"


def test_an_atomic_write_leaves_the_file_and_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / WEIRD
    folder.mkdir()
    for value in (1, 2):
        write_json_atomic(folder / "x.json", {"v": value, "text": WEIRD})
    assert json.loads((folder / "x.json").read_text(encoding="utf-8")) == {"v": 2, "text": WEIRD}
    assert [path.name for path in folder.iterdir()] == ["x.json"]


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}])
def test_what_strict_json_cannot_say_is_refused_and_the_old_file_stays(tmp_path: Path, value: object) -> None:
    write_json_atomic(tmp_path / "x.json", 1)
    with pytest.raises((ValueError, TypeError)):
        write_json_atomic(tmp_path / "x.json", {"v": value})
    assert (tmp_path / "x.json").read_text() == "1\n"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json_atomic(tmp_path / "x.json", "old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json_atomic(tmp_path / "x.json", "new")
    assert json.loads((tmp_path / "x.json").read_text()) == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_only_what_must_survive_a_power_cut_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    RunDir(tmp_path).write_spec({"seed": 0})
    assert synced == []
    write_json_atomic(tmp_path / "result.json", {})
    assert len(synced) == 1


def test_renewing_a_folder_keeps_the_old_attempt_beside_it(tmp_path: Path) -> None:
    run = StudyDir(tmp_path, WEIRD).trial(3)
    run.renew(attempt=1)
    run.write_spec({"attempt": 1})
    run.renew(attempt=2)
    assert list(run.path.iterdir()) == []
    assert RunDir(run.path.with_name("3.attempt-1")).read_spec() == {"attempt": 1}


def test_renewing_never_overwrites_an_attempt_that_is_kept(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "3")
    for attempt in (1, 2, 2):
        run.renew(attempt=attempt)
        run.write_spec({"attempt": attempt})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "3.attempt-1", "3.attempt-1.1"]


def test_asking_for_a_stop_twice_keeps_the_first_reason(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.request_stop("pruned")
    run.request_stop("stopped")
    assert run.stop.read_text() == "pruned"


def test_no_result_is_none(tmp_path: Path) -> None:
    assert read_result(tmp_path / "result.json") is None


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(result_text())
    result = read_result(tmp_path / "result.json")
    assert result is not None
    assert (result["state"], result["wall_s"]) == (TrialState.COMPLETED, 1.5)


def test_the_message_of_a_failure_is_read_as_text_that_can_be_written_anywhere(tmp_path: Path) -> None:
    failure = {"class": "crash", "message": "no such image: caf\udce9\U0001f4a5.png"}
    write_json_atomic(tmp_path / "result.json", {"schema": 1, "state": "failed", "failure": failure})
    result = read_result(tmp_path / "result.json")
    assert result is not None
    assert result["failure"]["message"] == "no such image: caf\\udce9\U0001f4a5.png"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"completed"',
        "\x00\xff",
        "[" * 100_000,
        result_text(schema=2),
        result_text(state="running"),
        result_text(state=["completed"]),
        result_text(stop_reason="bored"),
        result_text(wall_s="long"),
        result_text(state="failed", failure=None),
        result_text(state="failed", failure={"class": "bad luck", "message": ""}),
        result_text(state="failed", failure={"class": "crash"}),
    ],
)
def test_a_result_that_cannot_be_used_is_reported_as_corrupt(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_bytes(text.encode("latin-1"))
    result = read_result(tmp_path / "result.json")
    assert result is not None
    assert result["state"] == CORRUPT
    assert "result.json" in result["problem"]


def test_a_second_lock_names_the_process_that_holds_the_first(tmp_path: Path) -> None:
    path = StudyDir(tmp_path, WEIRD).lock
    with StudyLock(path), pytest.raises(StudyLockedError, match=f"pid {os.getpid()} on {os.uname().nodename}"):
        StudyLock(path).acquire()


def test_the_refusal_of_a_second_lock_says_how_to_follow_and_end_the_first(tmp_path: Path) -> None:
    path = StudyDir(tmp_path, "mine").lock
    with StudyLock(path), pytest.raises(StudyLockedError) as caught:
        StudyLock(path).acquire()
    assert "python -m sweep status mine --watch" in str(caught.value)
    assert "python -m sweep stop mine" in str(caught.value)


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with StudyLock(tmp_path / "lock"):
            pass


def test_the_holder_is_known_while_it_holds_the_lock_and_not_afterwards(tmp_path: Path) -> None:
    lock = StudyLock(tmp_path / "lock")
    assert lock.holder() is None
    with lock:
        holder = StudyLock(tmp_path / "lock").holder()
        assert holder is not None
        assert (holder.pid, holder.host) == (os.getpid(), os.uname().nodename)
    assert StudyLock(tmp_path / "lock").holder() is None


def test_a_study_that_is_run_on_another_host_is_not_stopped_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = StudyDir(tmp_path, "s").lock
    assert StudyLock(path).ask_to_end(now=True) is None
    with StudyLock(path):
        words = json.loads(path.read_text())
        path.write_text(json.dumps({**words, "host": "gpu-7"}))
        monkeypatch.setattr(os, "kill", lambda pid, signum: pytest.fail("no process here is meant"))
        with pytest.raises(UsageError, match="gpu-7") as caught:
            StudyLock(path, " --store sqlite:///x.db").ask_to_end(now=True)
    assert "python -m sweep stop s --now --store sqlite:///x.db" in str(caught.value.hint)


def test_a_lock_file_that_is_removed_is_created_again_and_keeps_others_out(tmp_path: Path) -> None:
    path = StudyDir(tmp_path, "s").lock
    with StudyLock(path) as lock:
        assert lock.keeps()
        path.unlink()
        assert lock.keeps()
        with pytest.raises(StudyLockedError, match=f"pid {os.getpid()} on"):
            StudyLock(path).acquire()
    StudyLock(path).acquire()


def test_a_lock_keeps_no_process_out_of_another_folder_in_its_place(tmp_path: Path) -> None:
    path = StudyDir(tmp_path, "s").lock
    with StudyLock(path) as lock:
        path.unlink()
        path.parent.rmdir()
        assert not lock.keeps()
        path.parent.mkdir()
        assert not lock.keeps()
        assert list(path.parent.iterdir()) == []
        with StudyLock(path):  # another orchestrator's
            assert not lock.keeps()
            holder = StudyLock(path).holder()
            assert holder is not None
            assert holder.pid == os.getpid()
        path.unlink()
        path.parent.rmdir()
        path.parent.write_text("a file")
        assert not lock.keeps()


def test_a_lock_file_created_again_on_a_full_disk_keeps_others_out(tmp_path: Path, monkeypatch) -> None:
    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with StudyLock(tmp_path / "lock") as lock:
        (tmp_path / "lock").unlink()
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            assert lock.keeps()
        assert lock.keeps()
        with pytest.raises(StudyLockedError):
            StudyLock(tmp_path / "lock").acquire()


def test_a_disk_that_does_not_answer_is_no_sign_of_a_lock_that_is_gone(tmp_path: Path, monkeypatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with StudyLock(tmp_path / "lock") as lock:
        monkeypatch.setattr(Path, "stat", fail)
        assert lock.keeps()


def test_a_lock_file_created_again_is_held_while_its_holder_is_looked_up(tmp_path: Path, monkeypatch) -> None:
    flock, asked = fcntl.flock, []

    def busy_at_first(fd: int, kind: int) -> None:
        asked.append(fd)
        if len(asked) == 1:
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
        flock(fd, kind)

    with StudyLock(tmp_path / "lock") as lock:
        (tmp_path / "lock").unlink()
        monkeypatch.setattr(fcntl, "flock", busy_at_first)
        assert lock.keeps()
        with pytest.raises(StudyLockedError):
            StudyLock(tmp_path / "lock").acquire()


def test_a_file_system_without_locks_costs_no_descriptor(tmp_path: Path, monkeypatch) -> None:
    def missing(fd: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", missing)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="No locks available"):
        StudyLock(tmp_path / "lock").acquire()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
