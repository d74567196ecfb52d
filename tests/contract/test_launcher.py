"""What every launcher does, shown on the fake and on the real one in each of its ways to start runs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from launched_runs import LIMIT_S, STUBS, launcher_config, run_request

from sweep.domain.states import FailureClass, TrialState
from sweep.errors import DeviceBusyError, LaunchError
from sweep.launch.fake import FakeLauncher, FakeMachine, write_run
from sweep.launch.local import LocalLauncher
from sweep.launch.protocol import Launcher, RunEnded, RunRequest
from sweep.rundir import RunDir


def play(folder: RunDir) -> int | None:
    """The fake's version of the stub tasks."""
    target = folder.read_spec()["task"]["_target_"]
    if target == "stub_tasks.ok":
        return write_run(folder, {"train/loss": [(1, 1.0), (2, 0.5)]})
    if target == "stub_tasks.crashes":
        return write_run(folder, {"train/loss": [(1, 1.0)]}, crash="RuntimeError: planted crash")
    return {"stub_tasks.exits_without_result": 0, "stub_tasks.kills_itself": -9}.get(target)


@dataclass
class Bench:
    """A launcher with folders to run in, and a way to get another driver's launcher on the same machine."""

    make: Callable[[], Launcher]
    launcher: Launcher
    path: Path
    count: int = 0

    def request(self, task: str, *, timeout_s: float | None = None, exclusive: bool = False) -> RunRequest:
        self.count += 1
        folder = self.path / str(self.count)
        return run_request(folder, f"stub_tasks.{task}", run_id=self.count, timeout_s=timeout_s, exclusive=exclusive)

    def poll_all(self, count: int, launcher: Launcher | None = None) -> dict[int, RunEnded]:
        """Poll until `count` runs have ended."""
        ended: dict[int, RunEnded] = {}
        until = time.monotonic() + LIMIT_S
        while len(ended) < count and time.monotonic() < until:
            for run in (launcher or self.launcher).poll(0.2):
                assert run.run_id not in ended
                ended[run.run_id] = run
        assert len(ended) == count
        return ended

    def run(self, task: str, *, timeout_s: float | None = None) -> RunEnded:
        request = self.request(task, timeout_s=timeout_s)
        self.launcher.start(request)
        return self.poll_all(1)[request.run_id]


