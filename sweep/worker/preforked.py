"""What a process does before it has a run: import the task, prepare its data, say so, wait to be told the run.

The line to the driver is a SOCK_SEQPACKET socket on standard input, one JSON object a message:

    to the driver                                    to the process
    {"state": "ready"|"unsafe"|"failed", "why": ..}  once, when it has done what could be done ahead
    {"pid": N, ..} or {"error": ..}                  {"run": folder}, with a descriptor of the run's out.log
    {"ended": pid, "code": N, "has_left": bool}      {"reap": [pid, ..]}

A warm parent sends a second socket with its state: runs are told on that one, to whichever of its children is free,
which says when it was started, too (`started_at`, seconds since the epoch). It says of each run that it has ended, and
reaps it when it is told.
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
PREAMBLE_BYTES = 1 << 16
WHY_CHARS = 500


class Channel:
    """One end of a line to the driver."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    @classmethod
    def from_stdin(cls) -> "Channel":
        """Return the line that standard input is, and which is /dev/null from then on."""
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
        """Send a message, with a descriptor where one is given. Raises OSError where the driver is gone."""
        descriptors = [] if descriptor is None else [descriptor]
        socket.send_fds(self._socket, [json.dumps(message).encode()], descriptors, socket.MSG_NOSIGNAL)

    def receive(self) -> tuple[dict[str, Any], list[int]] | None:
        """Return the next message and the descriptors that came with it, None once the driver is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, MESSAGE_BYTES, 1)
        except ConnectionError:
            return None
        return (json.loads(data), descriptors) if data else None

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class EnvironTag:
    """The place in this process's memory where the kernel shows the folder of its run to other processes.

    /proc/PID/environ is the memory in which a process got its environment when its program was started, and a fork
    copies it. The driver leaves room there; once the run is known it is written in, and the process, with whatever it
    forks, is known by its run as one that was started for it.
    """

    def __init__(self) -> None:
        getenv = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_void_p
        self._address: int | None = getenv(RUN_VARIABLE.encode())
        self._room = len(os.environ.pop(RUN_VARIABLE, ""))

    def set(self, folder: Path) -> None:
        """Show `folder`, here and to what this process starts."""
        name = os.fsencode(folder)
        if self._address is not None and len(name) <= self._room:
            ctypes.memmove(self._address, name.ljust(self._room, b"\0"), self._room)
        os.environ[RUN_VARIABLE] = str(folder)


def preload_task(what: str) -> str | None:
    """Do what every run of a task begins with; return in one line why that failed, None where it did not.

    `what` is the folder of such a run, or JSON of what of its spec is needed (`task`, `code`).

    Whatever comes of a failure is left to the run itself, which is to meet it as one that was started for itself.
    """
    pid, failure = os.getpid(), None
    try:
        prepared_task(json.loads(what) if what.startswith("{") else RunDir(Path(what)).read_spec())
    except BaseException as error:  # even SystemExit: a run says what it means
        failure = describe_failure(error)["message"]
    exit_if_forked(pid, 1)
    flush_output()
    return failure


def import_output() -> bytes:
    """Return what importing has printed so far: a run that imports for itself has it in its log."""
    with suppress(OSError):  # importing has closed it
        size = os.fstat(1).st_size
        return os.pread(1, PREAMBLE_BYTES, max(0, size - PREAMBLE_BYTES))
    return b""


def run_and_exit(folder: Path, log: int, printed: bytes) -> NoReturn:
    """Become the run of `folder`, as `python -m sweep.worker` would be, with output to `log`. Never returns."""
    code = 1
    try:
        if printed:
            with suppress(OSError):  # a full disk, of which the run will find out
                os.write(log, printed)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        sys.argv = [str(Path(__file__).with_name("__main__.py")), str(folder)]
        code = run_trial(RunDir(folder))
    except BaseException as error:  # what would end an interpreter with a traceback
        with suppress(OSError):
            sys.stderr.write(format_error(error))
    exit_process(code)
