"""What every launcher does, shown on the fake and on the real one in each of its ways to start runs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from launched_runs import LIMIT_S, STUBS, launcher_config, run_request, wait_for

from sweep.domain.states import FailureClass, TrialState
from sweep.errors import DeviceBusyError, LaunchError
from sweep.launch import can_pause
from sweep.launch.fake import FakeLauncher, FakeMachine, Waits, write_run, write_slice
from sweep.launch.local import LocalLauncher
from sweep.launch.protocol import Launcher, RunEnded, RunPaused, RunRequest, RunStarted
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
    """A launcher with folders to run in, and a way to get another orchestrator's launcher on the same machine."""

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
            for news in (launcher or self.launcher).poll(0.2):
                assert news.run_id not in ended
                if isinstance(news, RunEnded):
                    ended[news.run_id] = news
        assert len(ended) == count
        return ended

    def run(self, task: str, *, timeout_s: float | None = None) -> RunEnded:
        request = self.request(task, timeout_s=timeout_s)
        self.launcher.start(request)
        return self.poll_all(1)[request.run_id]


@pytest.fixture(params=["fake", "queueing", "warm", "standby", "cold"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("PYTHONPATH", str(STUBS))
    machine = FakeMachine()
    made: list[Launcher] = []

    def make() -> Launcher:
        launcher: Launcher
        if request.param == "fake":
            launcher = FakeLauncher(play, slots=2, machine=machine)
        elif request.param == "queueing":
            launcher = FakeLauncher(play, slots=2, machine=machine, queue_s=3.0)
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


def test_close_stops_what_runs_and_the_last_poll_reports_it(bench: Bench) -> None:
    requests = [bench.request("logs_forever") for _ in range(2)]
    for request in requests:
        bench.launcher.start(request)
    bench.launcher.close()
    ended = [news for news in bench.launcher.poll(0) if isinstance(news, RunEnded)]
    assert {run.run_id for run in ended} == {request.run_id for request in requests}
    assert {run.state for run in ended} == {TrialState.CANCELLED}
    bench.launcher.close()
    assert bench.launcher.poll(0) == []


def test_a_live_run_of_another_orchestrator_is_adopted_and_reported(bench: Bench) -> None:
    request = bench.request("logs_forever")
    launched = bench.launcher.start(request)
    heir = bench.make()
    adopted = heir.adopt(request, launched.handle)
    assert adopted is not None
    assert adopted.handle == launched.handle
    assert heir.free_slots == 1
    heir.stop(request.run_id, TrialState.CANCELLED)
    assert bench.poll_all(1, heir)[request.run_id].state is TrialState.CANCELLED
    assert heir.free_slots == 2


def test_a_live_run_whose_handle_was_not_recorded_is_found_by_its_folder_and_token(bench: Bench) -> None:
    request = bench.request("logs_forever")
    launched = bench.launcher.start(request)
    heir = bench.make()
    # For microseconds after its exec the kernel shows no environment of a process: no other orchestrator is that fast.
    assert wait_for(lambda: heir.find(request)) == launched.handle
    assert heir.adopt(request, launched.handle) is not None
    heir.stop(request.run_id, TrialState.CANCELLED)
    bench.poll_all(1, heir)
    assert heir.find(request) is None


def test_what_belongs_to_another_attempt_is_neither_found_nor_adopted(bench: Bench) -> None:
    request = bench.request("logs_forever")
    launched = bench.launcher.start(request)
    later = replace(request, token="of a later attempt")
    heir = bench.make()
    assert heir.find(later) is None
    assert heir.adopt(later, launched.handle) is None
    assert heir.free_slots == 2


def test_a_run_that_is_gone_is_not_adopted_and_its_end_is_read_from_its_folder(bench: Bench) -> None:
    request = bench.request("ok")
    launched = bench.launcher.start(request)
    bench.poll_all(1)
    heir = bench.make()
    assert heir.find(request) is None
    assert heir.adopt(request, launched.handle) is None
    assert heir.free_slots == 2
    ended = heir.ending(request)
    assert (ended.run_id, ended.state) == (request.run_id, TrialState.COMPLETED)


def test_a_run_that_is_gone_without_a_result_ended_as_lost(bench: Bench) -> None:
    ended = bench.launcher.ending(bench.request("ok"))
    assert (ended.state, ended.failure) == (TrialState.LOST, FailureClass.LOST)


def test_a_handle_of_another_kind_of_launcher_is_not_adopted(bench: Bench) -> None:
    assert bench.launcher.adopt(bench.request("ok"), "slurm job 4711_3") is None


def test_handles_of_live_runs_differ(bench: Bench) -> None:
    handles = {bench.launcher.start(bench.request("logs_forever")).handle for _ in range(2)}
    assert len(handles) == 2


def test_a_start_reports_the_process_unless_poll_does(bench: Bench) -> None:
    request = bench.request("ok")
    started = [bench.launcher.start(request).started]
    ended: list[RunEnded] = []
    until = time.monotonic() + LIMIT_S
    while not ended and time.monotonic() < until:
        for news in bench.launcher.poll(0.2):
            assert not ended, "nothing is reported of a run after its end"
            if isinstance(news, RunEnded):
                ended.append(news)
            else:
                started.append(news)
    [known] = [each for each in started if each is not None]
    assert (known.run_id, known.device) == (request.run_id, "cpu")


def test_a_pruned_run_that_is_then_cancelled_ends_at_once_as_pruned(bench: Bench) -> None:
    request = bench.request("logs_forever")
    bench.launcher.start(request)
    bench.launcher.stop(request.run_id, TrialState.PRUNED)
    bench.launcher.close()
    ended = [news for news in bench.launcher.poll(0) if isinstance(news, RunEnded)]
    assert [run.state for run in ended] == [TrialState.PRUNED]


def test_every_one_of_many_runs_is_reported_once(bench: Bench) -> None:
    waiting = [bench.request("ok") for _ in range(8)]
    expected = {request.run_id for request in waiting}
    ended: list[int] = []
    until = time.monotonic() + LIMIT_S
    while len(ended) < len(expected) and time.monotonic() < until:
        while waiting and bench.launcher.can_start():
            bench.launcher.start(waiting.pop())
        ended += [news.run_id for news in bench.launcher.poll(0.2) if isinstance(news, RunEnded)]
    assert sorted(ended) == sorted(expected)


# What only a launcher with a queue, or without a shared disk, can show


@pytest.fixture
def queue(tmp_path: Path) -> Bench:
    machine = FakeMachine()

    def make() -> Launcher:
        return FakeLauncher(play, slots=2, machine=machine, queue_s=5.0)

    return Bench(make, make(), tmp_path)


def test_a_queued_run_has_a_handle_and_no_process_until_poll_reports_it(queue: Bench) -> None:
    request = queue.request("logs_forever")
    launched = queue.launcher.start(request)
    assert (bool(launched.handle), launched.started, queue.launcher.free_slots) == (True, None, 1)
    assert queue.launcher.poll(4.0) == []
    [started] = queue.launcher.poll(1.0)
    assert isinstance(started, RunStarted)
    assert (started.run_id, started.device) == (request.run_id, "cpu")
    assert queue.launcher.poll(1.0) == []


def test_time_in_the_queue_is_not_time_of_the_run(queue: Bench) -> None:
    request = queue.request("logs_forever", timeout_s=3.0)
    queue.launcher.start(request)
    [started] = queue.launcher.poll(5.0)
    assert isinstance(started, RunStarted)
    assert queue.launcher.poll(2.5) == []
    [ended] = queue.launcher.poll(0.5)
    assert isinstance(ended, RunEnded)
    assert ended.state is TrialState.TIMED_OUT


def test_a_run_stopped_in_the_queue_ends_without_having_started(queue: Bench) -> None:
    request = queue.request("ok")
    queue.launcher.start(request)
    queue.launcher.stop(request.run_id, TrialState.CANCELLED)
    [ended] = queue.launcher.poll(10.0)
    assert isinstance(ended, RunEnded)
    assert ended.state is TrialState.CANCELLED
    assert queue.launcher.poll(10.0) == []


def test_a_queued_run_is_adopted_as_queued(queue: Bench) -> None:
    request = queue.request("logs_forever", timeout_s=3.0)
    queue.launcher.start(request)
    heir = queue.make()
    handle = heir.find(request)
    assert handle is not None
    adopted = heir.adopt(request, handle)
    assert adopted is not None
    assert adopted.started is None
    [started] = heir.poll(5.0)
    assert isinstance(started, RunStarted)
    [ended] = heir.poll(3.0)
    assert isinstance(ended, RunEnded)
    assert ended.state is TrialState.TIMED_OUT


def test_a_queued_run_whose_start_fails_later_ends_as_a_fault_of_the_machine(queue: Bench) -> None:
    def cannot(folder: RunDir) -> int:
        raise OSError("node down")

    launcher = FakeLauncher(cannot, queue_s=1.0)
    launcher.start(queue.request("ok"))
    [ended] = launcher.poll(1.0)
    assert isinstance(ended, RunEnded)
    assert (ended.state, ended.failure) == (TrialState.FAILED, FailureClass.INFRA)
    assert "node down" in ended.message
    assert launcher.free_slots == 1


def test_a_result_that_arrives_late_is_waited_for(queue: Bench) -> None:
    folders: list[RunDir] = []

    def leaves_later(folder: RunDir) -> int:
        folders.append(folder)
        return 0

    launcher = FakeLauncher(leaves_later, late_s=5.0)
    launcher.start(queue.request("ok"))
    assert launcher.poll(4.0) == []
    play(folders[0])
    [ended] = launcher.poll(0.5)
    assert isinstance(ended, RunEnded)
    assert ended.state is TrialState.COMPLETED


def test_a_result_that_never_arrives_is_not_waited_for_longer(queue: Bench) -> None:
    launcher = FakeLauncher(lambda folder: 0, late_s=5.0)
    launcher.start(queue.request("ok"))
    assert launcher.poll(4.0) == []
    [ended] = launcher.poll(1.0)
    assert isinstance(ended, RunEnded)
    assert ended.failure is FailureClass.CRASH


# Pausing. The local launcher cannot yet: of the real ones it is asked here that it says so.


@pytest.fixture
def pausing(tmp_path: Path) -> Bench:
    machine = FakeMachine()

    def play_slice(folder: RunDir, after_step: int, until_step: int | None) -> int | Waits:
        return write_slice(folder, {"train/loss": [(step, 1.0 / step) for step in range(1, 7)]}, after_step, until_step)

    def make() -> Launcher:
        return FakeLauncher(slices=play_slice, slots=1, machine=machine)

    return Bench(make, make(), tmp_path)


def steps_in(request: RunRequest) -> list[int]:
    return [event["s"] for event in RunDir(request.dir).read_events(0)[0] if event["e"] == "log"]


def pause_at(bench: Bench, step: int, *, timeout_s: float | None = None) -> RunRequest:
    request = replace(bench.request("ok", timeout_s=timeout_s), until_step=step)
    bench.launcher.start(request)
    assert bench.launcher.poll(0) == [RunPaused(run_id=request.run_id, step=step)]
    return request


def test_a_run_waits_at_its_step_with_its_events_complete_and_is_reported_once(pausing: Bench) -> None:
    request = pause_at(pausing, 2)
    assert steps_in(request) == [1, 2]
    assert pausing.launcher.poll(0) == []


def test_a_paused_run_gives_its_place_to_another_and_takes_one_to_continue(pausing: Bench) -> None:
    first = pause_at(pausing, 2)
    assert pausing.launcher.free_slots == 1
    second = pause_at(pausing, 3)
    pausing.launcher.advance(first.run_id, 4)
    assert pausing.launcher.free_slots == 0
    with pytest.raises(DeviceBusyError):
        pausing.launcher.advance(second.run_id, None)
    assert pausing.launcher.poll(0) == [RunPaused(run_id=first.run_id, step=4)]


def test_a_continued_run_resumes_where_it_was_and_runs_to_its_end(pausing: Bench) -> None:
    request = pause_at(pausing, 2)
    pausing.launcher.advance(request.run_id, 5)
    assert pausing.launcher.poll(0) == [RunPaused(run_id=request.run_id, step=5)]
    pausing.launcher.advance(request.run_id, None)
    ended = pausing.poll_all(1)[request.run_id]
    assert (ended.state, steps_in(request)) == (TrialState.COMPLETED, [1, 2, 3, 4, 5, 6])
    assert pausing.launcher.free_slots == 1


def test_a_run_that_ends_before_its_step_has_ended(pausing: Bench) -> None:
    request = replace(pausing.request("ok"), until_step=100)
    pausing.launcher.start(request)
    assert pausing.poll_all(1)[request.run_id].state is TrialState.COMPLETED


def test_time_while_it_is_paused_is_not_time_of_the_run(pausing: Bench) -> None:
    request = pause_at(pausing, 2, timeout_s=3.0)
    assert pausing.launcher.poll(100.0) == []
    pausing.launcher.advance(request.run_id, None)
    assert pausing.poll_all(1)[request.run_id].state is TrialState.COMPLETED


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_paused_run_is_stopped_as_any_other(pausing: Bench, is_closed: bool) -> None:
    request = pause_at(pausing, 2)
    if is_closed:
        pausing.launcher.close()
    else:
        pausing.launcher.stop(request.run_id, TrialState.CANCELLED)
    [ended] = [news for news in pausing.launcher.poll(0) if isinstance(news, RunEnded)]
    assert ended.state is TrialState.CANCELLED
    assert pausing.launcher.free_slots == 1
    pausing.launcher.advance(request.run_id, None)
    assert pausing.launcher.poll(0) == []


def test_a_paused_run_of_another_orchestrator_is_adopted_as_it_waits(pausing: Bench) -> None:
    request = pause_at(pausing, 2)
    heir = pausing.make()
    handle = heir.find(request)
    assert handle is not None
    assert heir.adopt(request, handle) is not None
    assert heir.free_slots == 1
    assert heir.poll(0) == [RunPaused(run_id=request.run_id, step=2)]
    heir.advance(request.run_id, None)
    assert pausing.poll_all(1, heir)[request.run_id].state is TrialState.COMPLETED


@pytest.mark.parametrize("until_step", [4, None])
def test_an_adopted_run_that_waits_before_its_step_is_continued(pausing: Bench, until_step: int | None) -> None:
    request = pause_at(pausing, 2)
    heir = pausing.make()
    handle = heir.find(request)
    assert handle is not None
    heir.adopt(replace(request, until_step=until_step), handle)
    [news] = heir.poll(0)
    assert isinstance(news, RunEnded if until_step is None else RunPaused)
    assert steps_in(request)[-1] == (until_step or 6)


def test_a_launcher_that_cannot_pause_says_so_and_starts_nothing(bench: Bench) -> None:
    with pytest.raises(LaunchError, match="cannot pause"):
        bench.launcher.start(replace(bench.request("ok"), until_step=2))
    with pytest.raises(LaunchError, match="cannot pause"):
        bench.launcher.advance(1, None)
    assert bench.launcher.free_slots == 2
    assert not can_pause(launcher_config())
