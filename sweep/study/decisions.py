"""The log of the orchestrator's decisions: `orchestrator.log` in the folder of the study that it runs.

Every module of the orchestrator logs to a logger of its own name. This module decides where those lines are written.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sweep.rundir import StudyDir

LEVELS = ("debug", "info", "warning", "error")
"""What `--log-level` takes, the most detailed first."""

DEFAULT_LEVEL = "info"

_root = logging.getLogger("sweep")
_root.addHandler(logging.NullHandler())  # without it Python prints warnings that no file takes


def set_log_level(level: str) -> None:
    """Log decisions of this level (one of LEVELS) and above from now on."""
    _root.setLevel(level.upper())


@contextmanager
def logging_to(folder: StudyDir) -> Iterator[None]:
    """Write the decisions made inside the block to a study's log, and an exception that ends it.

    Inside another such block the inner study takes over: each decision is in the log of one study. A log that cannot
    be written (a full disk, a removed folder) loses its lines and has no other effect.
    """
    from sweep.study.decision_log import StudyLog  # its rotating file brings sockets and pickle

    handler = StudyLog(folder)
    before, propagate = [each for each in _root.handlers if isinstance(each, StudyLog)], _root.propagate
    for each in before:
        _root.removeHandler(each)
    _root.addHandler(handler)
    _root.propagate = False  # libraries give Python's root logger handlers that print
    if _root.level == logging.NOTSET:
        set_log_level(DEFAULT_LEVEL)
    try:
        yield
    except BaseException as error:
        _root.error("session of %s ended by %s: %s", folder.study, type(error).__name__, error)
        raise
    finally:
        _root.propagate = propagate
        _root.removeHandler(handler)
        handler.close()
        for each in before:
            _root.addHandler(each)
