"""No trial runs other code than it was planned with: notices where a task's files have been edited since."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweep.config.source import TaskSource
from sweep.rundir import digest_of


@dataclass(slots=True)
class _File:
    """A file as it was read: its stamp says without reading it whether it may be another by now."""

    stamp: tuple[int, int, int] | None
    digest: str | None


class PlannedCode:
    """The files of a task as they were when a study was planned, which is now. `say` is told at most once of a change.

    `changed` are the names of the files that were found edited or gone the last time that somebody asked. `digests` are
    those of the files by path: a trial that imports the task is given them, and looks for itself.
    """

    def __init__(
        self,
        source: TaskSource,
        say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - nobody listens
    ) -> None:
        self.changed: tuple[str, ...] = ()
        self._say = say
        self._has_said = False
        self._files = {path: _File(_stamp(path), digest_of(path)) for _, path in source.files}
        self.digests = {str(path.absolute()): file.digest for path, file in self._files.items()}

    def is_current(self) -> bool:
        """Return whether a process that imports the task now gets the code that was planned."""
        self.changed = tuple(path.name for path, file in self._files.items() if _is_other(path, file))
        if self.changed and not self._has_said:
            self._has_said = True
            self._say(
                f"{', '.join(self.changed)}: edited since the study was planned; no more trials are started, and those "
                "that run come to their end"
            )
        return not self.changed

    def message(self, left: str, again: str) -> str:
        """Return why what is `left` (`3 trials`) was not run, and how to go on: `again` is the command."""
        were = "was" if len(self.changed) == 1 else "were"
        return (
            f"could not be completed: {', '.join(self.changed)} {were} edited while it ran, and {left} still to run "
            "would have had other code than those before\n"
            f"begin anew, with what it says now: {again}\n"
            "(with the old code in its place again, the same command goes on where it was)"
        )


def _is_other(path: Path, file: _File) -> bool:
    stamp = _stamp(path)
    if stamp is not None and stamp == file.stamp:
        return False
    if stamp is None or digest_of(path) != file.digest:
        return True
    file.stamp = stamp  # touched, or edited and put back
    return False


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