@pytest.fixture(params=["fake", "warm", "standby", "cold"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("PYTHONPATH", str(STUBS))
    machine = FakeMachine()
    made: list[Launcher] = []

    def make() -> Launcher:
        launcher: Launcher
        if request.param == "fake":
            launcher = FakeLauncher(play, slots=2, machine=machine)
        else:
            launcher = LocalLauncher(launcher_config(slots=2, start=request.param))
        made.append(launcher)
        return launcher

    yield Bench(make, make(), tmp_path)
    for launcher in made:
        launcher.close()


def test_a_run_that_leaves_a_result_is_completed(bench: Bench) -> None:
    ended = bench.run("ok")
    assert (ended.state, ended.failure, ended.stop_reason) == (TrialState.COMPLETED, None, "returned")


def test_a_run_whose_task_raises_is_a_crash_with_its_last_line(bench: Bench) -> None:
    ended = bench.run("crashes")
    assert (ended.state, ended.failure) == (TrialState.FAILED, FailureClass.CRASH)
    assert ended.message == "RuntimeError: planted crash"


def test_a_run_that_exits_cleanly_without_a_result_is_a_crash(bench: Bench) -> None:
    ended = bench.run("exits_without_result")
    assert (ended.state, ended.failure, ended.exit_code) == (TrialState.FAILED, FailureClass.CRASH, 0)
    assert "without a result" in ended.message


def test_a_run_killed_by_a_signal_says_which(bench: Bench) -> None:
    ended = bench.run("kills_itself")
    assert (ended.state, ended.failure, ended.exit_code) == (TrialState.FAILED, FailureClass.KILLED, -9)
    assert "SIGKILL" in ended.message


def test_a_run_over_its_timeout_is_timed_out(bench: Bench) -> None:
    ended = bench.run("logs_forever", timeout_s=0.5)
    assert (ended.state, ended.failure) == (TrialState.TIMED_OUT, FailureClass.TIMEOUT)


@pytest.mark.parametrize("state", [TrialState.PRUNED, TrialState.CANCELLED])
def test_a_stopped_run_ends_as_it_was_asked_to(bench: Bench, state: TrialState) -> None:
    request = bench.request("logs_forever")
    bench.launcher.start(request)
    bench.launcher.stop(request.run_id, state)
    ended = bench.poll_all(1)[request.run_id]
    assert (ended.state, ended.failure) == (state, None)


def test_stopping_again_or_for_another_reason_changes_nothing(bench: Bench) -> None:
    request = bench.request("logs_forever")
    bench.launcher.start(request)
    for state in (TrialState.PRUNED, TrialState.CANCELLED, TrialState.PRUNED):
        bench.launcher.stop(request.run_id, state)
    assert bench.poll_all(1)[request.run_id].state is TrialState.PRUNED
    bench.launcher.stop(request.run_id, TrialState.CANCELLED)
    assert bench.launcher.poll(0) == []


def test_slots_are_taken_by_runs_and_given_back_by_their_end(bench: Bench) -> None:
    assert bench.launcher.free_slots == 2
    for _ in range(2):
        bench.launcher.start(bench.request("ok"))
    assert bench.launcher.free_slots == 0
    assert not bench.launcher.can_start()
    with pytest.raises(DeviceBusyError):
        bench.launcher.start(bench.request("ok"))
    bench.poll_all(2)
    assert bench.launcher.free_slots == 2


def test_an_exclusive_run_waits_for_a_device_alone_and_keeps_it(bench: Bench) -> None:
    other = bench.request("logs_forever")
    bench.launcher.start(other)
    assert bench.launcher.can_start()
    assert not bench.launcher.can_start(exclusive=True)
    with pytest.raises(DeviceBusyError):
        bench.launcher.start(bench.request("ok", exclusive=True))
    bench.launcher.stop(other.run_id, TrialState.CANCELLED)
    bench.poll_all(1)
    alone = bench.request("logs_forever", exclusive=True)
    bench.launcher.start(alone)
    assert bench.launcher.free_slots == 0
    bench.launcher.stop(alone.run_id, TrialState.CANCELLED)
    bench.poll_all(1)
    assert bench.launcher.free_slots == 2


def test_a_start_that_fails_raises_keeps_no_slot_and_is_never_reported(bench: Bench) -> None:
    request = bench.request("ok")
    RunDir(request.dir).spec.unlink()
    with pytest.raises(LaunchError, match=f"run {request.run_id} "):
        bench.launcher.start(request)
    assert bench.launcher.free_slots == 2
    assert bench.launcher.poll(0) == []


def test_close_stops_what_runs_and_the_last_poll_tells_of_it(bench: Bench) -> None:
    requests = [bench.request("logs_forever") for _ in range(2)]
    for request in requests:
        bench.launcher.start(request)
    bench.launcher.close()
    ended = bench.launcher.poll(0)
    assert {run.run_id for run in ended} == {request.run_id for request in requests}
    assert {run.state for run in ended} == {TrialState.CANCELLED}
    bench.launcher.close()
    assert bench.launcher.poll(0) == []


def test_a_live_run_of_another_driver_is_adopted_and_reported(bench: Bench) -> None:
    request = bench.request("logs_forever")
    started = bench.launcher.start(request)
    heir = bench.make()
    assert heir.adopt(request, started)
    assert heir.free_slots == 1
    heir.stop(request.run_id, TrialState.CANCELLED)
    assert bench.poll_all(1, heir)[request.run_id].state is TrialState.CANCELLED
    assert heir.free_slots == 2


def test_a_run_that_is_gone_is_not_adopted(bench: Bench) -> None:
    request = bench.request("ok")
    started = bench.launcher.start(request)
    bench.poll_all(1)
    heir = bench.make()
    assert not heir.adopt(request, started)
    assert heir.free_slots == 2


def test_a_run_of_another_host_is_not_adopted(bench: Bench) -> None:

    request = bench.request("logs_forever")
    started = bench.launcher.start(request)
    heir = bench.make()
    assert not heir.adopt(request, replace(started, host="elsewhere"))


def test_every_one_of_many_runs_is_reported_once(bench: Bench) -> None:
    waiting = [bench.request("ok") for _ in range(8)]
    expected = {request.run_id for request in waiting}
    ended: list[int] = []
    until = time.monotonic() + LIMIT_S
    while len(ended) < len(expected) and time.monotonic() < until:
        while waiting and bench.launcher.can_start():
            bench.launcher.start(waiting.pop())
        ended += [run.run_id for run in bench.launcher.poll(0.2)]
    assert sorted(ended) == sorted(expected)
