"""The file that the decisions of one study are written to."""

import logging
import time
from contextlib import suppress
from logging.handlers import RotatingFileHandler

from sweep.domain.printable import printable
from sweep.rundir import StudyDir

MAX_BYTES = 1 << 20
"""Size in bytes at which a log is renamed to `orchestrator.log.1` and a new one begun. There are at most these two."""

MAX_CHARACTERS = 2000
"""Maximum length of a line: an error message of a task may be longer than the whole log."""


class StudyLog(RotatingFileHandler):
    """The open log of one study. Logging to it never raises and never prints."""

    def __init__(self, folder: StudyDir) -> None:
        super().__init__(folder.log, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
        line = _OneLine("%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s")
        line.converter = time.gmtime
        self.setFormatter(line)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop the line."""

    def close(self) -> None:
        """Close the file, even if the disk is full."""
        with suppress(OSError):
            super().close()


class _OneLine(logging.Formatter):
    """Lines that begin with the time in UTC, to the millisecond, and contain no control characters."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line = printable(super().format(record)).replace("\n", " | ")
        return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}…"
