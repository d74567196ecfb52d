"""Sees where a program writes by Python's own functions, before it does."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {
    "os.remove": 1, "os.rename": 2, "os.mkdir": 1, "os.rmdir": 1, "os.truncate": 1, "os.chmod": 1, "os.utime": 1,
    "os.link": 2, "os.symlink": 2, "shutil.rmtree": 1,
}  # fmt: skip
"""Number of paths among the first arguments of Python's audit events, by event."""


def on_write(act: Callable[[str], None]) -> None:
    """Call `act(path)`, absolute, before this process opens a file for writing, or changes a folder's entries.

    This cannot be undone: the audit hook stays. Code in C++ that opens files itself is not seen.
    """
    pid, is_acting = os.getpid(), False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal is_acting
        if event == "open":
            flags = arguments[2]
            paths = arguments[:1] if isinstance(flags, int) and flags & WRITES else ()
        elif event in _PATHS:
            paths = arguments[: _PATHS[event]]
        else:
            return
        if is_acting or os.getpid() != pid:
            return
        is_acting = True
        try:
            for path in paths:
                if isinstance(path, str | bytes | os.PathLike):
                    with suppress(Exception):
                        act(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - links stay
        finally:
            is_acting = False

    sys.addaudithook(hook)
