"""Keeps a study running when its output has no reader: its terminal is gone, or the other end of its pipe."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from sweep.domain.trial import Outcome
from sweep.study.progress import Progress

STANDARD_STREAMS = (1, 2)


def silence_broken_streams() -> None:
    """Redirect standard output and error to /dev/null if the other end is closed."""
    for stream in STANDARD_STREAMS:
        look = select.poll()
        look.register(stream, 0)
        if any(events & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, events in look.poll(0)):
            silence(stream)


def silence(stream: int) -> None:
    """Redirect a file descriptor to /dev/null."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream)
    os.close(nowhere)


@contextmanager
def surviving_hangup() -> Iterator[None]:
    """Inside the block, a hangup of the terminal (SIGHUP) silences the output to it and ends nothing.

    This is so even if SIGHUP was ignored: under nohup with its output on a terminal, that terminal can still go away.
    """
    before = signal.getsignal(signal.SIGHUP)
    terminals = [stream for stream in STANDARD_STREAMS if os.isatty(stream)]  # after a hangup isatty() is False

    def on_hangup(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        for stream in terminals:
            silence(stream)

    signal.signal(signal.SIGHUP, on_hangup)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


class ResilientProgress:
    """Passes reports on to another Progress; if printing fails, it silences the output and the study continues."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    def start(self, total: int | None, done: int) -> None:
        """Pass it on."""
        self._try(lambda: self._shown.start(total, done))

    def trial_started(self, number: int, cell: str, seed: int, budget_steps: int) -> None:
        """Pass it on."""
        self._try(lambda: self._shown.trial_started(number, cell, seed, budget_steps))

    def trial_progress(self, number: int, step: int, metric: str | None, value: float | None) -> None:
        """Pass it on."""
        self._try(lambda: self._shown.trial_progress(number, step, metric, value))

    def trial_ended(self, outcome: Outcome) -> None:
        """Pass it on."""
        self._try(lambda: self._shown.trial_ended(outcome))

    def message(self, text: str) -> None:
        """Pass it on."""
        self._try(lambda: self._shown.message(text))

    def close(self) -> None:
        """Pass it on."""
        self._try(self._shown.close)

    def _try(self, show: Callable[[], None]) -> None:
        try:
            show()
        except (OSError, SystemExit):  # rich raises SystemExit on a broken pipe
            silence_broken_streams()
