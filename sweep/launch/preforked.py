"""Processes that do the start of every run in advance (sweep.worker.preforked is their side)."""

import json
import logging
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sweep.launch.process import kill_members
from sweep.rundir import RUN_VARIABLE

logger = logging.getLogger(__name__)

MARK_ROOM = 4096
"""Bytes kept free in the environment of the process for its run's folder (PATH_MAX)."""
MESSAGE_BYTES = 1 << 16
ANSWER_S = 30.0
"""Seconds after which a ready process that does not answer counts as dead, and is killed."""
LEAVE_S = 2.0
"""Seconds in which a process that is no longer needed can exit by itself."""


class PreforkedProcess:
    """A process that imports a task and then waits for runs. Raises OSError if it cannot be started.

    `what` names the task: the folder of a run of it, or its section of the config as JSON.

    `state` is "warming" until it has said "ready", "unsafe" or "failed" (`why` has the reason), "gone" once it is dead.
    """

    def __init__(self, module: str, what: Path | str, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.state, self.why = "warming", ""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self._runs = ours  # a warm parent gives us another one to send runs on
        self._printed = os.memfd_create("printed")
        try:
            self.child: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-m", module, str(what.absolute()) if isinstance(what, Path) else what],
                stdin=theirs.fileno(),
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                env={**self.environment, RUN_VARIABLE: "." * MARK_ROOM},
                start_new_session=True,
            )
        except OSError:
            self._close()
            raise
        finally:
            theirs.close()

    def is_for(self, environment: Mapping[str, str]) -> bool:
        """Return whether a run in this environment may start here: all that a library may have read is the same."""
        return environment is self.environment or environment == self.environment

    def look(self, wait_s: float = 0.0) -> str:
        """Return the state after waiting at most `wait_s` for it to leave "warming"."""
        if self.state == "warming":
            try:
                message = self._receive(wait_s, self._socket)
            except TimeoutError:
                return self.state
            except OSError:
                self.state = "gone"
            else:
                self.state, self.why = message["state"], message["why"]
                if message.get("without_step"):
                    logger.info("each forked run takes Paddle's first step itself: %s", message["without_step"])
        return self.state

    def ask(self, *, log: int, **message: object) -> dict[str, Any]:
        """Send it a run, with the descriptor of its log, and return the answer.

        Raises OSError if the process is dead or does not answer; it is then killed, and `state` is "gone".
        """
        try:
            self.send(log=log, **message)
            if self._is_answered():
                return self._receive(0.0, self._runs)
            # Its children get no more runs: soon one answers, or all are gone.
            self._runs.shutdown(socket.SHUT_WR)
            return self._receive(ANSWER_S, self._runs)
        except OSError:
            self._give_up()
            raise

    def listen(self) -> dict[str, Any]:
        """Return its next message. Raises OSError as `ask` does."""
        try:
            return self._receive(ANSWER_S, self._socket)
        except OSError:
            self._give_up()
            raise

    def send(self, *, log: int | None = None, **message: object) -> None:
        """Send a message. Raises OSError if the process is dead."""
        data = json.dumps(message).encode()
        if log is None:
            self._socket.send(data, socket.MSG_NOSIGNAL)
        else:
            socket.send_fds(self._runs, [data], [log], socket.MSG_NOSIGNAL)

    def printed(self) -> bytes:
        """Return what it printed before it got a run."""
        return os.pread(self._printed, MESSAGE_BYTES, 0)

    def has_taken_a_run(self) -> bool:
        """Return whether a process that was sent a run, without waiting for the answer, has begun it."""
        self.look()
        with suppress(OSError):
            return "pid" in self._receive(0.0, self._runs)
        return False

    def close(self) -> int:
        """End it and its session, and return its exit code. Runs that it forked have their own sessions, and stay."""
        code = self.leave()
        kill_members(self.child.pid, spares_trackers=True)  # what importing the task has started
        return code

    def leave(self) -> int:
        """End it and return its exit code; one that is still warming is killed."""
        if self.look() == "warming":
            self.child.kill()  # what it imports is not needed
        self._close()
        with suppress(subprocess.TimeoutExpired):
            return self.child.wait(LEAVE_S)
        self.child.kill()
        return self.child.wait()

    def _is_answered(self) -> bool:
        """Wait for an answer; False if the process dies first, even if a child of its keeps the channel of runs open.

        Raises TimeoutError.
        """
        waiting = select.poll()
        waiting.register(self._runs, select.POLLIN)
        waiting.register(self._socket, 0)  # reports only that it was closed
        ready = [fd for fd, _ in waiting.poll(ANSWER_S * 1000)]
        if not ready:
            raise TimeoutError("no answer")
        return self._runs.fileno() in ready

    def _give_up(self) -> None:
        self.state = "gone"
        self.child.kill()
        self._hang_up()  # a child that it has forked and that has not answered yet ends when it does

    def _close(self) -> None:
        self._hang_up()
        if self._printed >= 0:
            os.close(self._printed)
            self._printed = -1

    def _hang_up(self) -> None:
        self._runs.close()
        self._socket.close()

    def _receive(self, wait_s: float, line: socket.socket) -> dict[str, Any]:
        """Return the next message of a channel. Raises TimeoutError, ConnectionError."""
        if line.gettimeout() != wait_s:
            line.settimeout(wait_s)
        try:
            data, descriptors, _, _ = socket.recv_fds(line, MESSAGE_BYTES, 1)
        except BlockingIOError:  # how a socket that must not wait reports it
            raise TimeoutError("no answer") from None
        if descriptors:
            os.set_inheritable(descriptors[0], False)
            self._runs = socket.socket(fileno=descriptors[0])
        if not data:
            raise ConnectionError("the process is gone")
        message: dict[str, Any] = json.loads(data)
        return message
