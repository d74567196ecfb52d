"""A run's process and its session, however they were started: identity, whether it is gone, how to end all of it."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from sweep.launch.environment import DEVICE_VARIABLE
from sweep.launch.leases import CPU
from sweep.rundir import RUN_VARIABLE, read_bytes

START_TOLERANCE_S = 2.0
"""A process's start in seconds since the epoch is reckoned from the boot time, which moves as the clock is corrected.
No pid comes round again within it."""


class RunProcess(Protocol):
    """The leader of a run's session (its pid is the session's and the group's id), as a starter made it."""

    @property
    def pid(self) -> int:
        """Its pid, which is not reused before `collect`."""
        ...

    @property
    def started_at(self) -> float:
        """When it started, in seconds since the epoch, as psutil gives it."""
        ...

    def has_ended(self) -> bool:
        """Return whether it is gone (a zombie is), without waiting."""
        ...

    def is_alone(self) -> bool:
        """Return whether it is known, without listing processes, that none of its session lives. Ended only."""
        ...

    def collect(self) -> int | None:
        """Reap it and return its exit code as subprocess has it, None if only its parent could know. Ended only.

        From then on its pid may be given to another process, at once or soon.
        """
        ...


class AdoptedProcess:
    """A run that an earlier orchestrator started: not our child, so its exit code is unknown.

    Raises ProcessLookupError if it is gone.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._process = psutil.Process(pid)
            self.started_at = float(self._process.create_time())
        except psutil.NoSuchProcess as error:
            raise ProcessLookupError(pid) from error

    def has_ended(self) -> bool:
        """Return whether it is gone, a zombie included."""
        return not self._process.is_running() or _is_zombie(self._process)

    def is_alone(self) -> bool:
        """Return False: unknown."""
        return False

    def collect(self) -> None:
        """Return None: its parent, init by now, has the exit code."""


def keep_ended_children() -> None:
    """Have the kernel keep how children end if this process was started with SIGCHLD ignored; they inherit that."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        with suppress(ValueError):  # only the main thread may
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def is_alive(pid: int, pid_started_at: float, folder: Path) -> bool:
    """Return whether the process of this pid and start time lives: never another one that got the same pid.

    If the clock has been set since it started, its run folder identifies it.
    """
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if not _is_zombie(process):
            if abs(process.create_time() - pid_started_at) <= START_TOLERANCE_S:
                return True
            return leads_run(process, folder)
    return False


def leads_run(process: psutil.Process, folder: Path) -> bool:
    """Return whether a process leads the session of a folder's run. What the run started itself does not.

    However it was started, it shows the folder in the environment that the kernel keeps of it, and is one of ours by
    its command line.
    """
    with suppress(psutil.Error, OSError):
        if _leads_session(process) and shows_run(process.pid, folder):
            return any(word.startswith("sweep.worker") for word in process.cmdline()[:4])
    return False


def shows_run(pid: int, folder: Path) -> bool:
    """Return whether a process, or the one that it was forked from, was started for a folder's run or became it."""
    with suppress(OSError):
        shown = read_bytes(f"/proc/{pid}/environ")
        return b"\0%s=%s\0" % (RUN_VARIABLE.encode(), os.fsencode(folder.absolute())) in b"\0" + shown
    return False


def is_gone(pid: int) -> bool:
    """Return whether a process is gone, a zombie included."""
    try:
        return _is_zombie(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return True


def find_run_process(folder: Path, announced_pid: int | None = None) -> psutil.Process | None:
    """Return the live process that leads the session of a run, None if there is none on this machine.

    For a run whose orchestrator died between starting it and recording its process. `announced_pid` is the pid that
    the run's `start` event names: it decides if something that the run has forked leads a session, too; else that is
    the oldest.
    """
    found = [process for process in psutil.process_iter() if leads_run(process, folder)]
    return min(found, key=lambda process: (process.pid != announced_pid, process.create_time()), default=None)


def device_of(pid: int) -> str:
    """Return the device that a run's process shows as leased."""
    return _environment(pid).get(DEVICE_VARIABLE, CPU)


def _environment(pid: int) -> dict[str, str]:
    """Return what the kernel keeps as a process's environment: psutil would stop at the room that a mark leaves."""
    with suppress(OSError):
        entries = read_bytes(f"/proc/{pid}/environ").split(b"\0")
        return dict(os.fsdecode(entry).partition("=")[::2] for entry in entries if b"=" in entry)
    return {}


def _leads_session(process: psutil.Process) -> bool:
    return os.getsid(process.pid) == process.pid and not _is_zombie(process)


def members_of(session: int, folder: Path | None = None) -> list[int]:
    """Return the pids of all processes of a session but its leader, whatever group they have moved to.

    Those that have ended and were not reaped are among them: a data loader's worker may end before anyone looks, and
    its batches are found by its pid. With the folder of a run, also those that have left the run's session: they show
    the folder all the same.
    """
    found = []
    since = 0 if folder is None else _start_ticks(session)
    # getsid costs a fraction of a microsecond, a look into /proc ten.
    for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for each takes ten times as long
        if name.isdecimal() and (pid := int(name)) != session:
            try:
                is_one = os.getsid(pid) == session
                # What a process shows is kept in its memory: of one that hangs in the kernel it may never be read.
                if folder is not None and not is_one and _start_ticks(pid) >= since:
                    is_one = shows_run(pid, folder)
                if is_one:
                    found.append(pid)
            except OSError:
                pass  # gone since
    return found


def _start_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since the boot; 0 if it is gone."""
    with suppress(OSError):
        stat = read_bytes(f"/proc/{pid}/stat")
        return int(stat[stat.rindex(b")") :].split()[20])
    return 0


def signal_group(process: RunProcess, signum: int) -> None:
    """Send a signal to the group that a process leads; it has not been collected, so that the id is still its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signum)


def kill_members(session: int, folder: Path | None = None, *, spares_trackers: bool = False) -> list[int]:
    """Kill the live processes of a session whose leader is gone, and of a run in that folder; return them.

    `spares_trackers` leaves out those that remove shared memory and semaphores as soon as all who used them are gone,
    and then end.
    """
    found = members_of(session, folder)
    # As long as a session has members its number is not given away: a live process of this number is a later one.
    with suppress(psutil.Error):
        if found and not _is_zombie(psutil.Process(session)):
            found = [pid for pid in found if folder is not None and shows_run(pid, folder)]
    _kill(pid for pid in found if not (spares_trackers and _is_tracker(pid)))
    return found


def kill_orphans(session: int, folder: Path) -> None:
    """Kill what is left of a run whose leader ended unobserved.

    Only processes that name the run's folder in their environment: after a reboot the session may be another program's.
    """
    _kill(pid for pid in members_of(session, folder) if shows_run(pid, folder))


def drop_batches(pids: Iterable[int]) -> None:
    """Remove what data loaders that were killed have left in shared memory: Paddle names each batch by its process."""
    for pid in pids:
        for batch in Path("/dev/shm").glob(f"paddle_{pid}_*"):
            with suppress(OSError):
                batch.unlink()


def _is_tracker(pid: int) -> bool:
    """Return whether a process is a resource tracker, Python's or joblib's, or just becomes what it is to be."""
    with suppress(OSError):
        words = read_bytes(f"/proc/{pid}/cmdline")
        return not words or b"resource_tracker" in words
    return False


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _is_zombie(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_ZOMBIE)
