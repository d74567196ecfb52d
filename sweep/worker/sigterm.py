"""SIGTERM in a run: it ends at its next `log`, and it is known that it has come, whoever handles it."""

import os
import signal
from contextlib import suppress
from types import FrameType

from sweep.worker.run import WorkerRun


class SigtermWatch:
    """Lets SIGTERM end a run at its next `log`; a second one kills it. Forked children die of the first.

    A task may have a handler of its own that stops the training, whatever it then returns or exits with: Python notes
    each signal that it handles in a file, with whichever handler.
    """

    def __init__(self, run: WorkerRun) -> None:
        self._run = run
        self._noted = os.memfd_create("signals")
        os.set_blocking(self._noted, False)  # Python asks for that; a file never blocks
        signal.set_wakeup_fd(self._noted, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_term)
        # Held back while forking: before the child has its default back one would be lost in the interpreter.
        os.register_at_fork(
            before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
            after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM}),
            after_in_child=_die_of_sigterm,
        )

    def was_handled_by_task(self) -> bool:
        """Return whether it has come and the task, not we, has seen to it."""
        with suppress(OSError):  # the task has closed what it did not open
            return not self._run.is_terminated and signal.SIGTERM in os.pread(self._noted, 1 << 20, 0)
        return False

    def _on_term(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is Python's
        self._run.is_terminated = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _die_of_sigterm() -> None:
    # Only in the main thread may a handler be set; a child forked by another thread is left as it is.
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)  # what comes to the child is no news of the run
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
