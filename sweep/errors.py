"""The errors a user may see: each names what was wrong, what was expected and, if there is one, a way out.

Failures of a trial are data (a verdict or a failure class), never exceptions of the orchestrator.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


class SweepError(Exception):
    """Base class of sweep's own errors. `exit_code` is what the command ends with."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  hint: {self.hint}"


class UsageError(SweepError):
    """The command line is invalid."""

    exit_code = 2


class ConfigError(UsageError):
    """A config key or value that is not allowed: names key, value, what is allowed and the nearest valid name."""

    def __init__(
        self,
        key: str,
        problem: str,
        *,
        value: object = None,
        allowed: Iterable[str] = (),
        hint: str | None = None,
    ) -> None:
        allowed = sorted(allowed)
        shown = f" (value: {value!r})" if value is not None else ""
        text = f"{key}: {problem}{shown}"
        if allowed:
            text += f"\n  allowed: {', '.join(allowed)}"
            near = nearest(str(value) if value is not None else key.rpartition(".")[2], allowed)
            if near is not None and hint is None:
                hint = f"did you mean {near!r}?"
        super().__init__(text, hint=hint)
        self.key = key
        self.value = value
        self.allowed = tuple(allowed)


class NothingToVaryError(ConfigError):
    """The task has no knob for any axis of the requested ablation."""


class NotFoundError(UsageError):
    """The store has no such study or trial."""


class MissingPaddleError(UsageError):
    """The task needs paddle and no paddle is installed."""


class StudyLockedError(SweepError):
    """Another live process runs this study: names its pid and host."""


class StudyGoneError(SweepError):
    """The folder of a study was removed or replaced while it was running."""


class TaskEditedError(SweepError):
    """The task was edited between the reading of its code and the start of its study."""


class OtherStoreError(UsageError):
    """A folder belongs to another store, so this one may read but not change it: names both."""


class LaunchError(SweepError):
    """A run could not be started, and no process of it exists. A fault of the machine, not the task."""


class DeviceBusyError(LaunchError):
    """No device is free for such a run now; try again when another run has ended."""


class RunElsewhereError(SweepError):
    """A run was started on another host and may still be running there: names the host. Nothing is started twice."""


class StoreError(SweepError):
    """The store cannot be opened, read or written: names the file and what to do."""


class OldStoreError(StoreError):
    """The store has an older version, and was opened for reading only."""


class DamagedStoreError(StoreError):
    """The store's file is damaged or not a database, and cannot be read again."""


class StoreUrlError(UsageError, StoreError):
    """`store.url` does not name a usable database."""


class TransitionError(SweepError):
    """A state change that the table of transitions forbids, or that another writer has already made."""


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name most like `word`, ignoring case, or None if none is close.

    Close is a difflib ratio of 0.5 or more, or a name that starts with `word` (`full`: `full_factorial`). Of equally
    close names the first in the alphabet is returned.
    """
    names = {name.lower(): name for name in allowed}
    typed = word.strip().lower()
    going_on = [name for name in names if len(typed) > 1 and name.startswith(typed)]
    close = get_close_matches(typed, names, n=len(names), cutoff=0.5) if names else []
    ratios = {name: SequenceMatcher(None, name, typed).ratio() for name in close}
    found = sorted(close, key=lambda name: (-ratios[name], name)) or sorted(going_on, key=len)
    return names[found[0]] if found else None
