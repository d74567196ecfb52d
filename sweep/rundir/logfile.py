"""Limits the size of a run's log: keeps its beginning and its end.

The processes of a run append to out.log themselves, without a reader in between. While they run, the orchestrator frees
the blocks in the middle of a long log (a hole, if the file system supports it): the end is kept, and appending writers
notice nothing. Once the run is over, the file is rewritten without the middle.
"""

import ctypes
import errno
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sweep.rundir.logs import readable_lines

HEAD_BYTES = 1 << 20
TAIL_BYTES = 9 << 20
"""Bytes kept at the beginning and at the end of a log; a log of up to ten MiB is kept whole."""

_SLACK_BYTES = 8 << 20
"""Minimum number of bytes freed at once, so that a growing log is not trimmed at every poll."""

_BLOCK_BYTES = 1 << 16
"""A multiple of file systems' block sizes: a hole of whole blocks contains no part of a kept line."""

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # of fallocate(2)


def trim_running(path: Path | str) -> None:
    """Free the disk space of the middle of a long log that is still being written. Does nothing if that is
    impossible."""
    try:
        size = os.stat(path).st_size  # noqa: PTH116 - for each run at each poll, and a Path is slower
    except OSError:
        return
    if size > HEAD_BYTES + TAIL_BYTES + _SLACK_BYTES:
        with suppress(OSError):
            _free_middle(path, size)


def _free_middle(path: Path | str, size: int) -> None:
    """Make a hole between head and tail. Raises OSError (not supported)."""
    end = (size - TAIL_BYTES) // _BLOCK_BYTES * _BLOCK_BYTES
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        if end - _hole(fd)[1] < _SLACK_BYTES:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        offset, length = ctypes.c_int64(HEAD_BYTES), ctypes.c_int64(end - HEAD_BYTES)
        if libc.fallocate64(fd, _PUNCH_HOLE | _KEEP_SIZE, offset, length) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    except AttributeError as error:  # a C library without it
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(path)) from error
    finally:
        os.close(fd)


def _hole(fd: int) -> tuple[int, int]:
    """Return the bytes (from, to) that were freed in the middle of a log; to is HEAD_BYTES if there are none."""
    with suppress(OSError):
        size = os.fstat(fd).st_size
        start = os.lseek(fd, 0, os.SEEK_HOLE)
        if HEAD_BYTES <= start < size:
            return start, os.lseek(fd, start, os.SEEK_DATA)
    return HEAD_BYTES, HEAD_BYTES


def close_log(path: Path | str) -> None:
    """Rewrite a long log without its middle, which is replaced by one line. Raises OSError.

    Only when no process of the run is left. A log of up to ten MiB stays unchanged.
    """
    try:
        size = os.stat(path).st_size  # noqa: PTH116 - for each run
    except FileNotFoundError:
        return
    if size <= HEAD_BYTES + TAIL_BYTES:
        return
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with path.open("rb") as old, temporary.open("wb") as new:
            for part in _parts(old.fileno(), size, HEAD_BYTES, size - TAIL_BYTES):
                new.write(part)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _parts(fd: int, size: int, start: int, end: int) -> Iterator[bytes]:
    """Yield a log without its bytes from `start` to `end`, cut at line ends, with a line in their place."""
    head = os.pread(fd, start, 0)
    head = head[: head.rfind(b"\n") + 1] or head + b"\n"
    tail = os.pread(fd, min(1 << 16, size - end), end)
    at = end + tail.find(b"\n") + 1
    yield head
    yield left_out(at - min(len(head), start)).encode()
    yield from _from(fd, at)


def _from(fd: int, at: int) -> Iterator[bytes]:
    while part := os.pread(fd, 1 << 20, at):
        yield part
        at += len(part)


def left_out(count: int) -> str:
    """Return the line that replaces the middle of a log."""
    kept = f"the first {HEAD_BYTES >> 20} MiB and the last {TAIL_BYTES >> 20} MiB"
    return f"[sweep] {count:,} bytes are left out here: only {kept} of a run's output are kept\n"


def log_lines(path: Path, tail: int | None = None) -> Iterator[str]:
    """Yield the lines that `readable_lines` leaves of a log, or the last of them, undecodable bytes replaced.

    Raises OSError.
    """
    with path.open("rb") as file:
        fd = file.fileno()
        start, end = _hole(fd)
        size = os.fstat(fd).st_size
        lines = readable_lines(_lines(_parts(fd, size, start, end) if end > start else _from(fd, 0)))
        yield from lines if tail is None else deque(lines, maxlen=tail)


def _lines(parts: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", errors="replace") + "\n"
    if rest:
        yield rest.decode("utf-8", errors="replace")
