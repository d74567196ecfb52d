"""The local launcher with real processes that behave in every way they may."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from launched_runs import (
    LIMIT_S,
    ROOT,
    STUBS,
    end_of,
    handle_of,
    is_gone,
    launcher_config,
    run_request,
    start_run,
    wait_for,
)

from sweep.domain.states import FailureClass, TrialState
from sweep.errors import ConfigError, LaunchError
from sweep.launch import RunRequest, RunStarted, build_launcher
from sweep.launch.gpus import FixedInventory
from sweep.launch.local import LocalLauncher
from sweep.rundir import RunDir, StudyLock, points_of, read_events

Make = Callable[..., LocalLauncher]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("PYTHONPATH", str(STUBS))
    made: list[LocalLauncher] = []

    def make_one(*, inventory: FixedInventory | None = None, **changes: Any) -> LocalLauncher:
        made.append(LocalLauncher(launcher_config(**{"slots": 2, "grace_s": 0.3, **changes}), inventory=inventory))
        return made[-1]

    yield make_one
    for launcher in made:
        launcher.close()


def request(path: Path, task: str, **more: Any) -> RunRequest:
    return run_request(path, f"stub_tasks.{task}", run_id=7, **more)


def ready(path: Path, name: str = "ready") -> str:
    """Wait for the file that a stub leaves and return what is in it."""
    wait_for((path / "artifacts" / name).exists)
    return (path / "artifacts" / name).read_text()


def test_a_run_that_ignores_sigterm_is_killed_after_the_grace_time(make: Make, tmp_path: Path) -> None:
    launcher = make()
    asked = request(tmp_path / "run", "ignores_sigterm")
    started = start_run(launcher, asked)
    ready(asked.dir)
    begun = time.monotonic()
    launcher.stop(asked.run_id, TrialState.CANCELLED)
    ended = end_of(launcher)
    assert time.monotonic() - begun >= 0.3
    assert (ended.state, ended.exit_code) == (TrialState.CANCELLED, -signal.SIGKILL)
    assert is_gone(started.pid)


def test_a_hanging_run_over_its_timeout_keeps_its_curve(make: Make, tmp_path: Path) -> None:
    launcher = make()
    asked = request(tmp_path / "run", "hangs", timeout_s=2.0)
    launcher.start(asked)
    ended = end_of(launcher)
    assert (ended.state, ended.failure) == (TrialState.TIMED_OUT, FailureClass.TIMEOUT)
    assert "2 s" in ended.message
    assert points_of(read_events(RunDir(asked.dir).events, 0)[0])["train/loss"].values.tolist() == [1.0]


def test_a_pruned_run_says_so_itself(make: Make, tmp_path: Path) -> None:
    launcher = make(grace_s=30.0)
    asked = request(tmp_path / "run", "logs_forever")
    launcher.start(asked)
    ready(asked.dir)
    launcher.stop(asked.run_id, TrialState.PRUNED)
    ended = end_of(launcher)
    assert (ended.state, ended.stop_reason) == (TrialState.PRUNED, "pruned")
    assert json.loads(RunDir(asked.dir).result.read_text())["stop_reason"] == "pruned"


@pytest.mark.parametrize("own_group", [False, True])
@pytest.mark.parametrize("way", ["ends", "stopped", "timed out"])
def test_no_grandchild_outlives_its_run(make: Make, tmp_path: Path, way: str, own_group: bool) -> None:
    launcher = make()
    hang = way != "ends"
    asked = request(
        tmp_path / "run",
        "spawns_a_grandchild",
        own_group=own_group,
        hang=hang,
        timeout_s=3.0 if way == "timed out" else None,
    )
    launcher.start(asked)
    if way == "stopped":
        ready(asked.dir, "grandchild")
        launcher.stop(asked.run_id, TrialState.CANCELLED)
    ended = end_of(launcher)
    assert is_gone(int(ready(asked.dir, "grandchild")))
    states = {"ends": TrialState.COMPLETED, "stopped": TrialState.CANCELLED, "timed out": TrialState.TIMED_OUT}
    assert ended.state is states[way]


def test_a_torn_last_line_costs_nothing_but_itself(make: Make, tmp_path: Path) -> None:
    launcher = make()
    asked = request(tmp_path / "run", "tears_a_line")
    launcher.start(asked)
    ended = end_of(launcher)
    assert (ended.state, ended.failure) == (TrialState.FAILED, FailureClass.KILLED)
    events, _ = read_events(RunDir(asked.dir).events, 0)
    assert [event["e"] for event in events] == ["start", "log"]


def test_a_flood_of_output_goes_to_the_log_and_blocks_nothing(make: Make, tmp_path: Path) -> None:
    launcher = make()
    asked = request(tmp_path / "run", "floods_stdout")
    launcher.start(asked)
    assert end_of(launcher).state is TrialState.COMPLETED
    assert RunDir(asked.dir).log.stat().st_size == 2000 * 1001


def test_any_folder_name_will_do(make: Make, tmp_path: Path) -> None:
    launcher = make()
    asked = request(tmp_path / "with space, 'single', \"double\", back\\slash; $HOME *ü目" / "0", "ok")
    launcher.start(asked)
    assert end_of(launcher).state is TrialState.COMPLETED


def test_a_run_has_the_environment_that_its_place_gives_it(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-0000-1")
    monkeypatch.setenv("STAYS", "as it is")
    launcher = make(inventory=FixedInventory.of(4), gpus=("1",), slots=None, slots_per_gpu=2, gpu_memory_mb=2048)
    assert launcher.slots == 2
    asked = request(tmp_path / "run", "shows_environment", spec={"threads": 3, "env": {"MINE": "1"}})
    started = start_run(launcher, asked)
    assert end_of(launcher).state is TrialState.COMPLETED
    seen = json.loads((asked.dir / "artifacts" / "environment.json").read_text())
    expected = {
        "CUDA_VISIBLE_DEVICES": "GPU-0000-1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "FLAGS_gpu_memory_limit_mb": "2048",
        "OMP_NUM_THREADS": "3",
        "MINE": "1",
        "STAYS": "as it is",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert started.device == "GPU-0000-1"
    assert (asked.dir / "artifacts" / "cwd").read_text() == str(Path.cwd())


def test_each_gpu_gets_its_share_of_the_runs(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    launcher = make(inventory=FixedInventory.of(2), gpus=None, slots=None, slots_per_gpu=2)
    assert launcher.free_slots == 4
    devices = [
        start_run(launcher, replace(request(tmp_path / str(n), "logs_forever"), run_id=n)).device for n in range(4)
    ]
    assert devices == ["0", "1", "0", "1"]


def test_a_gpu_that_fails_every_run_is_quarantined(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    launcher = make(inventory=FixedInventory.of(2), gpus=None, slots=None)
    launcher.start(replace(request(tmp_path / "long", "logs_forever"), run_id=99))  # keeps the first one busy, and well
    for n in range(3):
        launcher.start(replace(request(tmp_path / str(n), "crashes"), run_id=n))
        end_of(launcher)
    assert launcher.quarantined == {"1"}
    assert launcher.free_slots == 0


def test_slots_auto_are_the_usable_cores(make: Make) -> None:
    assert 1 <= make(slots=None).slots <= len(os.sched_getaffinity(0))


def test_waiting_costs_no_processor_time_and_is_over_when_a_run_ends(make: Make, tmp_path: Path) -> None:
    launcher = make()
    asked = request(tmp_path / "run", "hangs")
    started = start_run(launcher, asked)
    ready(asked.dir)
    burnt = time.process_time()
    assert launcher.poll(1.0) == []
    assert time.process_time() - burnt < 0.02
    threading.Timer(0.1, os.kill, (started.pid, signal.SIGKILL)).start()
    begun = time.monotonic()
    assert [ended.run_id for ended in launcher.poll(LIMIT_S)] == [asked.run_id]
    assert time.monotonic() - begun < LIMIT_S / 2


def test_without_pidfds_ends_are_seen_all_the_same(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(pid: int, flags: int = 0) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", missing)
    launcher = make()
    started = start_run(launcher, request(tmp_path / "run", "ok"))
    assert (end_of(launcher).state, is_gone(started.pid)) == (TrialState.COMPLETED, True)


def test_a_script_that_cannot_be_started_leaves_a_free_slot(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = make()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no such python"))
    with pytest.raises(LaunchError, match="could not be started"):
        launcher.start(request(tmp_path / "run", "ok"))
    assert launcher.free_slots == 2


def start_from_an_orchestrator_that_dies(path: Path, task: str, **section: Any) -> tuple[RunRequest, RunStarted]:
    """Start a run from another process, which is then killed outright; return the run as a store would know it."""
    asked = request(path, task, **section)
    code = f"""
        import json, time
        from dataclasses import asdict
        from pathlib import Path
        from sweep.config import LauncherConfig
        from sweep.launch import RunRequest, build_launcher
        from sweep.rundir import StudyLock
        StudyLock(Path({str(path)!r}).parent / "driver.lock").acquire()
        settings = dict(slots=1, gpus=[], slots_per_gpu=1, gpu_memory_mb=None, grace_s=1.0, start="auto")
        launcher = build_launcher(LauncherConfig(name="local", timeout_s=None, retries=0, settings=settings))
        started = launcher.start(RunRequest(run_id=7, dir=Path({str(path)!r}))).started
        print(json.dumps(asdict(started)), flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(STUBS), str(ROOT)])},
    ) as orchestrator:
        assert orchestrator.stdout is not None
        line = orchestrator.stdout.readline()
        orchestrator.send_signal(signal.SIGKILL)
    return asked, RunStarted(**json.loads(line))


