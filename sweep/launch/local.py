"""The launcher for this machine: each run is a session of processes of its own, on a slot or a GPU."""

import logging
import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGKILL, SIGTERM

from sweep.clock import monotonic_s, now_utc
from sweep.config import LauncherConfig
from sweep.domain.states import FailureClass, TrialState
from sweep.errors import LaunchError
from sweep.launch.ending import Exit, ending_of
from sweep.launch.environment import child_environment
from sweep.launch.gpus import GpuInventory
from sweep.launch.layout import Layout
from sweep.launch.leases import CPU, QUARANTINE_AFTER, DeviceLeases, device_text
from sweep.launch.machine import MemoryKills
from sweep.launch.process import (
    AdoptedProcess,
    RunProcess,
    drop_batches,
    is_alive,
    is_gone,
    keep_ended_children,
    kill_members,
    kill_orphans,
    signal_group,
)
from sweep.launch.protocol import RunEnded, RunRequest, RunStarted
from sweep.launch.starting import make_starter
from sweep.launch.warm import WarmParent
from sweep.launch.watch import ProcessWatch
from sweep.rundir import RunDir

logger = logging.getLogger(__name__)

BURIAL_PAUSE_S = 0.005
TRACKERS_S = 4.0
"""What removes the shared memory of a run, once all the others are gone, has so long."""
BURIAL_LIMIT_S = 5.0
"""A killed process that is not gone after this hangs in the kernel; nobody can do more about it."""

_DEVICE_FAILURES = frozenset({FailureClass.CRASH, FailureClass.OOM, FailureClass.KILLED, FailureClass.INFRA})


@dataclass(slots=True)
class _LiveRun:
    """A run that is being watched. Times are monotonic seconds, infinity where there is nothing to wait for."""

    request: RunRequest
    process: RunProcess
    device: str
    memory_kills: int  # the kernel's count when it began
    deadline_s: float = math.inf  # its timeout
    kill_at_s: float = math.inf  # the end of its grace
    is_stopping: bool = False
    is_timed_out: bool = False
    requested: TrialState | None = None
    ended_at_s: float | None = None  # its leader is gone; the rest of its session may not be
    left: set[int] = field(default_factory=set)  # pids of that rest: what is dying shows no folder any more


