"""A study goes on when nobody reads what it prints: its terminal is gone, or the other end of its pipe."""

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
    """Send standard output and error to nowhere where nobody is at their other end any more."""
    for stream in STANDARD_STREAMS:
        look = select.poll()
        look.register(stream, 0)
        if any(events & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, events in look.poll(0)):
            silence(stream)


def silence(stream: int) -> None:
    """Send what is written to a descriptor to nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream)
    os.close(nowhere)


@contextmanager
def outliving_the_terminal() -> Iterator[None]:
    """Let a hangup of the terminal (SIGHUP) inside the block silence what was to be shown there, and end nothing.

    Also where SIGHUP was ignored: under nohup with a terminal for its output, that terminal can go all the same.
    """
    before = signal.getsignal(signal.SIGHUP)
    terminals = [stream for stream in STANDARD_STREAMS if os.isatty(stream)]  # afterwards they no longer say so

    def on_hangup(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        for stream in terminals:
            silence(stream)

    signal.signal(signal.SIGHUP, on_hangup)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


class Audience:
    """Shows a study to whoever watches; when printing fails it falls silent instead of ending the study."""

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
        except (OSError, SystemExit):  # the latter is what rich makes of a broken pipe
            silence_broken_streams()
