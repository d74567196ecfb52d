"""The launcher for this machine: each run has its own session of processes, on a slot or a GPU."""

import logging
import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGKILL, SIGTERM

from sweep.clock import monotonic_s, now_utc
from sweep.config import LauncherConfig
from sweep.domain.states import FailureClass, StopReason, TrialState
from sweep.errors import LaunchError
from sweep.launch.elsewhere import announced_in, require_gone
from sweep.launch.ending import SETTLE_S, Exit, ending_of, settled_ending_of
from sweep.launch.environment import child_environment
from sweep.launch.finding import find_local, is_of
from sweep.launch.gpus import GpuInventory
from sweep.launch.handle import ProcessHandle
from sweep.launch.layout import Layout
from sweep.launch.leases import CPU, QUARANTINE_AFTER, DeviceLeases, device_text
from sweep.launch.local_settings import LocalSettings
from sweep.launch.machine import MemoryKills
from sweep.launch.process import (
    AdoptedProcess,
    RunProcess,
    device_of,
    drop_batches,
    is_alive,
    is_gone,
    keep_ended_children,
    kill_members,
    kill_orphans,
    signal_group,
)
from sweep.launch.protocol import Launched, RunEnded, RunRequest, RunStarted
from sweep.launch.starting import make_starter
from sweep.launch.timing import RunningTime
from sweep.launch.warm import WarmParent
from sweep.launch.watch import ProcessWatch
from sweep.rundir import RunDir

logger = logging.getLogger(__name__)

BURIAL_PAUSE_S = 0.005
TRACKERS_S = 4.0
"""Grace period (s) for resource trackers to unlink a run's shared memory once its other processes are gone."""
RELEASE_LIMIT_S = 5.0
"""Seconds after which a killed process that still exists is taken to hang in the kernel."""

_DEVICE_FAILURES = frozenset({FailureClass.CRASH, FailureClass.OOM, FailureClass.KILLED, FailureClass.INFRA})


@dataclass(slots=True)
class _LiveRun:
    """A run that is being watched. Times are monotonic seconds, infinity if there is nothing to wait for."""

    request: RunRequest
    process: RunProcess
    device: str
    memory_kills: int  # the kernel's count when it began
    time: RunningTime
    term_at_s: float = math.inf  # the end of a polite stop
    kill_at_s: float = math.inf  # the end of its grace
    is_stopping: bool = False
    is_timed_out: bool = False
    requested: TrialState | None = None
    ended_at_s: float | None = None  # its leader is gone; the rest of its session may not be
    left: set[int] = field(default_factory=set)  # pids of that rest: what is dying shows no folder any more


