"""Reads back what the program prints, in its log. Does not need Paddle.

Standard output and error of a trial are its log, a file. It is read where it stands, at each optimizer step: nothing is
put between the program and the file, so the log is bitwise what the program writes, through whatever stream, logger,
descriptor or child process, and nothing is left behind.
"""

import codecs
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from sweep.domain.printed import LineSplitter, number_of, read_line

READ_MOST = 256 << 10
"""Bytes read between two steps. Of more, which is a dump of data, only the end is read."""

_NOT_READ = re.compile(r"^\s*step\s+\d+(?:/\d+)?\s.*/step\s*$|^sweep: ")
"""A line of `paddle.Model`'s progress bar, whose figures are taken from the callbacks, where their names say more; a
line of ours."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Output:
    """The metrics in what is printed from now on. `patterns`: regular expressions by metric name, as `task.metrics`."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns = {name: re.compile(pattern) for name, pattern in patterns.items()}
        self._files: list[_File] = []
        self._stdout: object = None
        self._flushes: tuple[Callable[[], object], ...] = ()
        self._open(1)
        self._open(2)

    def read(self, *, is_over: bool = False) -> list[dict[str, float]]:
        """Return the metrics printed since the last call, by line; with `is_over`, those of an unfinished line too."""
        if not self.has_more() and not is_over:
            return []
        found: list[dict[str, float]] = []
        for file in self._files:
            for text in file.new_text():
                found += self._of_lines(file.lines.feed(text))
            if is_over:
                found += self._of_lines(file.lines.close())
        return found

    def has_more(self) -> bool:
        """Return whether anything was printed since the last `read`. Called at each step."""
        if sys.stdout is not self._stdout:
            self._look_at_streams()
        try:
            for flush in self._flushes:
                flush()
        except Exception:  # closed by the program
            self._flushes = ()
        for file in self._files:  # noqa: SIM110 - any() takes three times as long
            if file.has_grown():
                return True
        return False

    def close(self) -> None:
        """Close what was opened for reading."""
        for file in self._files:
            file.close()
        self._files = []

    def _look_at_streams(self) -> None:
        """Note the streams whose buffers are to be flushed: those of stderr hold no whole lines. One that the program
        put there may be a file of its own."""
        self._stdout = sys.stdout
        streams = {id(stream): stream for stream in (sys.stdout, sys.__stdout__)}.values()
        self._flushes = tuple(stream.flush for stream in streams if stream is not None and hasattr(stream, "flush"))
        with suppress(Exception):
            self._open(sys.stdout.fileno())

    def _open(self, descriptor: int) -> None:
        """Read a file that is written to from its present end on. What is a terminal or a pipe is not read."""
        with suppress(OSError):
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and not any(file.is_same(status) for file in self._files):
                self._files.append(_File(descriptor))

    def _of_lines(self, lines: Iterator[str]) -> Iterator[dict[str, float]]:
        for line in lines:
            named = self._by_pattern(line) if self._patterns else {}
            values = {} if _NOT_READ.match(line) else dict(read_line(line).metrics)
            if values or named:
                yield values | named

    def _by_pattern(self, line: str) -> dict[str, float]:
        found = {}
        for name, pattern in self._patterns.items():
            match = pattern.search(_ANSI.sub("", line))
            value = None if match is None else number_of(match[1] if pattern.groups else match[0])
            if value is not None:
                found[name] = value
        return found


class _File:
    """A file that the program writes to, read from its present end on."""

    def __init__(self, descriptor: int) -> None:
        self.lines = LineSplitter()
        self._fd = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        self._at = os.fstat(self._fd).st_size
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def has_grown(self) -> bool:
        """Return whether its length is another one than what was read."""
        return os.lseek(self._fd, 0, os.SEEK_END) != self._at  # a sixth of the time of fstat

    def new_text(self) -> Iterator[str]:
        """Yield what was appended since the last call, in parts."""
        size = os.lseek(self._fd, 0, os.SEEK_END)
        if size == self._at:
            return
        if size < self._at:  # it was emptied
            self._at = 0
        if size - self._at > READ_MOST:
            self._at = size - READ_MOST
        while self._at < size and (data := os.pread(self._fd, size - self._at, self._at)):
            self._at += len(data)
            yield self._decoder.decode(data)

    def is_same(self, status: os.stat_result) -> bool:
        """Return whether this is the file with that status."""
        own = os.fstat(self._fd)
        return (own.st_dev, own.st_ino) == (status.st_dev, status.st_ino)

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)
