"""Runs one candidate and measures it from outside: marks of its trials, its CPU time and memory."""

import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import psutil

from launching.marks import MARKS

SLOTS = 2
SAMPLE_EVERY_S = 0.1
_SCRIPTS = Path(__file__).resolve().parents[1]
PATH = os.pathsep.join([str(_SCRIPTS), str(_SCRIPTS.parent)])
"""PYTHONPATH of the programs: these modules, and the sweep of this checkout before any installed one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One trial as it measured itself; monotonic seconds."""

    seed: int
    begin_s: float
    end_s: float
    loss: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The program at one moment, without its children: number of ended trials, CPU seconds, resident bytes."""

    at_s: float
    trials: int
    cpu_s: float
    rss: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a candidate. Marks are in the order in which the trials ended."""

    begin_s: float
    end_s: float
    marks: tuple[Mark, ...]
    samples: tuple[Sample, ...]

    @property
    def wall_s(self) -> float:
        """Seconds per trial, from the command's start to its end, with imports, start-up and reports."""
        return (self.end_s - self.begin_s) / len(self.marks)

    @property
    def steady_s(self) -> float:
        """Seconds from the end of one trial to the end of the next, without start-up, first trials and reports."""
        return (self.marks[-1].end_s - self.marks[SLOTS - 1].end_s) / (len(self.marks) - SLOTS)

    @property
    def losses(self) -> dict[int, str]:
        """The last loss of each seed, with all its bits."""
        return {mark.seed: mark.loss for mark in self.marks}

    def between(self, first: float, last: float) -> tuple[Sample, Sample]:
        """Return the first samples at which at least these shares of all trials had ended."""
        total = len(self.marks)
        return self._when(first * total), self._when(last * total)

    def _when(self, trials: float) -> Sample:
        return next((sample for sample in self.samples if sample.trials >= trials), self.samples[-1])


class FailedError(Exception):
    """A candidate did not finish; the message says why."""


def run(command: Sequence[str], *, trials: int, limit_s: float, in_terminal: bool = False) -> Measured:
    """Run a program in an empty folder until it ends. Raises FailedError."""
    folder = Path(tempfile.mkdtemp(dir=_folders().name))
    marks = folder / "marks"
    marks.touch()
    environment = {**os.environ, MARKS: str(marks), "PYTHONPATH": PATH, "OMP_NUM_THREADS": "1"}
    with (folder / "output").open("w+b") as output, _stdout(output, in_terminal) as stdout:
        begin_s = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=output,
        )  # fmt: skip
        watch = Watch(child.pid, marks)
        try:
            code = child.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise FailedError(f"not done after {limit_s:.0f} s") from None
        finally:
            end_s = time.monotonic()
            samples = watch.stop()
            _kill(child)
    found = sorted((_mark(line) for line in marks.read_text().splitlines()), key=lambda mark: mark.end_s)
    if code or len(found) != trials:
        printed = [line for line in (folder / "output").read_text(errors="replace").splitlines() if line.strip()]
        last = next((line for line in printed if line.startswith("error:")), printed[-1] if printed else "")
        raise FailedError(f"exit code {code}, {len(found)} of {trials} trials: {last.strip()[:160]}")
    return Measured(begin_s, end_s, tuple(found), tuple(samples))


@cache
def _folders() -> "tempfile.TemporaryDirectory[str]":
    """Return the folder of all candidates' folders, removed when the benchmark ends and not before.

    For five minutes after a file is removed, ext4 checks its inode again for each new file. Creating a file then takes
    ten times as long, so each candidate would pay for the cleanup of the one before.
    """
    return tempfile.TemporaryDirectory(prefix="launch-bench-")


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """Stop a program and, if it did not finish, everything it started."""
    if child.poll() is None:
        for process in [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]:
            with suppress(psutil.Error):
                process.kill()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _mark(line: str) -> Mark:
    seed, begin_s, end_s, loss = line.split()
    return Mark(int(seed), float(begin_s), float(end_s), loss)


@contextmanager
def _stdout(file: IO[Any], in_terminal: bool) -> Iterator[IO[Any] | int]:
    """Yield what the program prints to: the file, or a terminal that is read."""
    if not in_terminal:
        yield file
        return
    ours, theirs = pty.openpty()

    def drain() -> None:
        with suppress(OSError):
            while os.read(ours, 65536):
                pass

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


class Watch:
    """Samples a process ten times a second until it has ended or `stop` is called."""

    def __init__(self, pid: int, marks: Path) -> None:
        self._process = psutil.Process(pid)
        self._marks = marks
        self._samples: list[Sample] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> list[Sample]:
        self._stopping.set()
        self._thread.join()
        return self._samples

    def _watch(self) -> None:
        trials = 0
        with self._marks.open("rb") as file, suppress(psutil.Error):
            while not self._stopping.wait(SAMPLE_EVERY_S):
                trials += file.read().count(b"\n")
                cpu, rss = self._process.cpu_times(), self._process.memory_info().rss
                self._samples.append(Sample(time.monotonic(), trials, cpu.user + cpu.system, rss))
