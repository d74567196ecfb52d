"""SIGTERM ends a run at its next `log`. It is noticed even if the task has its own handler."""

import os
import signal
from contextlib import suppress
from types import FrameType

from sweep.worker.run import WorkerRun


class SigtermWatch:
    """Makes SIGTERM end a run at its next `log`; a second SIGTERM kills it. Forked children die of the first.

    A task may install its own handler, stop the training, and return or exit in any way. Python writes the number of
    each signal that it handles to a file, with any handler, so that the signal is noticed in this case, too.
    """

    def __init__(self, run: WorkerRun) -> None:
        self._run = run
        self._received = os.memfd_create("signals")
        os.set_blocking(self._received, False)  # required by set_wakeup_fd, although a file never blocks
        signal.set_wakeup_fd(self._received, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_term)
        # Blocked during a fork: a signal that reaches the child before its default handler is restored would be lost.
        os.register_at_fork(
            before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
            after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM}),
            after_in_child=_die_of_sigterm,
        )

    def renew(self) -> None:
        """Handle SIGTERM again: importing paddle installs a handler that Python does not know, and that kills."""
        if signal.getsignal(signal.SIGTERM) == self._on_term:
            signal.signal(signal.SIGTERM, self._on_term)

    def was_handled_by_task(self) -> bool:
        """Return whether SIGTERM was received and the task's own handler handled it."""
        with suppress(OSError):  # the task has closed a descriptor that it did not open
            return not self._run.is_terminated and signal.SIGTERM in os.pread(self._received, 1 << 20, 0)
        return False

    def _on_term(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is Python's
        self._run.is_terminated = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _die_of_sigterm() -> None:
    # Handlers can be set only in the main thread; a child forked by another thread keeps what it has.
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)  # signals to the child are not signals to the run
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