class LocalLauncher:
    """Runs on this machine. A start that fails raises LaunchError, and `poll` never hears of that run.

    `inventory` lists the GPUs; `say` is called with what a user should know about how runs start, and on what. `early`
    is a process to fork runs from, if one was started before.
    """

    def __init__(
        self,
        config: LauncherConfig,
        *,
        inventory: GpuInventory | None = None,
        say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - not shown
        early: WarmParent | None = None,
    ) -> None:
        keep_ended_children()
        self._settings = settings = LocalSettings.of(config)
        layout = Layout.of(config, inventory)
        self.slots = layout.slots
        self._has_gpus, self._threads = layout.has_gpus, layout.threads
        self._host = os.uname().nodename
        self._say = say
        self._starter = make_starter(
            settings.start, slots=self.slots, has_devices=bool(layout.devices), say=say, early=early
        )
        self._leases = DeviceLeases(layout.devices or (CPU,), places=layout.places, limit=self.slots)
        self._watch = ProcessWatch()
        self._memory_kills = MemoryKills()
        self._environments: dict[tuple[str, str, str], dict[str, str]] = {}  # by device and what a spec asks for
        self._live: dict[int, _LiveRun] = {}
        self._ended: list[RunEnded] = []
        self._is_closed = False

    @property
    def free_slots(self) -> int:
        """Number of runs that could be started now."""
        return self._leases.free

    @property
    def quarantined(self) -> frozenset[str]:
        """Quarantined GPUs: too many runs in a row failed on them."""
        return self._leases.quarantined

    @property
    def has_imported(self) -> bool:
        """Whether the next run is forked from a process that has imported the task."""
        return self._starter.has_imported

    def can_start(self, *, exclusive: bool = False) -> bool:
        """Return whether `start` would find a device, a whole one for `exclusive`."""
        return self._leases.can_take(exclusive=exclusive)

    def start(self, request: RunRequest) -> Launched:
        """Start one run. Raises DeviceBusyError, LaunchError; then nothing of it runs."""
        if request.until_step is not None:
            raise _cannot_pause(request.run_id)
        device = self._leases.take(exclusive=request.exclusive)
        try:
            process = self._starter.start(request.dir, self._environment(request, device))
        except (OSError, ValueError) as error:
            self._leases.give_back(device, has_failed=False)
            raise LaunchError(f"run {request.run_id} in {request.dir} could not be started: {error}") from error
        return self._register(request, process, device, RunningTime(started_at_s=monotonic_s()))

    def find(self, request: RunRequest) -> str | None:
        """Return the handle of a run that an earlier orchestrator started. Raises RunElsewhereError."""
        return find_local(request)

    def adopt(self, request: RunRequest, handle: str) -> Launched | None:
        """Take over a run of an earlier orchestrator; None if it is gone (what it left behind is then killed)."""
        known, folder = ProcessHandle.parse(handle), RunDir(request.dir)
        if known is None or not is_of(request):
            return None
        if known.host != self._host:
            require_gone(folder, known.host, known.pid)
            return None
        if not is_alive(known.pid, known.started_at, request.dir):
            kill_orphans(known.pid, request.dir)
            return None
        try:
            process = AdoptedProcess(known.pid)
        except ProcessLookupError:
            return None
        device = device_of(known.pid)
        self._leases.take_over(device)
        age_s = _age_s(request, process)
        return self._register(request, process, device, RunningTime(started_at_s=monotonic_s() - age_s))

    def ending(self, request: RunRequest) -> RunEnded:
        """Return how a run that is gone ended; the result of one of another host is waited for."""
        folder = RunDir(request.dir)
        announced = announced_in(folder)
        is_from_here = announced is None or announced.host == self._host
        return settled_ending_of(request.run_id, folder, Exit(), settle_s=0.0 if is_from_here else SETTLE_S)

    def poll(self, wait_s: float) -> Sequence[RunEnded]:
        """Return the runs that ended since the last call; waits at most `wait_s`, less if one ends."""
        until = monotonic_s() + wait_s
        while not self._is_closed:
            next_s = self._enforce(monotonic_s())
            gone = self._watch.wait(0.0 if self._ended else min(until, next_s) - monotonic_s())
            if not gone:
                self._starter.tidy()
            for run_id in gone:
                self._live[run_id].ended_at_s = monotonic_s()
                self._release(self._live[run_id])
            if self._ended or monotonic_s() >= until:
                break
        ended, self._ended = self._ended, []
        return ended

    def advance(self, run_id: int, until_step: int | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Raise LaunchError: no run of this launcher is ever paused."""
        raise _cannot_pause(run_id)

    def stop(self, run_id: int, state: TrialState) -> None:
        """End a run that is to be recorded as `state`: SIGTERM to its group, SIGKILL after the grace time.

        A pruned one is first asked by its stop file, and has the grace time for that.
        """
        live = self._live.get(run_id)
        if live is None:
            return
        is_asked = live.requested is not None
        live.requested = live.requested or state
        if state is not TrialState.PRUNED:
            self._terminate(live)
        elif not is_asked:
            RunDir(live.request.dir).request_stop(str(StopReason.PRUNED))
            live.term_at_s = monotonic_s() + self._settings.grace_s

    def close(self) -> None:
        """Stop all runs, wait for them to end and release everything; `poll(0)` then returns how they ended."""
        if self._is_closed:
            return
        for run_id in list(self._live):
            self.stop(run_id, TrialState.CANCELLED)
        ended: list[RunEnded] = []
        while self._live:
            ended += self.poll(1.0)
        self._ended = [*ended, *self._ended]
        self._is_closed = True
        self._watch.close()
        self._memory_kills.close()
        self._starter.close()

    def _environment(self, request: RunRequest, device: str) -> dict[str, str]:
        """Return the environment of a run; runs that need the same share one."""
        spec = RunDir(request.dir).read_spec() if request.spec is None else request.spec
        wish = (device, repr(spec.get("threads")), repr(spec.get("env")))
        if wish not in self._environments:
            self._environments[wish] = child_environment(
                os.environ,
                spec,
                device=device,
                threads=self._threads,
                has_gpus=self._has_gpus,
                gpu_memory_mb=self._settings.gpu_memory_mb,
            )
        return self._environments[wish]

    def _register(self, request: RunRequest, process: RunProcess, device: str, time: RunningTime) -> Launched:
        """Watch a process from now on and return what is known of it."""
        live = _LiveRun(request, process, device, self._memory_kills.count(), time)
        self._live[request.run_id] = live
        self._watch.add(request.run_id, process)
        handle = ProcessHandle(host=self._host, pid=process.pid, started_at=process.started_at)
        started = RunStarted(
            run_id=request.run_id, device=device, host=handle.host, pid=handle.pid, pid_started_at=handle.started_at
        )
        return Launched(handle=str(handle), started=started)

    def _enforce(self, now_s: float) -> float:
        """Do what is due (timeouts, ends of grace periods, reaping) and return when something is due next."""
        next_s = math.inf
        for live in list(self._live.values()):
            if live.ended_at_s is not None:
                self._release(live)
                next_s = min(next_s, now_s + BURIAL_PAUSE_S)
                continue
            deadline_s = math.inf if live.is_timed_out else live.time.deadline_s(live.request.timeout_s)
            if now_s >= deadline_s:
                logger.warning(
                    "run %d: stopped, over its time limit of %s s", live.request.run_id, live.request.timeout_s
                )
                live.is_timed_out, deadline_s = True, math.inf
                self._terminate(live)
            if now_s >= live.term_at_s:
                logger.info(
                    "run %d: sent SIGTERM, %g s after it was asked to stop", live.request.run_id, self._settings.grace_s
                )
                self._terminate(live)
            if now_s >= live.kill_at_s:
                logger.info(
                    "run %d: killed, SIGTERM has not ended it in %g s", live.request.run_id, self._settings.grace_s
                )
                live.kill_at_s = math.inf
                signal_group(live.process, SIGKILL)
            next_s = min(next_s, deadline_s, live.term_at_s, live.kill_at_s)
        return next_s

    def _terminate(self, live: _LiveRun) -> None:
        live.term_at_s = math.inf
        if not live.is_stopping and live.ended_at_s is None:
            live.is_stopping = True
            live.kill_at_s = monotonic_s() + self._settings.grace_s
            signal_group(live.process, SIGTERM)

    def _release(self, live: _LiveRun) -> None:
        """Kill the remaining processes of a run whose leader is gone; then reap the leader and report its end."""
        now_s = monotonic_s()
        assert live.ended_at_s is not None
        lasted_s = now_s - live.ended_at_s
        if not live.process.is_alone():
            live.left.update(kill_members(live.process.pid, live.request.dir, spares_trackers=lasted_s < TRACKERS_S))
            if lasted_s < RELEASE_LIMIT_S and not all(map(is_gone, live.left)):
                return  # killed, not gone: looked at again in a moment
        drop_batches(live.left)
        del self._live[live.request.run_id]
        ended = ending_of(live.request.run_id, RunDir(live.request.dir), self._exit_of(live))
        if self._leases.give_back(live.device, has_failed=ended.failure in _DEVICE_FAILURES):
            logger.warning(
                "quarantine: %s gets no more runs, %d in a row failed, last run %d (%s: %s)",
                *(live.device, QUARANTINE_AFTER, live.request.run_id, ended.failure, ended.message),
            )
            self._say(
                f"{device_text(live.device)} gets no more trials: {QUARANTINE_AFTER} in a row have failed on it, "
                f"the last one of {ended.failure} ({ended.message}); the others continue"
            )
        self._ended.append(ended)

    def _exit_of(self, live: _LiveRun) -> Exit:
        code = live.process.collect()
        return Exit(
            code=code,
            requested=live.requested,
            timeout_s=live.request.timeout_s if live.is_timed_out else None,
            is_memory_kill=code == -SIGKILL and self._memory_kills.count() > live.memory_kills,
        )


def _cannot_pause(run_id: int) -> LaunchError:
    return LaunchError(
        f"run {run_id}: the local launcher cannot pause a run at a step yet",
        hint="use a driver that runs trials to their end: driver=grid or driver=optuna",
    )


def _age_s(request: RunRequest, process: RunProcess) -> float:
    """Return how long a run has been going on: since its spec.json was written. Its process may be older.

    Never longer than the process, whose age is reckoned from the boot: the clock may have been set since.
    """
    begun = process.started_at
    with suppress(OSError):
        begun = max(begun, RunDir(request.dir).spec.stat().st_mtime)
    return max(0.0, now_utc().timestamp() - begun)
