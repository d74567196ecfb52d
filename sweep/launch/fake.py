"""A launcher without processes: runs are scripted in Python and end at once. For tests of code that uses a launcher.

It keeps the rules of the protocol and passes the same contract suite as the real one; how a run ended is told by the
same function from the same files.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sweep.domain.states import FailureClass, StopReason, TrialState
from sweep.errors import LaunchError
from sweep.launch.ending import Exit, ending_of, has_settled
from sweep.launch.leases import CPU, DeviceLeases
from sweep.launch.protocol import Launched, RunEnded, RunNews, RunPaused, RunRequest, RunStarted
from sweep.launch.timing import RunningTime
from sweep.rundir import EventWriter, RunDir, write_json_atomic

FAKE_HOST = "fake"

Script = Callable[[RunDir], int | None]
"""Writes what a run would leave in its folder; returns its exit code, or None for a run that lasts until stopped."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What a script in slices returns for a run that waits at a step."""

    step: int


SlicedScript = Callable[[RunDir, int, int | None], int | Waits | None]
"""As Script, for runs that can be paused: (folder, step at which the run waits, 0 at first; step to go to or None)."""


@dataclass(slots=True)
class FakeJob:
    """What a fake machine knows of one run. `is_hanging`: its process exists and lasts until it is stopped."""

    handle: str
    token: str | None
    dir: Path
    device: str
    exclusive: bool
    pid: int | None = None  # None while it is queued
    is_hanging: bool = False
    exit: Exit | None = None  # None while it is queued, lasts or waits
    until_step: int | None = None
    waits_at: int | None = None  # the step at which it is paused
    is_reported: bool = True  # that it waits
    has_place: bool = True
    time: RunningTime = field(default_factory=lambda: RunningTime(started_at_s=0.0))
    gone_at_s: float = 0.0


@dataclass(slots=True)
class FakeMachine:
    """Where fake jobs live: it outlives the launcher of an orchestrator that died. `now_s` is its clock."""

    jobs: dict[str, FakeJob] = field(default_factory=dict)  # by handle, the live ones
    now_s: float = 0.0
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))

    @property
    def hanging(self) -> set[int]:
        """The pids of runs that last until they are stopped."""
        return {job.pid for job in self.jobs.values() if job.is_hanging and job.pid is not None}

    def next_number(self) -> int:
        """Return a number that no job or process had before."""
        return next(self._numbers)

    def lose(self, pid: int) -> None:
        """Let the job of a process be gone, unobserved."""
        self.jobs = {handle: job for handle, job in self.jobs.items() if job.pid != pid}


