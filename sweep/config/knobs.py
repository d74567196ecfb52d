"""Applies and checks overrides of a task's keys, as set by a level or a search point."""

import copy
import math
import re
import sys
from collections.abc import Iterable, Mapping

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweep.config.overrides import dotted, task_override
from sweep.config.wording import in_words
from sweep.domain.by_hand import by_hand
from sweep.domain.knobs import NONE, STANDARD_KNOBS, kind_of, without_none
from sweep.domain.task_ref import TaskKind, kind_of_section, naming_key
from sweep.errors import ConfigError, nearest

_NUMBER = re.compile(r"[+-]?\d*[.,]?\d+([eE][+-]?\d+)?")


class TaskBase:
    """The task as configured, to which overrides of `task.*` can be applied.

    Overrides are applied before interpolations are resolved, so that they reach the keys that refer to them. Each text
    is parsed once.
    """

    def __init__(self, config: DictConfig) -> None:
        # One copy, changed and restored for each cell: copying it each time was 95 % of the planning time.
        self._config = copy.deepcopy(config)
        self._parsed: dict[str, tuple[str, object]] = {}
        self._written = dict(dotted(OmegaConf.to_container(config.task, resolve=False)))
        self.section = resolved_task(config)
        self._is_function = kind_of_section(self.section) in (None, TaskKind.FUNCTION)
        self.knobs: dict[str, object] = {
            name: value
            for name, value in dotted(self.section)
            if name != naming_key(self.section) and name in self._written
        }

    def check(self, text: str, *, owner: str) -> tuple[str, object]:
        """Return the key (without `task.`) and value of an override.

        The text `none` of a standard knob becomes null. Raises ConfigError, naming `owner` (the config key with the
        override), if the task lacks the knob or the value has another type than the knob's.
        """
        if text not in self._parsed:
            try:
                key, value = task_override(text)
            except ValueError as exc:
                raise ConfigError(owner, str(exc), value=text, hint="for example task.dropout=0.0") from exc
            name = key.removeprefix("task.")
            if name not in self.knobs:
                raise lacks_knob(owner, text, name, self.knobs)
            given, base = self.given(name, value), self.knobs[name]
            is_none = not self._is_function and name in STANDARD_KNOBS and NONE in (given, base)  # fits every type
            self._parsed[text] = (name, given if is_none else same_type(owner, text, base, given))
        return self._parsed[text]

    def given(self, knob: str, value: object) -> object:
        """Return the value passed to the task for a knob: null for the text `none` of a standard knob of a function."""
        if not self._is_function:
            return value
        return without_none(knob, value, base=self.knobs.get(knob))

    def has_knob(self, text: str, *, owner: str) -> bool:
        """Return whether the override's key is one of the task's. Raises ConfigError if it does not set a task key."""
        try:
            key, _ = task_override(text)
        except ValueError as exc:
            raise ConfigError(owner, str(exc), value=text, hint="for example task.dropout=0.0") from exc
        return key.removeprefix("task.") in self.knobs

    def with_overrides(self, overrides: Iterable[str], *, owner: str) -> dict[str, object]:
        """Return the resolved task section with these overrides applied. Raises ConfigError.

        Two overrides that give one key different values are an error: their cell is ambiguous.
        """
        given: dict[str, tuple[object, str]] = {}
        for text in overrides:
            name, value = self.check(text, owner=owner)
            before = given.setdefault(name, (value, text))
            if before[0] != value:
                raise ConfigError(
                    owner,
                    f"task.{name} is set twice",
                    value=f"{before[1]} and {text}",
                    hint="use a design that does not combine these axes, or remove one of them",
                )
        try:
            for name, (value, _) in given.items():
                OmegaConf.update(self._config, f"task.{name}", value, merge=False)
            return resolved_task(self._config)
        finally:
            for name in given:
                OmegaConf.update(self._config, f"task.{name}", self._written[name], merge=False)


def resolved_task(config: DictConfig) -> dict[str, object]:
    """Return the task section as plain data. Raises ConfigError if it is missing or an interpolation cannot be
    resolved."""
    try:
        section = OmegaConf.to_container(config.task, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as exc:
        key = getattr(exc, "full_key", None) or "task"
        raise ConfigError(str(key), in_words(exc)) from exc
    assert isinstance(section, dict)
    _check_plain("task", section)
    return {str(key): value for key, value in section.items()}


def _check_plain(key: str, value: object) -> None:
    """Raise ConfigError for values that a JSON file cannot hold: a trial gets its config from one."""
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise ConfigError(key, "a key must be text", value=name, hint=f'quote it: "{name}"')
            if not name or set(name) & set(".[]"):  # those with a meaning in override syntax
                hint = f"{re.sub('[][.]', '_', name) or 'KEY'}: ...; a section of keys is a: {{b: ...}}"
                raise ConfigError(key, "a key must not contain . [ ]", value=name, hint=hint)
            _check_plain(f"{key}.{name}", item)
    elif isinstance(value, list):
        for item in value:
            _check_plain(key, item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(key, "must be finite", value=value, hint="null means that there is none")
    elif not isinstance(value, str | int | float | None):
        raise ConfigError(key, "must be a number, text, true, false, null, a list or a section", value=value)


def lacks_knob(owner: str, text: str, name: str, knobs: Mapping[str, object]) -> ConfigError:
    """Return the error for an override of a key that the task does not have."""
    near = nearest(name, knobs)
    hints = [] if near is None else [f"did you mean task.{near}?"]
    if owner.startswith("axes."):
        axis, _, level = owner.removeprefix("axes.").partition(".levels.")
        hints += [f"by hand: {words}" for words in by_hand([f"{axis}={level}"])]
        hints.append(f"'~{'.'.join(owner.split('.')[:2])}' removes the axis")
    return ConfigError(
        owner,
        f"the task has no knob task.{name}",
        value=text,
        allowed=[f"task.{knob}" for knob in knobs],
        hint="; ".join(hints) or "add the key to the task's config, if its code reads it",
    )


def same_type(owner: str, text: str, base: object, value: object) -> object:
    """Return the value as the knob's type: 1 as 1.0 for a float knob, 1e2 as 100 for an int. Raises ConfigError.

    null fits every knob; any value fits a knob that is null or undefined (???); interpolations are not known yet.
    """
    if base in (None, "???") or value is None or (isinstance(value, str) and "${" in value):
        return value
    want, got = kind_of(base), kind_of(value)
    if want != got:
        problem = f"the task's value is {want} ({base!r}), but this is {got}"
        raise ConfigError(owner, problem, value=text, hint=_type_hint(base, value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(base, float):
        if abs(value) > sys.float_info.max:
            raise ConfigError(owner, "is too large", value=text)
        return float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _type_hint(base: object, value: object) -> str | None:
    """Return a hint for a value of another kind than the task's, None if there is none."""
    if isinstance(base, str) and isinstance(value, bool):
        return 'YAML reads on, off, yes and no as true and false: quote it, "off"'
    if isinstance(base, bool):
        return (
            "true or false (YAML reads on, off, yes and no so, too); if the task's value should be text, quote it there"
        )
    if isinstance(base, str) and _NUMBER.fullmatch(base.strip()):
        return "remove the quotes in the task's file: a number in quotes is text"
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return "write numbers without quotes, with a decimal point: 0.5"
    return None
