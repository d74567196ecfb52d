"""No trial runs other code than its study was planned with: the process that imports the task checks its files.

The orchestrator starts no trial of an edited task; but one that it has just started may import it after the edit, and
on another machine the checkout may be another.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from sweep.domain.taskref import root_of
from sweep.rundir import digest_of


class EditedTaskError(Exception):
    """The task's files are not those that the study was planned with: no fault of the task or the machine."""


def check_code(root: Path | None, code: Mapping[str, str | None]) -> None:
    """Raise EditedTaskError if a file of the task is not what it was.

    `code` has the digests by path from the task's root, which is `root` on this machine, None if the task is in no
    folder; by absolute path in the spec of an earlier version.
    """
    names = [Path(path).name for path, digest in code.items() if _digest(path, root) != digest]
    if names:
        words = f"{', '.join(names)}: edited since the study was planned, as this trial was to begin"
        raise EditedTaskError(words) from None


def _digest(path: str, root: Path | None) -> str | None:
    if root is None and not Path(path).is_absolute():
        return None
    return digest_of((root or Path()) / path)


def import_root(module: str) -> Path | None:
    """Return the folder that a module is imported from here, None if it is in none."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is not None:
        return root_of(module, Path(file).absolute())
    inside = module.replace(".", "/")  # its import has failed
    for entry in sys.path:
        folder = Path(entry).absolute()
        if any((folder / name).is_file() for name in (f"{inside}.py", f"{inside}/__init__.py")):
            return folder
    return None
