"""What a launcher is: it decides where and how a run executes. It knows nothing of tasks, verdicts or the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sweep.domain.states import FailureClass, TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A run to start: its id and its folder, in which spec.json already lies. `exclusive` asks for a device alone.

    `spec` is what spec.json says, for who has it at hand; it is read otherwise.
    """

    run_id: int
    dir: Path
    spec: Mapping[str, Any] | None = None
    timeout_s: float | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A process is there. `pid_started_at` is its start time in seconds since the epoch, as psutil gives it."""

    run_id: int
    pid: int
    pid_started_at: float
    host: str
    device: str  # "cpu", or the GPU's UUID or index as CUDA_VISIBLE_DEVICES names it


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A run's process is gone and its group is reaped.

    `state` is completed or pruned where a valid result.json is there, otherwise failed, timed_out, cancelled or lost;
    `message` is the one line a person needs (last exception line, signal name), `failure` None unless it failed,
    `wall_s` what its result says.
    """

    run_id: int
    state: TrialState
    exit_code: int | None
    failure: FailureClass | None
    message: str
    stop_reason: str | None
    wall_s: float | None = None


class Launcher(Protocol):
    """Starts, watches and stops runs.

    Rules: `start` is called only while `can_start` says so and returns once the process exists. Where it cannot it
    raises LaunchError: nothing of the run is there then, and `poll` will not tell of it; the caller records the failure
    (class infra). DeviceBusyError, one kind of it, is no failure: ask again when another run has ended. Every run
    started or adopted is reported ended exactly once by `poll`, with no process of its session left. `poll` waits at
    most `wait_s` and returns early on an event. `stop` is idempotent: SIGTERM to the group, SIGKILL after the grace
    time; a run that completes all the same is reported completed. After `close` nothing it started or adopted is
    alive, and one more `poll(0)` tells how it ended.
    """

    @property
    def free_slots(self) -> int:
        """How many runs could be started now."""
        ...

    def can_start(self, *, exclusive: bool = False) -> bool:
        """Whether `start` would find a place now; for an `exclusive` run that is a device on which nothing runs.

        And whether it would run the code that is to be run, where the launcher was told how to know that.
        """
        ...

    def start(self, request: RunRequest) -> RunStarted:
        """Start one run."""
        ...

    def adopt(self, request: RunRequest, started: RunStarted) -> bool:
        """Take over a run that an earlier driver started; False where its process is no longer there."""
        ...

    def poll(self, wait_s: float) -> Sequence[RunEnded]:
        """Return the runs that ended since the last call."""
        ...

    def stop(self, run_id: int, state: TrialState) -> None:
        """End a run that is to be recorded as `state` (pruned, cancelled)."""
        ...

    def close(self) -> None:
        """Stop whatever still runs and give everything back."""
        ...
