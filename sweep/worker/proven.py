"""Tries out in a forked child what the warm parent would like to do ahead for all trials.

Harmless is what leaves the same threads, open files, folder, signal handlers and random states, and at most adds
variables to the environment, as importing scikit-learn does: then a trial that is forked afterwards trains the same.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sweep.worker.held import number_of_threads, open_files
from sweep.worker.process_exit import flush_output

_HARMLESS, _TRACES = 0, 1
_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGCHLD,
    signal.SIGHUP,
    signal.SIGALRM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


def is_harmless(act: Callable[[], object]) -> bool:
    """Run `act` in a forked child; return whether it succeeded there and left no traces."""
    flush_output()
    pid = os.fork()
    if pid == 0:
        code = _TRACES
        with suppress(BaseException):
            environment, before = dict(os.environ), _traces()
            is_done = act() is not False and environment.items() <= os.environ.items()
            code = _HARMLESS if is_done and _traces() == before else _TRACES
        os._exit(code)
    return os.waitpid(pid, 0)[1] == _HARMLESS


def _traces() -> tuple[object, ...]:
    """Return what must stay as it is."""
    random, numpy, paddle = (sys.modules.get(name) for name in ("random", "numpy", "paddle"))
    return (
        number_of_threads(),
        open_files(),
        Path.cwd(),
        [signal.getsignal(each) for each in _SIGNALS],
        (sys.stdout, sys.stderr, sys.excepthook, sys.argv),
        random and random.getstate(),
        numpy and str(numpy.random.get_state()),
        paddle and [_without_addresses(str(state)) for state in paddle.get_rng_state()],
        paddle and (paddle.get_device(), paddle.get_default_dtype()),
    )


def _without_addresses(text: str) -> list[str]:
    return [word for word in text.split() if word[:2] != "0x"]
