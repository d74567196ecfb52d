"""The log of the orchestrator's decisions: `orchestrator.log` in the folder of the study that it runs.

Every module of the orchestrator has a logger with the module's name. This module decides where the lines are written.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sweep.rundir import StudyDir

LEVELS = ("debug", "info", "warning", "error")
"""The values of `--log-level`, the most detailed first."""

DEFAULT_LEVEL = "info"

_root = logging.getLogger("sweep")
_root.addHandler(logging.NullHandler())  # without it Python prints warnings to stderr if no log file is open


def set_log_level(level: str) -> None:
    """Log decisions of this level (one of LEVELS) and above from now on."""
    _root.setLevel(level.upper())


@contextmanager
def logging_to(folder: StudyDir) -> Iterator[None]:
    """Write the decisions made inside the block, and an exception that ends it, to a study's log.

    Blocks can be nested: each decision goes to the log of the innermost study only. If a log cannot be written (a full
    disk, a removed folder), its lines are lost and nothing else happens.
    """
    from sweep.study.decision_log import StudyLog  # logging.handlers imports socket and pickle

    handler = StudyLog(folder)
    before, propagate = [each for each in _root.handlers if isinstance(each, StudyLog)], _root.propagate
    for each in before:
        _root.removeHandler(each)
    _root.addHandler(handler)
    _root.propagate = False  # libraries add printing handlers to Python's root logger
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
