"""What a person may ask of a study that runs, and the signals that ask it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType
from typing import Protocol

from sweep.rundir.lock import END_SIGNAL


class Interrupt(IntEnum):
    """What a person asked for."""

    NONE = 0
    DRAIN = 1  # launch nothing more, let what runs come to its end
    STOP = 2  # stop what runs, too


WORDS = {
    Interrupt.DRAIN: "running trials finish, no new ones start; Ctrl-C again stops them",
    Interrupt.STOP: "stopping",
}


class Interruptible(Protocol):
    """What heeds `interrupt` at its next turn."""

    interrupt: Interrupt


@contextmanager
def obeying_interrupts(loop: Interruptible) -> Iterator[None]:
    """Let Ctrl-C drain and a second one stop; `stop` drains, however often it is given, and SIGTERM stops."""

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
