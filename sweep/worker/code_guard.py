"""Checks, in the process that imports the task, that its files are those that the study was planned with.

The orchestrator starts no trial of an edited task. But a trial that was just started may import the task after an edit,
and another machine may have another checkout.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from sweep.domain.task_ref import root_of
from sweep.rundir import digest_of


class EditedTaskError(Exception):
    """The task's files are not those that the study was planned with."""


def check_code(root: Path | None, code: Mapping[str, str | None]) -> None:
    """Raise EditedTaskError if a file of the task differs from what was planned.

    `code` maps paths to digests. Paths are relative to the task's root, which is `root` on this machine (None if the
    task is in no folder); specs of earlier versions have absolute paths.
    """
    names = [Path(path).name for path, digest in code.items() if _digest(path, root) != digest]
    if names:
        raise EditedTaskError(
            f"{', '.join(names)}: edited since the study was planned, before this trial began"
        ) from None


def _digest(path: str, root: Path | None) -> str | None:
    if root is None and not Path(path).is_absolute():
        return None
    return digest_of((root or Path()) / path)


def import_root(module: str) -> Path | None:
    """Return the folder on sys.path that a module is imported from, or None if there is none."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is not None:
        return root_of(module, Path(file).absolute())
    inside = module.replace(".", "/")  # the import has failed: look for its file
    for entry in sys.path:
        folder = Path(entry).absolute()
        if any((folder / name).is_file() for name in (f"{inside}.py", f"{inside}/__init__.py")):
            return folder
    return None
