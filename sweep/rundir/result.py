"""result.json: how a run ended, written by itself."""

from pathlib import Path
from typing import Any

from sweep.domain.states import FailureClass, StopReason, TrialState
from sweep.rundir.files import read_json, sayable

CORRUPT = "corrupt"
"""`state` of a result that exists but cannot be used; `problem` then says why."""

EXIT_WITHOUT_RESULT = 74
"""Exit code (EX_IOERR) of a run that could not write its files: a fault of the machine, not the task."""

_STATES = (TrialState.COMPLETED, TrialState.PRUNED, TrialState.CANCELLED, TrialState.FAILED)


def read_result(path: Path | str) -> dict[str, Any] | None:
    """Return the contents of result.json, None if there is none; never raises, whatever the file holds.

    `state` is completed, pruned, cancelled or failed (with `failure`: class, type, message, traceback); if the file
    cannot be read or has other contents it is `corrupt`, and `problem` says why.
    """
    try:
        result = read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        return _corrupt(path, f"{type(error).__name__}: {error}")
    problem = _problem(result)
    if problem:
        return _corrupt(path, problem)
    if result["state"] == TrialState.FAILED:
        result["failure"]["message"] = sayable(result["failure"]["message"])
    return dict(result)


def _corrupt(path: Path | str, problem: str) -> dict[str, Any]:
    return {"state": CORRUPT, "problem": f"{Path(path).name} cannot be used: {problem}"}


def _problem(result: Any) -> str | None:
    if not isinstance(result, dict) or result.get("schema") != 1:
        return "not an object of schema 1"
    state, reason, failure = result.get("state"), result.get("stop_reason"), result.get("failure")
    if state not in _STATES:
        return f"unknown state {state!r}"
    if reason is not None and reason not in list(StopReason):
        return f"unknown stop_reason {reason!r}"
    if not isinstance(result.get("wall_s", 0.0), int | float):
        return "wall_s is not a number"
    if state == TrialState.FAILED:
        if not isinstance(failure, dict) or failure.get("class") not in list(FailureClass):
            return "failed without a known failure class"
        return None if isinstance(failure.get("message"), str) else "failed without a message"
    return None
