"""The fork server: children of the warm parent that are forked in advance, each waiting to become one run."""

import ctypes
import os
import select
from pathlib import Path
from typing import NoReturn

from sweep.clock import process_started_at
from sweep.worker.huge_pages import use_huge_pages
from sweep.worker.preforked import Channel, EnvironTag, run_and_exit
from sweep.worker.process_exit import drop_exit_handlers

SPARES = 2
"""Number of spare children: one starts the next run at once while the other is being forked."""
IDLE_S = 0.005
"""Seconds without a request after which the server goes on to move memory into huge pages."""
POLL_EVERY_S = 0.02
"""Interval for checking whether runs have ended, on kernels without pidfd."""
REAP_EVERY_S = 0.1
"""Interval for reaping orphans of runs while runs are active, as init would: a run may wait for them to go."""

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")


class ForkServer:
    """Forks spare children. They wait on one shared channel, and each becomes the run that it receives.

    A spare child holds one end of a pipe. It writes to the pipe when it receives a run; if the pipe closes without a
    write, the child has died. The end of a run is reported to the orchestrator at once. The run is reaped, which frees
    its pid, only when the orchestrator asks for it.
    """

    def __init__(self, channel: Channel, runs: Channel, tag: EnvironTag, printed: bytes) -> None:
        self._channel, self._runs, self._tag, self._printed = channel, runs, tag, printed
        self._spares: dict[int, int] = {}  # pid, by our end of the pipe
        self._running: dict[int, int | None] = {}  # pidfd, by pid; None on kernels without pidfd
        self._ended: set[int] = set()  # pids that are not reaped yet
        self._gets_orphans = become_subreaper()

    def serve(self) -> None:
        """Serve until the orchestrator is gone. Raises OSError if it goes during a message."""
        collapsing = use_huge_pages()
        has_collapsed = False
        while True:
            # Done while nothing is requested. The second spare is forked later: it would keep the small pages in use.
            busy = (self._channel.fileno(), self._runs.fileno())
            while not has_collapsed and not self._ready([*busy, *self._pidfds()], 0.0):
                for descriptor in self._ready(list(self._spares), 0.0):
                    self._forget_spare(descriptor)
                self._report_ends()  # of runs without a pidfd
                has_collapsed = next(collapsing, "done") is not None
            problem = self._fork_spares(SPARES if has_collapsed else 1)
            watched = [self._channel.fileno(), *(self._spares or [self._runs.fileno()]), *self._pidfds()]
            ready = self._ready(watched, self._wait_limit_s() if has_collapsed else IDLE_S)
            if not ready and self._gets_orphans:
                self._reap_orphans()
            for descriptor in ready:
                if descriptor in self._spares:
                    self._forget_spare(descriptor)
                elif descriptor == self._runs.fileno():
                    self._refuse(problem)
                elif descriptor == self._channel.fileno() and not self._reap():
                    self._end_spares()
                    return
            self._report_ends()

    def has_runs(self) -> bool:
        """Return whether a run forked from here is alive, or a spare child that may have received one."""
        return any(ending_code(pid) is None for pid in (*self._running, *self._spares.values()))

    def _fork_spares(self, count: int) -> str:
        """Fork spare children until `count` wait; return why a fork failed, or an empty string."""
        while len(self._spares) < count:
            ours, theirs = os.pipe()
            try:
                pid = os.fork()
            except OSError as error:
                os.close(ours)
                os.close(theirs)
                return f"cannot fork: {error}"
            if pid == 0:
                os.close(ours)
                self._wait_for_run(theirs)
            os.close(theirs)
            self._spares[ours] = pid
        return ""

    def _wait_for_run(self, pipe: int) -> NoReturn:
        """In a spare child: wait for a run and become it, or exit when the orchestrator does."""
        try:
            os.setsid()
            self._channel.close()
            for descriptor in (*self._spares, *self._pidfds()):
                os.close(descriptor)
            drop_exit_handlers()
            started_at = process_started_at(os.getpid())
            request = self._runs.receive()
            if request is None:
                os._exit(0)
            message, [log] = request
            folder = Path(message["run"])
            self._tag.set(folder)
            os.write(pipe, b"!")
            os.close(pipe)
            # Fails if the orchestrator is gone: it would not know of this run.
            self._runs.send(pid=os.getpid(), started_at=started_at)
            self._runs.close()
        except BaseException:
            os._exit(1)
        run_and_exit(folder, log, self._printed)

    def _forget_spare(self, descriptor: int) -> None:
        """Drop a spare child that has received a run or has died."""
        pid = self._spares.pop(descriptor)
        has_run = bool(os.read(descriptor, 1))
        os.close(descriptor)
        if has_run:
            self._running[pid] = open_pidfd(pid)
        else:
            os.waitpid(pid, 0)

    def _refuse(self, problem: str) -> None:
        """Answer a request with the error if no child could be forked for it."""
        if problem and (request := self._runs.receive()) is not None:
            os.close(request[1][0])
            self._runs.send(error=problem)

    def _pidfds(self) -> list[int]:
        """Return the pidfds of the runs; each becomes readable when its run has ended."""
        return [descriptor for descriptor in self._running.values() if descriptor is not None]

    def _wait_limit_s(self) -> float | None:
        """Return the seconds after which something must be polled, or None if every event wakes `select`."""
        if None in self._running.values():
            return POLL_EVERY_S
        return REAP_EVERY_S if self._running else None

    def _report_ends(self) -> None:
        """Report the runs that have ended to the orchestrator, and whether they may have left processes behind."""
        codes = {pid: code for pid in self._running if (code := ending_code(pid)) is not None}
        for pid, code in codes.items():
            descriptor = self._running.pop(pid)
            if descriptor is not None:
                os.close(descriptor)
            self._ended.add(pid)
            self._channel.send(ended=pid, code=code, has_left=not self._gets_orphans or self._reap_orphans())

    def _reap_orphans(self) -> bool:
        """Reap dead orphans of runs, which are our children now; return whether any orphan is alive."""
        known = {*self._spares.values(), *self._running, *self._ended}
        while found := children() - known:
            alive = {pid for pid in found if ending_code(pid) is None}
            for pid in found - alive:
                os.waitpid(pid, 0)  # check again afterwards: its own children have become ours
            if alive:
                return True
        return False

    def _reap(self) -> bool:
        """Reap the runs that the orchestrator names; return False if the orchestrator is gone."""
        request = self._channel.receive()
        for pid in [] if request is None else request[0]["reap"]:
            os.waitpid(pid, 0)
            self._ended.discard(pid)
        return request is not None

    def _end_spares(self) -> None:
        """Wait for the spare children to exit: the orchestrator has closed its end of their channel."""
        self._runs.close()
        for descriptor in list(self._spares):
            self._forget_spare(descriptor)

    def _ready(self, descriptors: list[int], wait_s: float | None) -> list[int]:
        return select.select(descriptors, [], [], wait_s)[0]


def ending_code(pid: int) -> int | None:
    """Return the exit code of a child, negative for a signal, or None if it is alive. It stays a zombie."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the child has ended, or None if there can be none."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # before Linux 5.3, or out of descriptors
        return None


def become_subreaper() -> bool:
    """Become the parent of the orphans of our children; return whether that works and children can be listed."""
    if not CHILDREN.exists():  # dead orphans would pile up: without the list their pids are unknown
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def children() -> set[int]:
    """Return the pids of our children, zombies included. Needs a kernel that lists them.

    The list is exact here: the one thread that forks and reaps also reads it.
    """
    return set(map(int, CHILDREN.read_bytes().split()))
