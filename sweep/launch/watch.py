"""Waiting for the end of processes without polling: one pidfd each, and a way to be woken."""

import os
import selectors
from contextlib import suppress

from sweep.launch.process import RunProcess

PAUSE_S = 0.02
"""Where the kernel has no pidfds, processes are asked this often."""


class ProcessWatch:
    """Sleeps until a watched process ends, `wake` is called, or time is up."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._fds: dict[int, int] = {}  # by run id
        self._asked: dict[int, RunProcess] = {}  # those without a pidfd

    def add(self, run_id: int, process: RunProcess) -> None:
        """Watch a process until it ends."""
        try:
            fd = os.pidfd_open(process.pid)
        except (OSError, AttributeError):  # too old a kernel, out of descriptors, or gone already
            self._asked[run_id] = process
            return
        self._fds[run_id] = fd
        self._selector.register(fd, selectors.EVENT_READ, run_id)

    def wait(self, wait_s: float) -> tuple[list[int], bool]:
        """Return the runs whose process has ended, each once, and whether `wake` was called; waits at most `wait_s`."""
        if self._asked:
            wait_s = min(wait_s, PAUSE_S)
        ended: list[int] = []
        is_woken = False
        for key, _ in self._selector.select(max(0.0, wait_s)):
            if key.fd == self._woken:
                is_woken = True
                with suppress(BlockingIOError):
                    os.read(self._woken, 4096)
            else:
                ended.append(key.data)
        ended += [run_id for run_id, process in self._asked.items() if process.has_ended()]
        for run_id in ended:
            self._forget(run_id)
        return ended, is_woken

    def wake(self) -> None:
        """Let `wait` return now. May be called from a signal handler or another thread."""
        with suppress(BlockingIOError):
            os.write(self._waker, b"!")

    def close(self) -> None:
        """Give all descriptors back."""
        for run_id in [*self._fds, *self._asked]:
            self._forget(run_id)
        self._selector.close()
        os.close(self._woken)
        os.close(self._waker)

    def _forget(self, run_id: int) -> None:
        self._asked.pop(run_id, None)
        fd = self._fds.pop(run_id, None)
        if fd is not None:
            self._selector.unregister(fd)
            os.close(fd)
