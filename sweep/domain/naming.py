"""Automatic study names, and when another config gets another name. Pure.

An automatic name consists of task and question (`seq-base`). The first config under it keeps it. A config with another
value of `task.*` or another target gets a name that states the difference (`seq-base-lr=0.22`), independent of the
order in which overrides were typed. Seeds, axes, launcher, driver and code do not change the name; but another script
of the same name, in another folder, is another study.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweep.domain.recorded_config import Home, RecordedConfig
from sweep.domain.target import Target

MOST_DIFFERENCE = 40
"""Maximum length of a difference in a name; longer ones become a digest."""
MOST_NAME = 80
"""Maximum length of a name with its difference: the studies of its stages have longer names."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_TARGET_KEYS = {"threshold": "target"}
"""Keys of a target as users set them, if they differ from its fields."""


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs. `before` and `now` are plain values; UNSET if that side lacks the key."""

    key: str
    before: object
    now: object


UNSET = "unset"
FOLDER = "task.folder"
"""Where a script lies, as a key of a change."""


@dataclass(frozen=True, slots=True)
class Question:
    """The question behind a study's name: the resolved task section and the target.

    For a script or a command also `home`, where it lies, and `asked`, the target as it was given: what is left out
    there follows from the program (its length, the full name of its metric), and may change with its code.
    """

    task: Mapping[str, object] = field(hash=False)
    target: Target
    home: Home | None = None
    asked: Mapping[str, object] | None = field(default=None, hash=False)

    @classmethod
    def recorded(cls, config: RecordedConfig) -> "Question":
        """Return the question of a recorded config. Raises KeyError, ValueError."""
        return cls(config.task, config.target, config.home, config.asked)

    def values(self) -> dict[str, object]:
        """Return all values by the keys that a user sets (`task.lr`, `converge.target`); a list is one value."""
        target = self.target.to_mapping() if self.asked is None else self.asked
        ours = {f"converge.{_TARGET_KEYS.get(key, key)}": value for key, value in target.items()}
        place = {} if self.home is None else {FOLDER: self.home.folder}
        return dict(_leaves(self.task, "task")) | ours | place

    def is_same(self, other: "Question") -> bool:
        """Return whether two questions have the same values; 1 and 1.0 are equal, 1 and true are not."""
        return not changes(self, other)


def changes(before: Question, now: Question) -> tuple[Change, ...]:
    """Return the differences, sorted by key. A script of the same code is the same in another folder."""
    old, new = before.values(), now.values()
    if before.home is None or now.home is None or before.home.code == now.home.code:
        old.pop(FOLDER, None)
        new.pop(FOLDER, None)
    return tuple(
        Change(key, old.get(key, UNSET), new.get(key, UNSET))
        for key in sorted({*old, *new})
        if (key in old) != (key in new) or _canonical(old[key]) != _canonical(new[key])
    )


def study_name(
    plain: str,
    question: Question,
    recorded: Callable[[str], Question | None],
    names: Callable[[], Iterable[str]] = tuple,
    *,
    may_be_replaced: bool = False,
) -> str:
    """Return the name for a question under the automatic name `plain`.

    `recorded` returns the recorded question of a name, None if that study does not exist; `names` are all recorded
    names. The plain name goes to the first question. Another question is named by its difference from that, or by a
    digest of it if the difference is long, or if a study of that name has another question (values that differ only in
    characters not allowed in folder names). A question that is recorded under such a name keeps it, whatever the plain
    study now holds: that may be deleted, or have another question (`may_be_replaced`: its name was set by
    `study=NAME`).
    """
    first = recorded(plain)
    if first is not None and first.is_same(question) and not may_be_replaced:
        return plain
    for name in names():
        if is_difference_name(name, plain, question) and (found := recorded(name)) and found.is_same(question):
            return name
    if first is None or first.is_same(question):
        return plain
    name = f"{plain}-{difference_text(changes(first, question))}"
    if len(name) - len(plain) - 1 <= MOST_DIFFERENCE and len(name) <= MOST_NAME and not name.endswith(".db"):
        found = recorded(name)
        if found is None or found.is_same(question):
            return name
    return f"{plain}-{_digest(question)}"


def is_difference_name(name: str, plain: str, question: Question) -> bool:
    """Return whether a question may have got this name beside `plain`: the name contains its values, or its digest.

    Which values depends on the plain study at that time; a key that only the plain study had is `unset`.
    """
    rest = name.removeprefix(f"{plain}-")
    if rest == name:
        return False
    values = {_part(key, value) for key, value in question.values().items()}
    return rest == _digest(question) or all(part in values or part.endswith(f"={UNSET}") for part in rest.split("+"))


def difference_text(found: tuple[Change, ...]) -> str:
    """Return differences as part of a folder name: `lr=0.22+width=4`, sorted."""
    return "+".join(sorted(_part(change.key, change.now) for change in found))


def change_words(found: tuple[Change, ...], *, most: int = 3) -> str:
    """Return differences for display: `task.lr 100 instead of 0.22`."""
    words = [f"{each.key} {_value_text(each.now)} instead of {_value_text(each.before)}" for each in found[:most]]
    return ", ".join(words) + (f" and {len(found) - most} more" if len(found) > most else "")


def _part(key: str, value: object) -> str:
    return f"{_safe(_label(key))}={_safe(_value_text(value))}"


def _label(key: str) -> str:
    return key.removeprefix("task.").removeprefix("converge.")


def _leaves(value: object, name: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}")
    else:
        yield name, value


def _value_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "_".join(_value_text(item) for item in value)
    return json.dumps(_normal(value))


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text)


def _normal(value: Any) -> Any:
    """Return plain data in which equal numbers are written alike: 100.0 becomes 100."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value


def _canonical(value: object) -> str:
    return json.dumps(_normal(value), sort_keys=True)


def _digest(question: Question) -> str:
    return hashlib.blake2b(_canonical(question.values()).encode(), digest_size=4).hexdigest()
