"""What a launcher is: it decides where and how a run executes. It knows nothing of tasks, verdicts or the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from sweep.config import LauncherConfig
from sweep.domain.states import FailureClass, TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A run to start: its id and its folder, in which spec.json already lies. `exclusive` asks for a device alone.

    `token` names this attempt and no other, in any store; spec.json has it, too. None is a run of an earlier version,
    which its folder alone identifies. `spec` is the content of spec.json for callers that have it; it is read
    otherwise. `timeout_s` limits the time from the start of the run's process, without the time it was paused.
    `until_step` is the optimizer step at which the run is to be paused, None if it runs to its end.
    """

    run_id: int
    dir: Path
    token: str | None = None
    spec: Mapping[str, Any] | None = None
    timeout_s: float | None = None
    exclusive: bool = False
    until_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The process of a run exists. What its launcher does not know of it is None.

    `device` is "cpu", or the GPU's UUID or index as CUDA_VISIBLE_DEVICES names it; `pid_started_at` the start of the
    process in seconds since the epoch.
    """

    run_id: int
    device: str
    host: str | None = None
    pid: int | None = None
    pid_started_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A run that a launcher has accepted. `handle` is opaque text by which this kind of launcher finds it again.

    `started` is None while the run is queued: `poll` returns it once the process exists.
    """

    handle: str
    started: RunStarted | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A run has ended: no process of it is left.

    `state` is completed or pruned if there is a valid result.json, otherwise failed, timed_out, cancelled or lost;
    `message` is one line on the cause (last exception line, signal name), `failure` is None unless it failed, `wall_s`
    is what its result says.
    """

    run_id: int
    state: TrialState
    exit_code: int | None
    failure: FailureClass | None
    message: str
    stop_reason: str | None
    wall_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaused:
    """A run waits at `step`, the one really reached: its `until_step` or a later one. Its events are complete."""

    run_id: int
    step: int


RunNews: TypeAlias = RunStarted | RunPaused | RunEnded


class LauncherKind(Protocol):
    """What is known of a kind of launcher without building one: all that `plan`, `rebuild` and readers may ask.

    No method starts a process or connects to anything. `config.settings` are as written: it is the launcher that reads
    them, and any method raises ConfigError for one that is wrong, with its key, its value and what is allowed.
    """

    def check(self, config: LauncherConfig) -> None:
        """Raise ConfigError for a setting that is wrong; called before anything is written."""
        ...

    def notes_of(self, config: LauncherConfig) -> Sequence[str]:
        """Return what a user should know of this config before it runs."""
        ...

    def build(self, config: LauncherConfig, *, say: Callable[[str], None]) -> "Launcher":
        """Return a launcher; it gives `say` what a user should read."""
        ...

    def slots_of(self, config: LauncherConfig) -> int:
        """Return how many trials run at a time."""
        ...

    def devices_of(self, config: LauncherConfig) -> tuple[str, ...]:
        """Return the GPUs that runs may be on, as they will name them; none on the CPU or if that is not known yet."""
        ...

    def starts_warm(self, config: LauncherConfig) -> bool:
        """Return whether runs are forked from one process that has imported the task, as far as that is known."""
        ...

    def find(self, request: RunRequest) -> str | None:
        """Return the handle of a live run, as `Launcher.find` does. Raises RunElsewhereError."""
        ...

    def can_pause(self, config: LauncherConfig) -> bool:
        """Return whether its runs can be paused at a step and continued."""
        ...

    def shown(self, handle: str) -> str:
        """Return a handle as a user reads it."""
        ...


class Launcher(Protocol):
    """Starts, watches and stops the runs of one study. Called from one thread.

    Starting. `start` is called only while `can_start` is True. It returns a handle at once, whether or not a process
    exists yet. If the run cannot be accepted it raises LaunchError: then nothing of the run exists, and `poll` never
    reports it; the caller records the failure (class infra). DeviceBusyError, a LaunchError, is no failure: the caller
    asks again after another run has ended.

    Order. For each run that was started or adopted: at most one RunStarted, from `start`, `adopt` or `poll`, whichever
    comes first to know it, and exactly one RunEnded, from `poll`, after it. A queued run may end without having
    started: it was stopped, or its start failed later. News of different runs come in any order. When RunEnded is
    returned no process of the run is left, and its files are complete: a launcher whose files travel waits for them.

    Identity. A handle is unique among all runs of this kind of launcher and means the same to another launcher of that
    kind in another orchestrator, on any host. It never refers to a later run, even if pids or job numbers are used
    again. A token names one attempt: whatever belongs to another attempt in the same folder (a process, an answer, a
    file) is not this run's and is dropped.

    Recovery. The orchestrator records the intent to run, then calls `start`, then records the handle; it may die in
    between. `find` therefore finds by folder and token every live run that a `start` has begun, whether or not that
    `start` returned. `adopt` and `find` never take a run for gone because it cannot be seen from here: they raise
    RunElsewhereError, and the study is not run. A run that is gone is asked of `ending` instead.

    Stopping. `stop` is idempotent and does nothing for runs that are not live. Pruned is polite: the run is asked to
    end at its next logged point, and only a run that has not ended within the grace time gets SIGTERM; for any other
    state SIGTERM comes at once. SIGKILL follows after another grace time, for the whole session. The first state given
    is the one reported; a later `stop` can only hasten the end. A run that completes all the same is reported
    completed. After `close` nothing that was started or adopted is alive, queued or waiting, and one more `poll(0)`
    returns how it ended.

    Pausing, for a kind that `can_pause` (others raise LaunchError for a request with `until_step` and from `advance`).
    A run that has reached its `until_step` waits there: it gives its place back, keeps its process and its memory, and
    `poll` returns RunPaused once for each `start`, `adopt` and `advance` after which it waits. `advance` is called
    while `can_start` is True; it takes a place again and sets the next step, None for the run's end. It does nothing
    for a run that has ended or is not paused. An adopted run that waits before its request's `until_step` is continued,
    else it keeps waiting. A paused run may end by itself, and can be stopped, as any run.

    Time. `timeout_s` counts from the start of the process (not from `start`: queueing is free), without paused time;
    after adoption it still does. `poll` waits at most `wait_s` and returns early on news.
    """

    @property
    def free_slots(self) -> int:
        """Number of runs that could be started now."""
        ...

    @property
    def has_imported(self) -> bool:
        """Whether the next run gets the task's code from a process that has imported it already, not from its files."""
        ...

    def can_start(self, *, exclusive: bool = False) -> bool:
        """Return whether `start` has room for a run now; for an `exclusive` run: a device on which nothing runs."""
        ...

    def start(self, request: RunRequest) -> Launched:
        """Start or queue one run. Raises LaunchError."""
        ...

    def find(self, request: RunRequest) -> str | None:
        """Return the handle of a live run that an earlier orchestrator started, None if there is none.

        For runs whose handle was not recorded. Raises RunElsewhereError.
        """
        ...

    def adopt(self, request: RunRequest, handle: str) -> Launched | None:
        """Take over a live run of an earlier orchestrator; None if it is gone, and then nothing of it is left alive.

        Raises RunElsewhereError.
        """
        ...

    def ending(self, request: RunRequest) -> RunEnded:
        """Return how a run ended that is gone and was not observed: from its result, else as lost."""
        ...

    def poll(self, wait_s: float) -> Sequence[RunNews]:
        """Return what happened to runs since the last call."""
        ...

    def advance(self, run_id: int, until_step: int | None) -> None:
        """Continue a paused run until a step, None for its end. Raises DeviceBusyError, LaunchError."""
        ...

    def stop(self, run_id: int, state: TrialState) -> None:
        """End a run that is to be recorded as `state` (pruned, cancelled)."""
        ...

    def close(self) -> None:
        """Stop all runs and release everything."""
        ...


class MakeLauncher(Protocol):
    """Makes the launcher of a study: `build_launcher`, or what `started_early` yields."""

    def __call__(self, config: LauncherConfig, *, say: Callable[[str], None]) -> Launcher:
        """Return a launcher; it gives `say` what a user should read. Raises ConfigError."""
        ...
