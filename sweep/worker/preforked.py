"""A process that imports and prepares the task before it has a run: its channel to the orchestrator, and its start.

The channel is a SOCK_SEQPACKET socket on standard input. Each message is one JSON object:

    to the orchestrator                              to the process
    {"state": "ready"|"unsafe"|"failed", "why": ..}  (sent once, when the task is imported and prepared)
    {"pid": N, ..} or {"error": ..}                  {"run": folder}, with a descriptor of the run's out.log
    {"ended": pid, "code": N, "has_left": bool}      {"reap": [pid, ..]}

With its state a warm parent sends a second socket. Requests for runs go over that one, to any free child; the child's
answer includes its start time (`started_at`, seconds since the epoch). The parent reports each run that ends, and reaps
it on request.
"""

import ctypes
import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from sweep.rundir import RUN_VARIABLE, RunDir
from sweep.worker.entry import run_trial
from sweep.worker.failure import describe_failure, format_error
from sweep.worker.loading import prepared_task
from sweep.worker.process_exit import exit_if_forked, exit_process, flush_output

MESSAGE_BYTES = 1 << 16
IMPORT_OUTPUT_BYTES = 1 << 16
"""Maximum number of bytes of the output of imports that go into the log of each run."""
WHY_CHARS = 500


class Channel:
    """One end of a channel between orchestrator and process."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    @classmethod
    def from_stdin(cls) -> "Channel":
        """Return the channel on standard input, and redirect standard input to /dev/null."""
        channel = cls(socket.socket(fileno=os.dup(0)))
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        return channel

    @classmethod
    def pair(cls) -> "tuple[Channel, Channel]":
        """Return both ends of a new channel."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def send(self, *, descriptor: int | None = None, **message: object) -> None:
        """Send a message, with a descriptor if given. Raises OSError if the other end is gone."""
        descriptors = [] if descriptor is None else [descriptor]
        socket.send_fds(self._socket, [json.dumps(message).encode()], descriptors, socket.MSG_NOSIGNAL)

    def receive(self) -> tuple[dict[str, Any], list[int]] | None:
        """Return the next message and the descriptors that came with it, or None if the other end is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, MESSAGE_BYTES, 1)
        except ConnectionError:
            return None
        return (json.loads(data), descriptors) if data else None

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class EnvironTag:
    """The run's folder in /proc/PID/environ, by which other processes find out which run this process belongs to.

    /proc/PID/environ shows the memory that held the environment when the program was started; a fork copies it. The
    orchestrator reserves room there. Once the run is known, its folder is written into that room, so that this process
    and whatever it forks can be found by their run, as in a cold start.
    """

    def __init__(self) -> None:
        getenv = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_void_p
        self._address: int | None = getenv(RUN_VARIABLE.encode())
        self._room = len(os.environ.pop(RUN_VARIABLE, ""))

    def set(self, folder: Path) -> None:
        """Set `folder` in /proc/PID/environ, and in the environment of what this process starts."""
        name = os.fsencode(folder)
        if self._address is not None and len(name) <= self._room:
            ctypes.memmove(self._address, name.ljust(self._room, b"\0"), self._room)
        os.environ[RUN_VARIABLE] = str(folder)


def preload_task(what: str, *, is_parent: bool = False) -> str | None:
    """Import and prepare a task; return the error in one line, or None on success.

    `what` is the folder of a run of the task, or JSON with the parts of its spec that are needed (`task`, `code`).
    `is_parent`: runs will be forked from this process.

    Failures are not handled here: each run meets them again on its own, as in a cold start.
    """
    pid, failure = os.getpid(), None
    try:
        spec = json.loads(what) if what.startswith("{") else RunDir(Path(what)).read_spec()
        prepared_task(spec, is_parent=is_parent)
    except BaseException as error:  # even SystemExit: the run decides what it means
        failure = describe_failure(error)["message"]
    exit_if_forked(pid, 1)
    flush_output()
    return failure


def import_output() -> bytes:
    """Return what imports have printed so far. It goes into each run's log, as in a cold start."""
    with suppress(OSError):  # the task's code has closed standard output
        size = os.fstat(1).st_size
        return os.pread(1, IMPORT_OUTPUT_BYTES, max(0, size - IMPORT_OUTPUT_BYTES))
    return b""


def run_and_exit(folder: Path, log: int, printed: bytes) -> NoReturn:
    """Become the run of `folder`, as with `python -m sweep.worker`, with output to `log`. Never returns."""
    code = 1
    try:
        if printed:
            with suppress(OSError):  # a full disk: the run will report it
                os.write(log, printed)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        sys.argv = [str(Path(__file__).with_name("__main__.py")), str(folder)]
        code = run_trial(RunDir(folder), is_forked=True)
    except BaseException as error:  # an interpreter would print the traceback and exit
        with suppress(OSError):
            sys.stderr.write(format_error(error))
    exit_process(code)
