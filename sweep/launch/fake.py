"""A launcher without processes: runs are scripted in Python and end at once. For tests of whatever uses a launcher.

It keeps the rules of the protocol and passes the same contract suite as the real one; how a run ended is told by the
same function from the same files.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.domain.states import FailureClass, StopReason, TrialState
from sweep.errors import LaunchError
from sweep.launch.ending import Exit, ending_of
from sweep.launch.leases import CPU, DeviceLeases
from sweep.launch.protocol import RunEnded, RunRequest, RunStarted
from sweep.rundir import EventWriter, RunDir, write_json_atomic

FAKE_HOST = "fake"
FAKE_START = 1.0

Script = Callable[[RunDir], int | None]
"""Writes what a run would leave in its folder; returns its exit code, or None for a run that goes on until stopped."""


@dataclass(slots=True)
class FakeMachine:
    """Where fake processes live: it outlives the launcher of a driver that died. `hanging` are the pids still there."""

    hanging: set[int] = field(default_factory=set)
    _pids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))

    def next_pid(self) -> int:
        """Return a pid that was never used before."""
        return next(self._pids)


@dataclass(slots=True)
class _FakeRun:
    request: RunRequest
    device: str
    pid: int
    exit: Exit | None  # None while it goes on
    waited_s: float = 0.0


class FakeLauncher:
    """Runs `script` in the folder of each run it starts. Time passes only in `poll`, and without waiting for it."""

    def __init__(self, script: Script, *, slots: int = 1, machine: FakeMachine | None = None) -> None:
        self.slots = slots
        self._script = script
        self._machine = machine if machine is not None else FakeMachine()
        self._leases = DeviceLeases((CPU,), places=slots, limit=slots)
        self._live: dict[int, _FakeRun] = {}

    @property
    def free_slots(self) -> int:
        """How many runs could be started now."""
        return self._leases.free

    def can_start(self, *, exclusive: bool = False) -> bool:
        """Return whether `start` would find a place."""
        return self._leases.can_take(exclusive=exclusive)

    def start(self, request: RunRequest) -> RunStarted:
        """Play the run's script. Raises DeviceBusyError; LaunchError without spec.json or where the script cannot."""
        device = self._leases.take(exclusive=request.exclusive)
        try:
            RunDir(request.dir).read_spec()
            code = self._script(RunDir(request.dir))
        except (OSError, ValueError) as error:
            self._leases.give_back(device, has_failed=False)
            raise LaunchError(f"run {request.run_id} in {request.dir} could not be started: {error}") from error
        pid = self._machine.next_pid()
        if code is None:
            self._machine.hanging.add(pid)
        run = _FakeRun(request, device, pid, None if code is None else Exit(code=code))
        self._live[request.run_id] = run
        return RunStarted(run_id=request.run_id, pid=pid, pid_started_at=FAKE_START, host=FAKE_HOST, device=device)

    def adopt(self, request: RunRequest, started: RunStarted) -> bool:
        """Take over a run that another launcher on the same machine started and that still goes on."""
        is_known = started.host == FAKE_HOST and started.pid_started_at == FAKE_START
        if not is_known or started.pid not in self._machine.hanging:
            return False
        self._leases.take_over(started.device)
        self._live[request.run_id] = _FakeRun(request, started.device, started.pid, None)
        return True

    def poll(self, wait_s: float) -> Sequence[RunEnded]:
        """Return the runs that ended. Where none has, `wait_s` pass for those that go on, and timeouts take effect."""
        if not any(run.exit for run in self._live.values()):
            for run in self._live.values():
                run.waited_s += wait_s
                if run.request.timeout_s is not None and run.waited_s >= run.request.timeout_s:
                    run.exit = Exit(code=-15, timeout_s=run.request.timeout_s)
        return [self._end(run, run.exit) for run in list(self._live.values()) if run.exit is not None]

    def stop(self, run_id: int, state: TrialState) -> None:
        """End a run that goes on; one that has ended already is reported as it ended."""
        run = self._live.get(run_id)
        if run is not None and run.exit is None:
            run.exit = Exit(code=-15, requested=state)

    def close(self) -> None:
        """Stop whatever goes on."""
        for run_id in self._live:
            self.stop(run_id, TrialState.CANCELLED)

    def _end(self, run: _FakeRun, gone: Exit) -> RunEnded:
        del self._live[run.request.run_id]
        self._machine.hanging.discard(run.pid)
        self._leases.give_back(run.device, has_failed=False)
        return ending_of(run.request.run_id, RunDir(run.request.dir), gone)


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
    by_step: dict[int, dict[str, float]] = {}
    for metric, series in points.items():
        for step, value in series:
            by_step.setdefault(step, {})[metric] = value
    for step in sorted(by_step):
        events.log(step, by_step[step])
    events.close()
    state = TrialState.COMPLETED if crash is None else TrialState.FAILED
    failure: dict[str, Any] | None = None
    if crash is not None:
        failure = {"class": str(FailureClass.CRASH), "type": "RuntimeError", "message": crash, "traceback": crash}
    result = {
        "schema": 1,
        "state": str(state),
        "stop_reason": None if crash else str(stop_reason),
        "failure": failure,
        "last_step": max(by_step, default=None),
        "wall_s": 0.1,
    }
    write_json_atomic(folder.result, result)
    return 0 if crash is None else 1
