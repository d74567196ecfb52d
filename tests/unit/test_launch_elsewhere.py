"""A run of another host is gone only if it left a result, gave its lock back, or has long been silent."""

import fcntl
import os
import time
from pathlib import Path

import pytest

from sweep.errors import RunElsewhereError
from sweep.launch.elsewhere import SILENCE_S, announced_in, require_gone
from sweep.rundir import EventWriter, RunDir, is_held


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    (tmp_path / "0").mkdir()
    run = RunDir(tmp_path / "0")
    run.write_spec({"schema": 1})
    return run


def announce(folder: RunDir, *, held: bool) -> EventWriter:
    events = EventWriter(folder.events)
    events.write("start", pid=11, host="gpu-7", **({"held": events.hold()} if held else {}))
    return events


def silence(folder: RunDir, seconds: float) -> None:
    at = time.time() - seconds
    for path in (folder.spec, folder.events):
        if path.exists():
            os.utime(path, (at, at))


def test_the_start_event_names_host_and_pid(folder: RunDir) -> None:
    assert announced_in(folder) is None
    announce(folder, held=True)
    found = announced_in(folder)
    assert found is not None
    assert (found.host, found.pid, found.is_held) == ("gpu-7", 11, True)


def test_a_run_that_holds_its_events_file_is_refused_with_its_host(folder: RunDir) -> None:
    events = announce(folder, held=True)
    silence(folder, 10 * SILENCE_S)
    with pytest.raises(RunElsewhereError, match="gpu-7") as caught:
        require_gone(folder, "gpu-7", 11)
    assert "still runs" in caught.value.message
    assert "gpu-7" in str(caught.value.hint)
    events.close()
    require_gone(folder, "gpu-7", 11)


def test_a_run_with_a_result_is_gone(folder: RunDir) -> None:
    announce(folder, held=True)
    folder.result.write_text('{"schema": 1, "state": "completed", "stop_reason": "returned", "last_step": 1}')
    require_gone(folder, "gpu-7", 11)


def test_a_run_that_cannot_be_seen_is_gone_once_it_has_been_silent(folder: RunDir) -> None:
    announce(folder, held=False)
    with pytest.raises(RunElsewhereError, match=r"gpu-7 \(pid 11\)") as caught:
        require_gone(folder, "gpu-7", 11)
    assert f"{SILENCE_S / 60:g} minutes" in str(caught.value.hint)
    silence(folder, SILENCE_S + 5)
    require_gone(folder, "gpu-7", 11)


def test_a_lock_shows_to_others_until_its_holder_has_closed_the_file(folder: RunDir) -> None:
    assert is_held(folder.events) is False
    events = announce(folder, held=True)
    assert is_held(folder.events) is True
    events.close()
    assert is_held(folder.events) is False


def test_a_file_system_without_locks_tells_nothing(folder: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(folder, held=True)

    def no_locks(fd: int, operation: int) -> None:
        raise OSError(37, "no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert is_held(folder.events) is None
    events = EventWriter(folder.events)
    assert events.hold() is False
    events.close()
