"""Waiting for the end of processes without polling: one pidfd each, and a way to be woken."""

import os
import select
from contextlib import suppress

from sweep.launch.process import RunProcess

PAUSE_S = 0.02
"""Where the kernel has no pidfds, processes are asked this often."""


class ProcessWatch:
    """Sleeps until a watched process ends, `wake` is called, or time is up."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)
        self._poll.register(self._woken, select.POLLIN)
        self._runs: dict[int, int] = {}  # run ids by pidfd
        self._asked: dict[int, RunProcess] = {}  # those without a pidfd, by run id

    def add(self, run_id: int, process: RunProcess) -> None:
        """Watch a process until it ends."""
        try:
            fd = os.pidfd_open(process.pid)
        except (OSError, AttributeError):  # too old a kernel, out of descriptors, or gone already
            self._asked[run_id] = process
            return
        self._runs[fd] = run_id
        self._poll.register(fd, select.POLLIN)

    def wait(self, wait_s: float) -> tuple[list[int], bool]:
        """Return the runs whose process has ended, each once, and whether `wake` was called; waits at most `wait_s`."""
        if self._asked:
            wait_s = min(wait_s, PAUSE_S)
        ended: list[int] = []
        is_woken = False
        for fd, _ in self._poll.poll(max(0.0, wait_s) * 1000):
            if fd == self._woken:
                is_woken = True
                with suppress(BlockingIOError):
                    os.read(self._woken, 4096)
            else:
                ended.append(self._forget(fd))
        for run_id in [run_id for run_id, process in self._asked.items() if process.has_ended()]:
            del self._asked[run_id]
            ended.append(run_id)
        return ended, is_woken

    def wake(self) -> None:
        """Let `wait` return now. May be called from a signal handler or another thread."""
        with suppress(BlockingIOError):
            os.write(self._waker, b"!")

    def close(self) -> None:
        """Give all descriptors back."""
        for fd in list(self._runs):
            self._forget(fd)
        os.close(self._woken)
        os.close(self._waker)

    def _forget(self, fd: int) -> int:
        self._poll.unregister(fd)
        os.close(fd)
        return self._runs.pop(fd)
