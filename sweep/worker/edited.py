"""No trial runs other code than its study was planned with: looks once more where it imports the task for itself.

The driver starts no trial of an edited task; but one that it has just started may come to its import after the edit.
"""

from collections.abc import Mapping
from pathlib import Path

from sweep.rundir import digest_of


class EditedTaskError(Exception):
    """The task was edited between the start of a trial and its import: nobody's fault, and nothing about the task."""


def check_code(code: Mapping[str, str | None]) -> None:
    """Raise EditedTaskError where a file of the task is not what it was: `code` has the digests by path."""
    names = [Path(path).name for path, digest in code.items() if digest_of(path) != digest]
    if names:
        words = f"{', '.join(names)}: edited since the study was planned, as this trial was to begin"
        raise EditedTaskError(words) from None
