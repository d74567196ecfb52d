"""Interrupting a running study, and the signals that do so."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType
from typing import Protocol

from sweep.rundir.lock import END_SIGNAL


class Interrupt(IntEnum):
    """What was asked for by a signal."""

    NONE = 0
    DRAIN = 1  # running trials finish, no new ones start
    STOP = 2  # running trials are stopped


WORDS = {
    Interrupt.DRAIN: "running trials finish, no new ones start; Ctrl-C again stops them",
    Interrupt.STOP: "stopping",
}


class Interruptible(Protocol):
    """An object that checks `interrupt` regularly."""

    interrupt: Interrupt


@contextmanager
def obeying_interrupts(loop: Interruptible) -> Iterator[None]:
    """Inside the block, Ctrl-C drains and a second one stops; the `stop` verb always drains, and SIGTERM stops."""

    def on_interrupt(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        if loop.interrupt is Interrupt.NONE and signum != signal.SIGTERM:
            loop.interrupt = Interrupt.DRAIN
        elif signum != END_SIGNAL:
            loop.interrupt = Interrupt.STOP

    before = {number: signal.signal(number, on_interrupt) for number in (signal.SIGINT, signal.SIGTERM, END_SIGNAL)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
