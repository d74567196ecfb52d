"""The errors a user may meet: each names what was wrong, what was expected and, where there is one, a way out.

Failures of a trial are data (a verdict or a failure class), never exceptions of the orchestrator.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


class SweepError(Exception):
    """Anything sweep itself refuses or cannot do. `exit_code` is what the command ends with."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  hint: {self.hint}"


class UsageError(SweepError):
    """The command line cannot be understood."""

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
    """The task has no knob for any axis of the ablation that was asked for."""


class NotFoundError(UsageError):
    """A study or trial that the store does not hold."""


class MissingPaddleError(UsageError):
    """The task needs paddle and no paddle is installed."""


class StudyLockedError(SweepError):
    """Another live process drives this study: names its pid and host."""


class StudyGoneError(SweepError):
    """The folder of a study was removed or replaced while its driver was at work on it."""


class TaskEditedError(SweepError):
    """The task was edited between the reading of its code and the start of its study."""


class OtherStoreError(UsageError):
    """A folder belongs to another store than the one in hand, which may read it and not change it: names both."""


class LaunchError(SweepError):
    """A run could not be started; nothing of it runs. The machine's fault, not the task's."""


class DeviceBusyError(LaunchError):
    """No device is free for such a run now; try again when another run has ended."""


class RunElsewhereError(SweepError):
    """A run was started on another host and may still run there: names the host. Nothing is started twice."""


class StoreError(SweepError):
    """The store cannot be opened, read or written: names the file and what can be done."""


class OldStoreError(StoreError):
    """The store has an older version, and was opened for reading only."""


class DamagedStoreError(StoreError):
    """The file of the store is damaged, or no database: nothing reads it any more."""


class StoreUrlError(UsageError, StoreError):
    """`store.url` names nothing that a store can be kept in."""


class TransitionError(SweepError):
    """A state change that the table of legal transitions does not allow, or that another writer has already made."""


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name most like `word`, whatever its case, or None where nothing is close.

    Close is a difflib ratio of 0.5 or more, or else a name that goes on where `word` ends (`full`: `full_factorial`).
    Of names that are equally close the first in the alphabet is returned.
    """
    names = {name.lower(): name for name in allowed}
    typed = word.strip().lower()
    going_on = [name for name in names if len(typed) > 1 and name.startswith(typed)]
    close = get_close_matches(typed, names, n=len(names), cutoff=0.5) if names else []
    ratios = {name: SequenceMatcher(None, name, typed).ratio() for name in close}
    found = sorted(close, key=lambda name: (-ratios[name], name)) or sorted(going_on, key=len)
    return names[found[0]] if found else None
