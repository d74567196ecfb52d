"""An exception of the task, as result.json records it."""

import errno
import traceback
from pathlib import Path
from typing import Any

from sweep.domain.failure import says_out_of_memory
from sweep.domain.states import FailureClass
from sweep.worker.code_guard import EditedTaskError

_HERE = str(Path(__file__).parent)
_MACHINE_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})
MESSAGE_CHARS = 500
TRACEBACK_CHARS = 20_000


def describe_failure(error: BaseException) -> dict[str, Any]:
    """Return class, type, one-line message and traceback (its last 20,000 characters) of an exception."""
    kind, message = type(error).__name__, _message_of(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "paddle":
        kind = "MissingPaddleError"
        message = 'this task needs paddle, which is not installed: pip install "paddle-sweep[cpu]" (or [gpu])'
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return {
        "class": str(_class_of(error, message)),
        "type": kind,
        "message": (f"{kind}: {line}" if line else kind)[:MESSAGE_CHARS],
        "traceback": format_error(error)[-TRACEBACK_CHARS:],
    }


def describe_os_exit(code: int) -> dict[str, Any]:
    """Return the failure of a program that has ended its process itself, with the place of the call."""
    frames = [frame for frame in traceback.extract_stack() if not frame.filename.startswith(_HERE)]
    return {
        "class": str(FailureClass.CRASH),
        "type": "os._exit",
        "message": f"the program has called os._exit({code})",
        "traceback": "".join(traceback.format_list(frames))[-TRACEBACK_CHARS:],
    }


def format_error(error: BaseException) -> str:
    """Return the traceback without the worker's frames, those of the exceptions that led to it included.

    An error that the worker itself has raised keeps them.
    """
    told = traceback.TracebackException.from_exception(error)
    waiting, seen = [told], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.stack and not one.stack[-1].filename.startswith(_HERE):
            one.stack[:] = [frame for frame in one.stack if not frame.filename.startswith(_HERE)]
        waiting += [
            other for other in (one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())) if other
        ]
    return "".join(told.format())


def _message_of(error: BaseException) -> str:
    try:
        return str(error).strip()
    except Exception:
        return "<str() of this exception failed>"


def _class_of(error: BaseException, message: str) -> FailureClass:
    if isinstance(error, MemoryError) or says_out_of_memory(f"{type(error).__name__}: {message}"):
        return FailureClass.OOM
    if isinstance(error, EditedTaskError) or (isinstance(error, OSError) and error.errno in _MACHINE_ERRNOS):
        return FailureClass.INFRA
    return FailureClass.CRASH
