"""Waits for processes to end without polling: one pidfd each."""

import os
import select

from sweep.launch.process import RunProcess

PAUSE_S = 0.02
"""Seconds between looks at a process if the kernel has no pidfds."""


class ProcessWatch:
    """Sleeps until a watched process ends or the time is over."""

    def __init__(self) -> None:
        self._poll = select.poll()
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

    def wait(self, wait_s: float) -> list[int]:
        """Return the runs whose process has ended, each once; waits at most `wait_s` for the first of them."""
        if self._asked:
            wait_s = min(wait_s, PAUSE_S)
        ended = [self._forget(fd) for fd, _ in self._poll.poll(max(0.0, wait_s) * 1000)]
        for run_id in [run_id for run_id, process in self._asked.items() if process.has_ended()]:
            del self._asked[run_id]
            ended.append(run_id)
        return ended

    def close(self) -> None:
        """Close all descriptors."""
        for fd in list(self._runs):
            self._forget(fd)

    def _forget(self, fd: int) -> int:
        self._poll.unregister(fd)
        os.close(fd)
        return self._runs.pop(fd)
