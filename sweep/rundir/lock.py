"""One orchestrator per study: a lock that ends with the process that holds it."""

import errno
import fcntl
import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sweep.clock import monotonic_s, now_utc
from sweep.errors import StudyLockedError, UsageError
from sweep.rundir.files import naming

END_SIGNAL = signal.SIGUSR1
"""Asks the lock's holder to stop once running trials finish; sending it again changes nothing, unlike SIGINT."""

_READER_S = 0.2
"""Maximum wait (s) for a reader that checks who holds the lock, which takes microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """The process that runs a study. `started` is when it took the lock, ISO 8601 in UTC."""

    pid: int
    host: str
    started: str


class StudyLock:
    """Holds a study for one orchestrator: `with StudyLock(folder.lock): ...`. The file itself stays.

    Raises StudyLockedError, naming pid and host, if another live process holds it. `store_option` is what a verb needs
    to find the study's store (` --store URL`).
    """

    def __init__(self, path: Path, store_option: str = "") -> None:
        self.path = path
        self._store_option = store_option
        self._fd: int | None = None
        self._folder_fd: int | None = None  # kept open, so that no other folder gets its inode number

    def __enter__(self) -> "StudyLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock, creating the folder if needed. Raises StudyLockedError, OSError."""
        with naming(self.path):
            self._acquire()

    def _acquire(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = self._locked_file()
        if fd is None:
            name, option = self.path.parent.name, self._store_option
            raise StudyLockedError(
                f"study {name!r} is being run by {_name(self.holder())}",
                hint=f"`python -m sweep status {name} --watch{option}` follows it, `python -m sweep stop {name}"
                f"{option}` stops it, study=NAME runs this one under another name",
            )
        self._hold(fd)
        self._folder_fd = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _locked_file(self, flags: int = 0) -> int | None:
        """Return a descriptor of the file, locked; None if another process holds it. Raises OSError."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, 0o644)
        is_taken = False
        try:
            is_taken = _take_soon(fd)
        finally:
            if not is_taken:
                os.close(fd)
        return fd if is_taken else None

    def keeps(self) -> bool:
        """Return whether the lock still excludes others; if only its file was removed, it is created again.

        False if the folder was removed or replaced: another orchestrator would not see this lock.
        """
        assert self._fd is not None
        assert self._folder_fd is not None
        try:
            with suppress(FileNotFoundError):
                return os.path.samestat(self.path.stat(), os.fstat(self._fd))
            if not os.path.samestat(self.path.parent.stat(), os.fstat(self._folder_fd)):
                return False
            fd = self._locked_file(os.O_EXCL)
            if fd is None:
                return False
            self._hold(fd)
        except (FileNotFoundError, NotADirectoryError, FileExistsError):
            return False
        except OSError:  # disk full or not responding: tried again
            return True
        return True

    def _hold(self, fd: int) -> None:
        """Hold a locked file in place of one that is gone, and write the holder into it."""
        before, self._fd = self._fd, fd
        if before is not None:
            os.close(before)
        words = {"pid": os.getpid(), "host": os.uname().nodename, "started": now_utc().isoformat(timespec="seconds")}
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(words).encode(), 0)

    def release(self) -> None:
        """Release the lock. Does nothing if it is not held."""
        for fd in (self._fd, self._folder_fd):
            if fd is not None:
                os.close(fd)
        self._fd = self._folder_fd = None

    def holder(self) -> LockHolder | None:
        """Return the holder, None if there is none (or the lock is just being taken)."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            return None if _take(fd, fcntl.LOCK_SH) else _read_holder(fd)
        finally:
            os.close(fd)

    def ask_to_end(self, *, now: bool) -> LockHolder | None:
        """Ask the holder to stop, at once or after the running trials; return it, None if there is none.

        Raises UsageError, naming the host, if it runs on another one, where signals do not reach it.
        """
        holder = self.holder()
        if holder is None:
            return None
        if holder.host != os.uname().nodename:
            raise UsageError(
                f"study {self.path.parent.name!r} is being run by {_name(holder)}; it cannot be stopped from here",
                hint=f"on {holder.host}: python -m sweep stop {self.path.parent.name}{' --now' if now else ''}"
                f"{self._store_option}",
            )
        os.kill(holder.pid, signal.SIGTERM if now else END_SIGNAL)
        return holder


def _take_soon(fd: int) -> bool:
    """Try to take a lock, waiting briefly for readers that check the holder; return whether it was free."""
    until = monotonic_s() + _READER_S
    while not _take(fd, fcntl.LOCK_EX):
        if monotonic_s() >= until:
            return False
        time.sleep(0.01)
    return True


def _take(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return False
    return True


def _read_holder(fd: int) -> LockHolder | None:
    try:
        words = json.loads(os.pread(fd, 4096, 0))
        return LockHolder(pid=int(words["pid"]), host=str(words["host"]), started=str(words["started"]))
    except (ValueError, KeyError, TypeError):
        return None


def _name(holder: LockHolder | None) -> str:
    return "another process" if holder is None else f"pid {holder.pid} on {holder.host} since {holder.started}"