class FakeLauncher:
    """Runs `script` in the folder of each run it starts. Time passes only in `poll`, and without waiting for it.

    With `slices` its runs can be paused, and that is played. `queue_s` is for how long each run is queued before its
    process exists; `late_s` how long after the end of its process a result can still arrive, as on a shared file
    system.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        slices: SlicedScript | None = None,
        slots: int = 1,
        machine: FakeMachine | None = None,
        queue_s: float = 0.0,
        late_s: float = 0.0,
    ) -> None:
        self.slots = slots
        self._play: SlicedScript | None = (
            slices if slices is not None else script and (lambda folder, *_: script(folder))
        )
        self._can_pause = slices is not None
        self._machine = machine if machine is not None else FakeMachine()
        self._queue_s, self._late_s = queue_s, late_s
        self._leases = DeviceLeases((CPU,), places=slots, limit=slots)
        self._live: dict[int, tuple[RunRequest, FakeJob]] = {}

    @property
    def free_slots(self) -> int:
        """Number of runs that could be started now."""
        return self._leases.free

    @property
    def has_imported(self) -> bool:
        """False: no process imports a task ahead."""
        return False

    def can_start(self, *, exclusive: bool = False) -> bool:
        """Return whether `start` would find a place."""
        return self._leases.can_take(exclusive=exclusive)

    def start(self, request: RunRequest) -> Launched:
        """Queue the run, or play its script at once. Raises DeviceBusyError; LaunchError without spec.json."""
        if request.until_step is not None and not self._can_pause:
            raise LaunchError(f"run {request.run_id}: this launcher cannot pause runs")
        device = self._leases.take(exclusive=request.exclusive)
        job = FakeJob(
            handle=f"job-{self._machine.next_number()}",
            token=request.token,
            dir=request.dir,
            device=device,
            exclusive=request.exclusive,
            until_step=request.until_step,
            time=RunningTime(started_at_s=self._machine.now_s + self._queue_s),
        )
        try:
            RunDir(request.dir).read_spec()
            started = None if self._queue_s else self._begin(request, job)
        except (OSError, ValueError) as error:
            self._leases.give_back(device, has_failed=False)
            raise LaunchError(f"run {request.run_id} in {request.dir} could not be started: {error}") from error
        self._machine.jobs[job.handle] = job
        self._live[request.run_id] = request, job
        return Launched(handle=job.handle, started=started)

    def find(self, request: RunRequest) -> str | None:
        """Return the handle of a job of this folder and token that another launcher on the same machine started."""
        for job in self._machine.jobs.values():
            if job.exit is None and (job.dir, job.token) == (request.dir, request.token):
                return job.handle
        return None

    def adopt(self, request: RunRequest, handle: str) -> Launched | None:
        """Take over a job that another launcher on the same machine started and that is queued, or lasts."""
        job = self._machine.jobs.get(handle)
        if job is None or job.exit is not None or (job.dir, job.token) != (request.dir, request.token):
            return None
        self._live[request.run_id] = request, job
        if job.waits_at is None:
            self._leases.take_over(job.device)
        elif request.until_step is None or job.waits_at < request.until_step:
            self._leases.take_over(job.device)
            self._continue(job, request.until_step)
        else:
            job.is_reported = False
        return Launched(handle=handle, started=None if job.pid is None else self._started(request, job))

    def ending(self, request: RunRequest) -> RunEnded:
        """Return how a run that is gone ended."""
        return ending_of(request.run_id, RunDir(request.dir), Exit())

    def poll(self, wait_s: float) -> Sequence[RunNews]:
        """Return news. If there is none, `wait_s` pass: queued runs start, time limits take effect."""
        news = self._news()
        if not news:
            self._machine.now_s += wait_s
            news = self._news()
        return news

    def advance(self, run_id: int, until_step: int | None) -> None:
        """Play the next slice of a paused run. Raises DeviceBusyError; LaunchError if no run can be paused."""
        if not self._can_pause:
            raise LaunchError(f"run {run_id}: this launcher cannot pause runs")
        request, job = self._live.get(run_id, (None, None))
        if request is None or job is None or job.waits_at is None or job.exit is not None:
            return
        job.device = self._leases.take(exclusive=request.exclusive)
        self._continue(job, until_step)

    def stop(self, run_id: int, state: TrialState) -> None:
        """End a run that is queued or lasts; one that has ended already is reported as it ended."""
        _, job = self._live.get(run_id, (None, None))
        if job is not None and job.exit is None:
            job.exit, job.gone_at_s = Exit(code=-15, requested=state), self._machine.now_s

    def close(self) -> None:
        """Stop all runs; one more `poll` returns how they ended."""
        for run_id in self._live:
            self.stop(run_id, TrialState.CANCELLED)
        self._late_s = 0.0

    def _news(self) -> list[RunNews]:
        found: list[RunNews] = []
        for request, job in list(self._live.values()):
            if job.pid is None and job.exit is None and job.time.started_at_s <= self._machine.now_s:
                try:
                    found.append(self._begin(request, job))
                except (OSError, ValueError) as error:
                    job.exit = Exit()
                    found.append(self._end(request, job, replace(_NOT_STARTED, message=f"not started: {error}")))
                    continue
            if job.exit is None and self._machine.now_s >= job.time.deadline_s(request.timeout_s):
                job.exit, job.gone_at_s = Exit(code=-15, timeout_s=request.timeout_s), self._machine.now_s
            if job.waits_at is not None and job.exit is None and not job.is_reported:
                found.append(self._pause(request, job, job.waits_at))
            folder = RunDir(request.dir)
            gone_for_s = self._machine.now_s - job.gone_at_s
            if job.exit and has_settled(folder, job.exit, gone_for_s=gone_for_s, settle_s=self._late_s):
                found.append(self._end(request, job, ending_of(request.run_id, folder, job.exit)))
        return found

    def _begin(self, request: RunRequest, job: FakeJob) -> RunStarted:
        """Let the process of a run exist. Raises what its script raises."""
        job.pid = self._machine.next_number()
        self._play_on(job, 0)
        return self._started(request, job)

    def _continue(self, job: FakeJob, until_step: int | None) -> None:
        """Continue a run that waits and has its place again."""
        after_step, job.waits_at, job.until_step = job.waits_at or 0, None, until_step
        job.has_place, job.time = True, job.time.continued(self._machine.now_s)
        self._play_on(job, after_step)

    def _play_on(self, job: FakeJob, after_step: int) -> None:
        assert self._play is not None
        found = self._play(RunDir(job.dir), after_step, job.until_step)
        job.is_hanging = found is None
        if isinstance(found, Waits):
            job.waits_at, job.is_reported = found.step, False
            job.time = job.time.paused(self._machine.now_s)
        elif found is not None:
            job.exit, job.gone_at_s = Exit(code=found), self._machine.now_s

    def _started(self, request: RunRequest, job: FakeJob) -> RunStarted:
        return RunStarted(run_id=request.run_id, device=job.device, host=FAKE_HOST, pid=job.pid)

    def _pause(self, request: RunRequest, job: FakeJob, step: int) -> RunPaused:
        job.is_reported = True
        if job.has_place:
            job.has_place = False
            self._leases.give_back(job.device, has_failed=False)
        return RunPaused(run_id=request.run_id, step=step)

    def _end(self, request: RunRequest, job: FakeJob, ended: RunEnded) -> RunEnded:
        del self._live[request.run_id]
        self._machine.jobs.pop(job.handle, None)
        if job.has_place:
            self._leases.give_back(job.device, has_failed=False)
        return replace(ended, run_id=request.run_id)


_NOT_STARTED = RunEnded(
    run_id=0,
    state=TrialState.FAILED,
    exit_code=None,
    failure=FailureClass.INFRA,
    message="",
    stop_reason=None,
)


def write_run(
    folder: RunDir,
    points: Mapping[str, Sequence[tuple[int, float]]],
    *,
    facts: Mapping[str, float | str] | None = None,
    stop_reason: StopReason = StopReason.RETURNED,
    crash: str | None = None,
) -> int:
    """Write events.jsonl and result.json as a run that logged these (step, value) points; return its exit code.

    With `crash` the run failed after logging them, with this message.
    """
    events = EventWriter(folder.events)
    events.write("start", pid=0, host=FAKE_HOST)
    if facts:
        events.write("facts", v=dict(facts))
    by_step = _by_step(points)
    for step in by_step:
        events.log(step, by_step[step])
    events.close()
    _write_result(folder, last_step=max(by_step, default=None), stop_reason=stop_reason, crash=crash)
    return 0 if crash is None else 1


def write_slice(
    folder: RunDir, points: Mapping[str, Sequence[tuple[int, float]]], after_step: int, until_step: int | None
) -> int | Waits:
    """Write what a run logs of these points after a step, until it waits at the first one from `until_step` on.

    Past its last point it has ended, with a result.
    """
    events = EventWriter(folder.events)
    if after_step == 0:
        events.write("start", pid=0, host=FAKE_HOST)
    by_step = _by_step(points)
    last_step = max(by_step)
    for step in (step for step in by_step if step > after_step):
        events.log(step, by_step[step])
        if until_step is not None and step >= until_step and step != last_step:
            events.close()
            return Waits(step)
    events.close()
    _write_result(folder, last_step=last_step, stop_reason=StopReason.RETURNED, crash=None)
    return 0


def _by_step(points: Mapping[str, Sequence[tuple[int, float]]]) -> dict[int, dict[str, float]]:
    """Return metrics with their values by step, steps ascending."""
    by_step: dict[int, dict[str, float]] = {}
    for metric, series in points.items():
        for step, value in series:
            by_step.setdefault(step, {})[metric] = value
    return dict(sorted(by_step.items()))


def _write_result(folder: RunDir, *, last_step: int | None, stop_reason: StopReason, crash: str | None) -> None:
    failure: dict[str, Any] | None = None
    if crash is not None:
        failure = {"class": str(FailureClass.CRASH), "type": "RuntimeError", "message": crash, "traceback": crash}
    result = {
        "schema": 1,
        "state": str(TrialState.COMPLETED if crash is None else TrialState.FAILED),
        "stop_reason": None if crash else str(stop_reason),
        "failure": failure,
        "last_step": last_step,
        "wall_s": 0.1,
    }
    write_json_atomic(folder.result, result)