def test_a_run_whose_orchestrator_was_killed_is_adopted_and_its_result_read(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "logs_forever")
    ready(asked.dir)
    launcher = make(grace_s=30.0)
    assert launcher.adopt(asked, handle_of(started))
    assert launcher.free_slots == 1
    RunDir(asked.dir).request_stop("pruned")  # the run comes to its own end
    ended = end_of(launcher)
    assert (ended.state, ended.exit_code, ended.stop_reason) == (TrialState.PRUNED, None, "pruned")
    assert launcher.free_slots == 2


def test_the_studys_lock_dies_with_its_orchestrator_though_a_run_lives_on(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "hangs")
    ready(asked.dir)
    with StudyLock(tmp_path / "driver.lock"):
        assert make().adopt(asked, handle_of(started))


def test_an_adopted_run_that_vanishes_without_a_result_is_lost(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "hangs")
    ready(asked.dir)
    launcher = make()
    assert launcher.adopt(asked, handle_of(started))
    os.kill(started.pid, signal.SIGKILL)
    ended = end_of(launcher)
    assert (ended.state, ended.failure) == (TrialState.LOST, FailureClass.LOST)


def test_an_adopted_run_is_stopped_with_its_grandchildren(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "spawns_a_grandchild", hang=True)
    grandchild = int(ready(asked.dir, "grandchild"))
    launcher = make()
    assert launcher.adopt(asked, handle_of(started))
    launcher.stop(asked.run_id, TrialState.CANCELLED)
    assert end_of(launcher).state is TrialState.CANCELLED
    assert is_gone(started.pid)
    assert is_gone(grandchild)


