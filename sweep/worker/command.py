"""Runs a program given by its command as a process of the trial, whose output is the trial's log and is read for
metrics."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sweep.domain.command import RUN_DIR, SEED, PrintedSteps, filled
from sweep.domain.printed import LineSplitter, number_of, read_line
from sweep.task import Run, StopTrial, TaskConfig
from sweep.worker.run import WorkerRun

LOOK_EVERY_S = 0.2
"""How often is looked whether the trial is to end while the program prints nothing."""
END_WITHIN_S = 10.0
"""Seconds that the program has after SIGTERM, before SIGKILL."""
READ_BYTES = 1 << 16
TAIL_LINES = 5


class CommandFailedError(Exception):
    """The program ended with another exit code than 0, or could not be started."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program by the words of its command, with placeholders."""

    words: tuple[str, ...]

    def train(self, cfg: TaskConfig, run: Run) -> None:
        """Run the program to its end. Raises CommandFailedError, and StopTrial when the trial is over."""
        assert isinstance(run, WorkerRun)
        argv = filled(self.words, {**dict(_values(cfg)), SEED: run.seed, RUN_DIR: str(run.artifact("out").parent)})
        print(f"$ {subprocess.list2cmdline(argv)}", flush=True)
        lines = Lines(run, {str(name): str(pattern) for name, pattern in cfg.metrics.items()})
        program = _started(argv, {str(name): str(value) for name, value in cfg.env.items()})
        try:
            for text in _output(program, run):
                lines.take(text)
            lines.close()
        finally:
            _end(program)
        if program.returncode:
            tail = " | ".join(lines.tail)
            raise CommandFailedError(f"the program ended with {_ending(program.returncode)}{tail and f': {tail}'}")


class Lines:
    """Records the metrics of the lines that a program prints. `tail` are its last lines."""

    def __init__(self, run: WorkerRun, patterns: Mapping[str, str]) -> None:
        self.tail: list[str] = []
        self._run, self._steps, self._splitter = run, PrintedSteps(), LineSplitter()
        self._patterns = {name: re.compile(pattern) for name, pattern in patterns.items()}

    def take(self, text: str) -> None:
        """Read more of what is printed. Raises StopTrial."""
        for line in self._splitter.feed(text):
            self._read(line)

    def close(self) -> None:
        """Read the last line, which may have no end. Raises StopTrial."""
        for line in self._splitter.close():
            self._read(line)

    def _read(self, line: str) -> None:
        if line.strip():
            self.tail = [*self.tail[1 - TAIL_LINES :], line.strip()[:200]]
        printed = read_line(line)
        metrics = {**printed.metrics, **dict(self._by_pattern(line))}
        if metrics or printed.counters:
            step = self._steps.of_line(printed.counters)
            if metrics:
                self._run.log(step, **metrics)

    def _by_pattern(self, line: str) -> Iterator[tuple[str, float]]:
        for name, pattern in self._patterns.items():
            found = pattern.search(line)
            value = None if found is None or found[1] is None else number_of(found[1])
            if value is not None:
                yield name, value


def _values(cfg: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the values of a task section by their dotted keys."""
    for name, value in cfg.items():
        if isinstance(value, Mapping):
            yield from _values(value, f"{prefix}{name}.")
        yield f"{prefix}{name}", value


def _started(argv: list[str], env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start the program in the trial's process group, so that it is stopped with it. Raises CommandFailedError."""
    if argv and shutil.which(argv[0]) is None and argv[0] in ("python", "python3"):
        argv = [sys.executable, *argv[1:]]
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PYTHONUNBUFFERED": "1", **os.environ, **env},
        )
    except (OSError, IndexError) as error:
        raise CommandFailedError(f"the program cannot be started: {error}") from error


def _output(program: "subprocess.Popen[bytes]", run: WorkerRun) -> Iterator[str]:
    """Yield what the program prints until it has ended; copy it to the log. Raises StopTrial if the trial is to end."""
    assert program.stdout is not None
    descriptor, decoder = program.stdout.fileno(), getincrementaldecoder("utf-8")(errors="replace")
    os.set_blocking(descriptor, False)
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        is_over = False
        while True:
            is_ready = bool(selector.select(0 if is_over else LOOK_EVERY_S))
            data = _read(descriptor) if is_ready else None
            if data:
                os.write(1, data)
                yield decoder.decode(data)
            elif is_over or data == b"":  # what it has started may hold the pipe open: that is not waited for
                program.wait()
                return
            is_over = program.poll() is not None
            if (reason := run.requested_stop()) is not None:
                run.stop_reason = reason
                raise StopTrial(str(reason))


def _read(descriptor: int) -> bytes | None:
    try:
        return os.read(descriptor, READ_BYTES)
    except BlockingIOError:
        return None


def _end(program: "subprocess.Popen[bytes]") -> None:
    """End the program, if it still runs, with all that it has started in the trial's process group."""
    leads = os.getpgrp() == os.getpid()  # not where someone runs a trial by hand
    if program.poll() is None:
        handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it goes to this process, too
        os.killpg(0, signal.SIGTERM) if leads else program.terminate()
        with suppress(subprocess.TimeoutExpired):
            program.wait(END_WITHIN_S)
        for pid in _of_group() if leads else [program.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        program.wait()
        signal.signal(signal.SIGTERM, handler)
    if program.stdout is not None:
        program.stdout.close()


def _of_group() -> list[int]:
    """Return the pids of the other processes of this process group."""
    found = []
    for entry in os.scandir("/proc"):
        with suppress(ValueError, ProcessLookupError):
            if (pid := int(entry.name)) != os.getpid() and os.getpgid(pid) == os.getpid():
                found.append(pid)
    return found


def _ending(code: int) -> str:
    """Return how a program ended, by its exit code as subprocess has it."""
    if code > 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