class LocalLauncher:
    """Runs on this machine. A start that fails raises LaunchError, and `poll` never hears of that run.

    `inventory` tells the GPUs, and `say` is told what a person should know of how runs start and on what. `early` is a
    process to fork runs from where one was started before. `is_current` tells whether a process that imports the task
    now gets the code that its runs are to have; where it does not, none is started.
    """

    def __init__(
        self,
        config: LauncherConfig,
        *,
        inventory: GpuInventory | None = None,
        say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - nobody listens
        early: WarmParent | None = None,
        is_current: Callable[[], bool] = lambda: True,
    ) -> None:
        keep_ended_children()
        self._config = config
        layout = Layout.of(config, inventory)
        self.slots = layout.slots
        self._has_gpus, self._threads = layout.has_gpus, layout.threads
        self._host = os.uname().nodename
        self._say = say
        self._starter = make_starter(
            config.start, slots=self.slots, has_devices=bool(layout.devices), say=say, early=early
        )
        self._leases = DeviceLeases(layout.devices or (CPU,), places=layout.places, limit=self.slots)
        self._watch = ProcessWatch()
        self._memory_kills = MemoryKills()
        self._environments: dict[tuple[str, str, str], dict[str, str]] = {}  # by device and what a spec asks for
        self._live: dict[int, _LiveRun] = {}
        self._ended: list[RunEnded] = []
        self._is_closed = False
        self._is_current = is_current
        self._has_right_code = False  # the process that the next run comes of: it was looked at after its import

    @property
    def free_slots(self) -> int:
        """How many runs could be started now."""
        return self._leases.free

    @property
    def quarantined(self) -> frozenset[str]:
        """GPUs on which so many runs in a row failed that they get no more."""
        return self._leases.quarantined

    def can_start(self, *, exclusive: bool = False) -> bool:
        """Return whether `start` would find a device, a whole one for `exclusive`, and the code that it is to run."""
        return self._leases.can_take(exclusive=exclusive) and self._finds_code()

    def start(self, request: RunRequest) -> RunStarted:
        """Start one run. Raises DeviceBusyError, LaunchError; then nothing of it runs."""
        device = self._leases.take(exclusive=request.exclusive)
        try:
            process = self._starter.start(request.dir, self._environment(request, device))
        except (OSError, ValueError) as error:
            self._leases.give_back(device, has_failed=False)
            raise LaunchError(f"run {request.run_id} in {request.dir} could not be started: {error}") from error
        live = _LiveRun(request, process, device, self._memory_kills.count())
        if request.timeout_s is not None:
            live.deadline_s = monotonic_s() + request.timeout_s
        self._take_in(live)
        return RunStarted(
            run_id=request.run_id,
            pid=process.pid,
            pid_started_at=process.started_at,
            host=self._host,
            device=device,
        )

    def adopt(self, request: RunRequest, started: RunStarted) -> bool:
        """Take over a run of an earlier driver; False where it is gone (what it left behind is then killed)."""
        if started.host != self._host:
            return False
        if not is_alive(started.pid, started.pid_started_at, request.dir):
            kill_orphans(started.pid, request.dir)
            return False
        try:
            process = AdoptedProcess(started.pid)
        except ProcessLookupError:
            return False
        live = _LiveRun(request, process, started.device, self._memory_kills.count())
        if request.timeout_s is not None:
            live.deadline_s = monotonic_s() + max(0.0, request.timeout_s - _age_s(request, process))
        self._leases.take_over(started.device)
        self._take_in(live)
        return True

    def poll(self, wait_s: float) -> Sequence[RunEnded]:
        """Return the runs that ended since the last call; waits at most `wait_s`, less where one ends."""
        until = monotonic_s() + wait_s
        while not self._is_closed:
            next_s = self._enforce(monotonic_s())
            gone = self._watch.wait(0.0 if self._ended else min(until, next_s) - monotonic_s())
            if not gone:
                self._starter.tidy()
            for run_id in gone:
                self._live[run_id].ended_at_s = monotonic_s()
                self._bury(self._live[run_id])
            if self._ended or monotonic_s() >= until:
                break
        ended, self._ended = self._ended, []
        return ended

    def stop(self, run_id: int, state: TrialState) -> None:
        """End a run that is to be recorded as `state`: SIGTERM to its group, SIGKILL after the grace time."""
        live = self._live.get(run_id)
        if live is None or live.requested is not None:
            return
        live.requested = state
        if state is TrialState.PRUNED:
            RunDir(live.request.dir).request_stop("pruned")
        self._terminate(live)

    def close(self) -> None:
        """Stop whatever still runs, wait for its end and give everything back; `poll(0)` then tells how it ended."""
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

    def _finds_code(self) -> bool:
        has_imported = self._starter.has_imported
        if has_imported and self._has_right_code:
            return True
        is_current = self._is_current()
        self._has_right_code = has_imported and is_current
        return is_current

    def _environment(self, request: RunRequest, device: str) -> dict[str, str]:
        """Return the environment of a run, the same one for all that ask for the same."""
        spec = RunDir(request.dir).read_spec() if request.spec is None else request.spec
        wish = (device, repr(spec.get("threads")), repr(spec.get("env")))
        if wish not in self._environments:
            self._environments[wish] = child_environment(
                os.environ,
                spec,
                device=device,
                threads=self._threads,
                has_gpus=self._has_gpus,
                gpu_memory_mb=self._config.gpu_memory_mb,
            )
        return self._environments[wish]

    def _take_in(self, live: _LiveRun) -> None:
        self._live[live.request.run_id] = live
        self._watch.add(live.request.run_id, live.process)

    def _enforce(self, now_s: float) -> float:
        """Do what is due (timeouts, ends of grace, burials) and return when something will be next."""
        next_s = math.inf
        for live in list(self._live.values()):
            if live.ended_at_s is not None:
                self._bury(live)
                next_s = min(next_s, now_s + BURIAL_PAUSE_S)
                continue
            if now_s >= live.deadline_s:
                logger.warning(
                    "run %d: stopped, over its time limit of %s s", live.request.run_id, live.request.timeout_s
                )
                live.is_timed_out = True
                live.deadline_s = math.inf
                self._terminate(live)
            if now_s >= live.kill_at_s:
                logger.info(
                    "run %d: killed, SIGTERM has not ended it in %g s", live.request.run_id, self._config.grace_s
                )
                live.kill_at_s = math.inf
                signal_group(live.process, SIGKILL)
            next_s = min(next_s, live.deadline_s, live.kill_at_s)
        return next_s

    def _terminate(self, live: _LiveRun) -> None:
        if not live.is_stopping and live.ended_at_s is None:
            live.is_stopping = True
            live.kill_at_s = monotonic_s() + self._config.grace_s
            signal_group(live.process, SIGTERM)

    def _bury(self, live: _LiveRun) -> None:
        """Kill what is left of a run whose leader is gone; once nothing is, reap the leader and tell of its end."""
        now_s = monotonic_s()
        assert live.ended_at_s is not None
        lasted_s = now_s - live.ended_at_s
        if not live.process.is_alone():
            live.left.update(kill_members(live.process.pid, live.request.dir, spares_trackers=lasted_s < TRACKERS_S))
            if lasted_s < BURIAL_LIMIT_S and not all(map(is_gone, live.left)):
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
                f"the last one of {ended.failure} ({ended.message}); the others go on"
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


def _age_s(request: RunRequest, process: RunProcess) -> float:
    """Return how long a run has been going on: since its spec.json was written. Its process may be older.

    Never longer than the process, whose age is reckoned from the boot: the clock may have been set since.
    """
    begun = process.started_at
    with suppress(OSError):
        begun = max(begun, RunDir(request.dir).spec.stat().st_mtime)
    return max(0.0, now_utc().timestamp() - begun)