def test_an_adopted_run_keeps_its_timeout(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "hangs")
    ready(asked.dir)
    launcher = make()
    assert launcher.adopt(replace(asked, timeout_s=0.1), handle_of(started))
    assert end_of(launcher).state is TrialState.TIMED_OUT


def test_an_adopted_run_keeps_its_time_limit_after_the_clock_was_set_forward(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "hangs")
    ready(asked.dir)
    yesterday = time.time() - 86400
    os.utime(RunDir(asked.dir).spec, (yesterday, yesterday))
    launcher = make()
    assert launcher.adopt(replace(asked, timeout_s=600.0), handle_of(replace(started, pid_started_at=yesterday)))
    assert launcher.poll(0.2) == []
    launcher.stop(asked.run_id, TrialState.CANCELLED)
    assert end_of(launcher).state is TrialState.CANCELLED


def test_what_a_vanished_run_left_in_its_session_is_killed_when_it_is_not_adopted(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "spawns_a_grandchild", hang=True)
    grandchild = int(ready(asked.dir, "grandchild"))
    os.kill(started.pid, signal.SIGKILL)
    wait_for(lambda: is_gone(started.pid))
    assert not is_gone(grandchild)
    assert not make().adopt(asked, handle_of(started))
    wait_for(lambda: is_gone(grandchild))


def test_another_process_that_got_the_pid_is_neither_adopted_nor_touched(make: Make, tmp_path: Path) -> None:
    asked = request(tmp_path / "run", "ok")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as other:
        started_at = psutil.Process(other.pid).create_time()
        earlier = RunStarted(
            run_id=7, pid=other.pid, pid_started_at=started_at - 60.0, host=os.uname().nodename, device="cpu"
        )
        launcher = make()
        assert not launcher.adopt(asked, handle_of(earlier))
        launcher.stop(7, TrialState.CANCELLED)
        launcher.close()
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0


def test_a_run_is_adopted_though_the_clock_was_set_since_it_started(make: Make, tmp_path: Path) -> None:
    asked, started = start_from_an_orchestrator_that_dies(tmp_path / "run", "hangs")
    ready(asked.dir)
    launcher = make()
    assert launcher.adopt(asked, handle_of(replace(started, pid_started_at=started.pid_started_at - 3600)))


def test_the_config_names_the_launcher() -> None:
    launcher = build_launcher(launcher_config())
    assert isinstance(launcher, LocalLauncher)
    launcher.close()
    with pytest.raises(ConfigError, match=r"launcher\.name"):
        build_launcher(launcher_config(name="locl"))
