"""Keeps trials from running other code than was planned: notices edits of a task's files."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweep.config.source import TaskSource
from sweep.errors import TaskEditedError
from sweep.rundir import digest_of

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _File:
    """A file as it was read. `stamp` is the last one at which it had this digest, None before the first check."""

    digest: str
    stamp: tuple[int, int, int] | None = None


class PlannedCode:
    """The files of a task as they were read with the study's config. `say` is called at most once, after an edit.

    `changed` has the names of the files that were edited or missing at the last check. `digests` maps each file's path,
    relative to the task's root, to its digest; each trial gets them and checks what it imports.
    """

    def __init__(
        self,
        source: TaskSource,
        say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - by default nothing is printed
    ) -> None:
        self.changed: tuple[str, ...] = ()
        self._say = say
        self._has_said = False
        # Reading the config took no stamp, and one taken now may follow an edit: the first check reads the file again.
        self._files = {source.root / path: _File(digest) for path, digest in source.digests.items()}
        self.digests = dict(source.digests)
        self._was_imported = False  # whether the process that runs are forked from has imported the planned code

    def is_current(self) -> bool:
        """Return whether a process that imports the task now gets the code that was planned."""
        self._look()
        if self.changed and not self._has_said:
            self._has_said = True
            logger.warning("no new trials start: %s edited since the study was planned", ", ".join(self.changed))
            self._say(
                f"{', '.join(self.changed)}: edited since the study was planned; running trials finish, no new ones "
                "start"
            )
        return not self.changed

    def may_start(self, *, has_imported: bool) -> bool:
        """Return whether a run that starts now gets the code that was planned.

        `has_imported`: whether it is forked from a process that has already imported the task. If the files were
        unchanged after that import, its runs have the planned code, even if the files are edited later.
        """
        if has_imported and self._was_imported:
            return True
        is_current = self.is_current()
        self._was_imported = has_imported and is_current
        return is_current

    def require_current(self) -> None:
        """Raise TaskEditedError if a file was edited since it was read. Called before anything is recorded."""
        self._look()
        if self.changed:
            raise TaskEditedError(
                f"{', '.join(self.changed)}: edited since the config was read; nothing was run",
                hint="run the same command again; it uses the edited file",
            )

    def message(self, left: str, again: str) -> str:
        """Return why what is `left` (`3 trials`) was not run, and how to resume; `again` is the command."""
        were = "was" if len(self.changed) == 1 else "were"
        return (
            f"could not be completed: {', '.join(self.changed)} {were} edited while it ran; {left} still to run "
            "would have run other code than the earlier ones\n"
            f"to start over with the edited code: {again}\n"
            "(Restore the old code and the same command resumes.)"
        )

    def _look(self) -> None:
        self.changed = tuple(path.name for path, file in self._files.items() if _is_other(path, file))


def _is_other(path: Path, file: _File) -> bool:
    stamp = _stamp(path)
    if stamp is not None and stamp == file.stamp:
        return False
    if stamp is None or digest_of(path) != file.digest:
        return True
    file.stamp = stamp  # the first check, or the file was touched, or edited and restored
    return False


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
