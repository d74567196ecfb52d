"""The log of the orchestrator's decisions: `orchestrator.log` in the folder of the study that it runs.

Every module of the orchestrator logs to a logger of its own name. This module decides where those lines are written.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler

from sweep.domain.printable import printable
from sweep.rundir import StudyDir

LEVELS = ("debug", "info", "warning", "error")
"""What `--log-level` takes, the most detailed first."""

DEFAULT_LEVEL = "info"

MAX_BYTES = 1 << 20
"""Size at which a log is renamed to `orchestrator.log.1` and a new one begun: there are never more than these two."""

MAX_CHARACTERS = 2000
"""Length of the longest line: an error message of a task may be longer than the whole log."""

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
    handler = _StudyLog(folder)
    before, propagate = [each for each in _root.handlers if isinstance(each, _StudyLog)], _root.propagate
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


class _StudyLog(RotatingFileHandler):
    """The open log of one study. It never raises and never prints."""

    def __init__(self, folder: StudyDir) -> None:
        super().__init__(folder.log, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
        line = _OneLine("%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s")
        line.converter = time.gmtime
        self.setFormatter(line)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Lose the line."""

    def close(self) -> None:
        """Close the file, also if the disk is full."""
        with suppress(OSError):
            super().close()


class _OneLine(logging.Formatter):
    """Lines that begin with the time in UTC, to the millisecond, and hold nothing that a terminal acts on."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line = printable(super().format(record)).replace("\n", " | ")
        return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}…"
