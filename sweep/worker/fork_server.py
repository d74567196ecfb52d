"""Where runs come from: children of the warm process, forked ahead, that wait for a run; it sees them end."""

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
"""Children that wait for a run: the next run starts at once while another child is forked beside it."""
IMPROVE_AFTER_S = 0.005
ASK_EVERY_S = 0.02
"""Where the kernel has no descriptors of processes, runs are asked so often whether they have ended."""
TIDY_EVERY_S = 0.1
"""While runs go on, what they have left and has died is reaped so often, as init would: a run may wait for it."""

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")


class ForkServer:
    """Forks children ahead of the runs: one waits on the line that all share and becomes the run that it is told.

    A spare child holds one end of a pipe and writes to it when it has a run: one that closes it without has died. Of a
    run that ends the driver is told at once; it is reaped, so that its pid is free, when the driver says so.
    """

    def __init__(self, channel: Channel, runs: Channel, tag: EnvironTag, printed: bytes) -> None:
        self._channel, self._runs, self._tag, self._printed = channel, runs, tag, printed
        self._spares: dict[int, int] = {}  # pid by our end of the pipe
        self._running: dict[int, int | None] = {}  # by pid, the descriptor that tells of the end, where there are such
        self._ended: set[int] = set()  # pids that are not reaped yet
        self._gets_orphans = become_subreaper()

    def serve(self) -> None:
        """Go on until the driver is gone. Raises OSError where it goes just then."""
        improving = use_huge_pages()
        has_improved = False
        while True:
            # Nothing is asked for: a good time. Spares come later, or they would keep the pages as they were.
            while not has_improved and not self._ready(
                [self._channel.fileno(), self._runs.fileno(), *self._ends()], 0.0
            ):
                for descriptor in self._ready(list(self._spares), 0.0):
                    self._note_taken(descriptor)
                self._tell_ends()  # those without a descriptor
                has_improved = next(improving, "done") is not None
            problem = self._fork_spares(SPARES if has_improved else 1)
            watched = [self._channel.fileno(), *(self._spares or [self._runs.fileno()]), *self._ends()]
            ready = self._ready(watched, self._patience_s() if has_improved else IMPROVE_AFTER_S)
            if not ready and self._gets_orphans:
                self._reap_orphans()
            for descriptor in ready:
                if descriptor in self._spares:
                    self._note_taken(descriptor)
                elif descriptor == self._runs.fileno():
                    self._refuse(problem)
                elif descriptor == self._channel.fileno() and not self._reap():
                    self._send_away()
                    return
            self._tell_ends()

    def has_runs(self) -> bool:
        """Return whether runs go on that were forked from here, or may have been told to a spare child."""
        return any(ending_code(pid) is None for pid in (*self._running, *self._spares.values()))

    def _fork_spares(self, count: int) -> str:
        """Have so many children waiting; return what stands in the way, empty where nothing does."""
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
        """Be a spare child: wait for a run and become it; end with the driver."""
        try:
            os.setsid()
            self._channel.close()
            for descriptor in (*self._spares, *self._ends()):
                os.close(descriptor)
            drop_exit_handlers()
            started_at = process_started_at(os.getpid())
            told = self._runs.receive()
            if told is None:
                os._exit(0)
            message, [log] = told
            folder = Path(message["run"])
            self._tag.set(folder)
            os.write(pipe, b"!")
            os.close(pipe)
            # Fails where the driver is gone: then nobody knows of this run.
            self._runs.send(pid=os.getpid(), started_at=started_at)
            self._runs.close()
        except BaseException:
            os._exit(1)
        run_and_exit(folder, log, self._printed)

    def _note_taken(self, descriptor: int) -> None:
        """Forget a spare child that has a run now, or has died."""
        pid = self._spares.pop(descriptor)
        has_run = bool(os.read(descriptor, 1))
        os.close(descriptor)
        if has_run:
            self._running[pid] = end_descriptor(pid)
        else:
            os.waitpid(pid, 0)

    def _refuse(self, problem: str) -> None:
        """Answer for the children that there are not."""
        if problem and (told := self._runs.receive()) is not None:
            os.close(told[1][0])
            self._runs.send(error=problem)

    def _ends(self) -> list[int]:
        """Return the descriptors that can be read once a run has ended."""
        return [descriptor for descriptor in self._running.values() if descriptor is not None]

    def _patience_s(self) -> float | None:
        """Return how long nothing has to be looked at that does not show by itself, None for ever."""
        if None in self._running.values():
            return ASK_EVERY_S
        return TIDY_EVERY_S if self._running else None

    def _tell_ends(self) -> None:
        """Tell the driver of the runs that have ended, and whether they may have left something behind."""
        codes = {pid: code for pid in self._running if (code := ending_code(pid)) is not None}
        for pid, code in codes.items():
            descriptor = self._running.pop(pid)
            if descriptor is not None:
                os.close(descriptor)
            self._ended.add(pid)
            self._channel.send(ended=pid, code=code, has_left=not self._gets_orphans or self._reap_orphans())

    def _reap_orphans(self) -> bool:
        """Reap the dead of the children that runs have left us; return whether any of them lives."""
        known = {*self._spares.values(), *self._running, *self._ended}
        while found := children() - known:
            alive = {pid for pid in found if ending_code(pid) is None}
            for pid in found - alive:
                os.waitpid(pid, 0)  # and look again: its own children are ours now
            if alive:
                return True
        return False

    def _reap(self) -> bool:
        """Reap the runs that the driver has done with; return False where there is no driver."""
        told = self._channel.receive()
        for pid in [] if told is None else told[0]["reap"]:
            os.waitpid(pid, 0)
            self._ended.discard(pid)
        return told is not None

    def _send_away(self) -> None:
        """See the spare children end: the driver's end of their line is closed."""
        self._runs.close()
        for descriptor in list(self._spares):
            self._note_taken(descriptor)

    def _ready(self, descriptors: list[int], wait_s: float | None) -> list[int]:
        return select.select(descriptors, [], [], wait_s)[0]


def ending_code(pid: int) -> int | None:
    """Return the exit code of a child that has ended, negative for a signal, and leave it a zombie; None else."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def end_descriptor(pid: int) -> int | None:
    """Return a descriptor that can be read once a child has ended, None where the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # before Linux 5.3, or out of descriptors
        return None


def become_subreaper() -> bool:
    """Have the kernel make children of ours of what runs leave behind; return whether it does and we can list them."""
    if not CHILDREN.exists():  # dead ones would pile up: nobody would know what to reap
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def children() -> set[int]:
    """Return the pids of our children, dead ones that are not reaped included, where the kernel lists them.

    The list is exact here: one thread forks and reaps, and it reads the list meanwhile.
    """
    return set(map(int, CHILDREN.read_bytes().split()))
