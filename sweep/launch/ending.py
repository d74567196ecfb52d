"""How a run ended: by its own result if it left one, otherwise by what is known from outside."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from sweep.clock import monotonic_s
from sweep.domain.failure import says_out_of_memory
from sweep.domain.states import FailureClass, StopReason, TrialState
from sweep.launch.protocol import RunEnded
from sweep.rundir import CORRUPT, RunDir
from sweep.rundir.result import EXIT_WITHOUT_RESULT

SETTLE_PAUSE_S = 0.1
SETTLE_S = 5.0
"""Seconds to wait for a result written on another host: a shared file system shows it late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """What the launcher knows of a process that is gone.

    `code` is as subprocess has it (-9: SIGKILL), None if it could not be collected. `requested` is the state that a
    stop was asked for with, `timeout_s` is set if the run was stopped for exceeding it, `is_memory_kill` if the
    kernel has killed for lack of memory since the run began.
    """

    code: int | None = None
    requested: TrialState | None = None
    timeout_s: float | None = None
    is_memory_kill: bool = False


def has_settled(folder: RunDir, gone: Exit, *, gone_for_s: float, settle_s: float) -> bool:
    """Return whether the files of a run whose process is gone say all that they ever will.

    They do once there is a result, if the process was ended by a stop or a time limit, and after `settle_s`.
    """
    if gone_for_s >= settle_s or gone.requested is not None or gone.timeout_s is not None:
        return True
    with suppress(OSError):
        os.listdir(folder.path)  # makes a client of a network file system look again  # noqa: PTH208
    return folder.read_result() is not None


def settled_ending_of(run_id: int, folder: RunDir, gone: Exit, *, settle_s: float) -> RunEnded:
    """Return how a run ended whose process is gone, after waiting for its result as long as `settle_s`."""
    since_s = monotonic_s()
    while not has_settled(folder, gone, gone_for_s=monotonic_s() - since_s, settle_s=settle_s):
        time.sleep(SETTLE_PAUSE_S)
    return ending_of(run_id, folder, gone)


def ending_of(run_id: int, folder: RunDir, gone: Exit) -> RunEnded:
    """Return how a run ended whose process is gone. A usable result.json decides, whatever happened after it."""
    result = folder.read_result()
    said = {} if result is None or result["state"] == CORRUPT else result
    ended = RunEnded(
        run_id=run_id,
        state=TrialState(said.get("state", TrialState.LOST)),
        exit_code=gone.code,
        failure=None,
        message="",
        stop_reason=said.get("stop_reason"),
        wall_s=said.get("wall_s"),
    )
    if result is None:
        return _without_result(ended, folder, gone)
    if not said:
        return replace(ended, state=TrialState.FAILED, failure=FailureClass.INFRA, message=result["problem"])
    if ended.state is TrialState.COMPLETED:
        return ended
    if gone.timeout_s is not None:
        return _timed_out(ended, gone.timeout_s)
    if gone.requested is not None:
        return replace(ended, state=gone.requested, stop_reason=_reason_of(gone.requested))
    if ended.state is TrialState.FAILED:
        failure = result["failure"]
        return replace(ended, failure=FailureClass(failure["class"]), message=failure["message"])
    return ended


def _without_result(ended: RunEnded, folder: RunDir, gone: Exit) -> RunEnded:
    if gone.timeout_s is not None:
        return _timed_out(ended, gone.timeout_s)
    if gone.requested is not None:
        return replace(ended, state=gone.requested, stop_reason=_reason_of(gone.requested))
    if gone.code is None:
        message = "its process is gone and left no result; how it ended is not known"
        return replace(ended, failure=FailureClass.LOST, message=message)
    tail = folder.log_tail()
    failure, message = _failure_from_outside(gone, tail, is_folder_there=folder.path.is_dir())
    last = tail.rstrip().rpartition("\n")[2].strip()
    return replace(
        ended, state=TrialState.FAILED, failure=failure, message=f"{message}: {last[:500]}" if last else message
    )


FOLDER_GONE = "its run folder is gone: the task, or another program, removed it"


def _failure_from_outside(gone: Exit, tail: str, *, is_folder_there: bool) -> tuple[FailureClass, str]:
    code = gone.code or 0
    if says_out_of_memory(tail):
        return FailureClass.OOM, f"out of memory ({_how(code)})"
    if code == -signal.SIGKILL and gone.is_memory_kill:
        return FailureClass.OOM, "killed by the kernel's OOM killer"
    if code < 0:
        return FailureClass.KILLED, _how(code)
    if code == EXIT_WITHOUT_RESULT:
        return FailureClass.INFRA, "its files could not be written" if is_folder_there else FOLDER_GONE
    return FailureClass.CRASH, f"ended without a result ({_how(code)})"


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _timed_out(ended: RunEnded, timeout_s: float) -> RunEnded:
    message = f"stopped after {timeout_s:g} s (launcher.timeout_s)"
    return replace(ended, state=TrialState.TIMED_OUT, failure=FailureClass.TIMEOUT, message=message)


def _reason_of(state: TrialState) -> str:
    return str(StopReason.PRUNED if state is TrialState.PRUNED else StopReason.STOPPED)
