"""No trial runs other code than it was planned with: notices whether a task's files have been edited since."""

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
    """A file as it was read. `stamp` is the last one under which it had this digest, None before the first look."""

    digest: str
    stamp: tuple[int, int, int] | None = None


class PlannedCode:
    """The files of a task as they were read with the study's config. `say` is called at most once about a change.

    `changed` are the names of the files that were edited or gone at the last look. `digests` are those of the files by
    their path from the task's root: a trial that imports the task is given them, and looks for itself.
    """

    def __init__(
        self,
        source: TaskSource,
        say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - nobody listens
    ) -> None:
        self.changed: tuple[str, ...] = ()
        self._say = say
        self._has_said = False
        # The read itself left no stamp, and one taken now may be that of an edit: the first look reads the file again.
        self._files = {source.root / path: _File(digest) for path, digest in source.digests.items()}
        self.digests = dict(source.digests)
        self._was_imported = False  # the planned code, by the process that runs are forked from

    def is_current(self) -> bool:
        """Return whether a process that imports the task now gets the code that was planned."""
        self._look()
        if self.changed and not self._has_said:
            self._has_said = True
            logger.warning("no more trials are started: %s edited since the study was planned", ", ".join(self.changed))
            self._say(
                f"{', '.join(self.changed)}: edited since the study was planned; no more trials are started, running "
                "ones finish"
            )
        return not self.changed

    def may_start(self, *, has_imported: bool) -> bool:
        """Return whether a run that is started now gets the code that was planned.

        `has_imported`: it comes from a process that has imported the task before. Once the files were right after that
        import, its runs have the right code, whatever the files say later.
        """
        if has_imported and self._was_imported:
            return True
        is_current = self.is_current()
        self._was_imported = has_imported and is_current
        return is_current

    def require_current(self) -> None:
        """Raise TaskEditedError if a file was edited since it was read: for before anything is recorded."""
        self._look()
        if self.changed:
            raise TaskEditedError(
                f"{', '.join(self.changed)}: edited since the config was read; nothing was run",
                hint="run the same command again: it reads the file as it is now",
            )

    def message(self, left: str, again: str) -> str:
        """Return why what is `left` (`3 trials`) was not run, and how to continue: `again` is the command."""
        were = "was" if len(self.changed) == 1 else "were"
        return (
            f"could not be completed: {', '.join(self.changed)} {were} edited while it ran, and {left} still to run "
            "would have had other code than those before\n"
            f"start again with the edited code: {again}\n"
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
    file.stamp = stamp  # the first look, or touched, or edited and put back
    return False


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
