"""Reads plain config data with types and ranges checked: every error names key, value and what is allowed."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sweep.errors import ConfigError, nearest

MAX_WHOLE = 2**63 - 1
"""The largest integer in a config: databases store 64 bits."""

MOST_MB = 2**43 - 1
"""The largest amount of memory, in MiB: as bytes it is still a 64-bit number."""

LONGEST_S = 1e9
"""The longest time allowed, 31 years: clocks overflow somewhere beyond."""

_COMPLETE = {
    "converge": "default", "symptoms": "default", "launcher": "local", "regression": "nightly",
}  # fmt: skip
"""Sections that a user's file may replace, each with the file of ours that has all of its keys."""


def unknown_key(key: str, allowed: Iterable[str], *, value: object = None) -> ConfigError:
    """Return the error for an unknown key; `allowed` are the keys of its section."""
    parent, _, name = key.rpartition(".")
    near = nearest(name, allowed := list(allowed))
    full = f"{parent}.{near}" if parent else near
    hint = "--cfg prints the whole config" if near is None else f"did you mean {full!r}?"
    return ConfigError(key, "unknown key", value=value, allowed=allowed, hint=hint)


def whole(value: object) -> int | None:
    """Return a value as an integer if it is one (`5e3` is), else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


class Section:
    """One mapping of the config, read key by key. Raises ConfigError for keys that are not in `known`."""

    def __init__(self, data: object, path: str, known: Iterable[str]) -> None:
        self.known = tuple(known)
        self.path = path
        if not isinstance(data, Mapping):
            raise ConfigError(path, "must be a section with keys", value=data, allowed=self.known)
        self.data: Mapping[Any, Any] = data
        for key in data:
            if key not in self.known:
                raise unknown_key(self.key(str(key)), self.known, value=data[key])

    def key(self, name: str) -> str:
        """Return the full key of a name in this section."""
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Any:
        """Return the value of a required key."""
        if name not in self.data:
            base = _COMPLETE.get(self.path)
            hint = base and f"`defaults: [{base}, _self_]` at the top of the file of {self.path} adds the missing keys"
            raise ConfigError(self.key(name), "is missing", hint=hint)
        return self.data[name]

    def integer(self, name: str, *, low: int, high: int = MAX_WHOLE) -> int:
        """Return an int from `low` to `high`."""
        return self._integer(name, low, high, "")

    def optional_integer(self, name: str, *, low: int, high: int = MAX_WHOLE) -> int | None:
        """Return an int from `low` to `high`, or None for null."""
        return None if self.get(name) is None else self._integer(name, low, high, "")

    def integer_or(self, word: str, name: str, *, low: int, high: int = MAX_WHOLE) -> int | None:
        """Return an int from `low` to `high`, or None if the value is this word."""
        return None if self.get(name) == word else self._integer(name, low, high, word)

    def _integer(self, name: str, low: int, high: int, word: str) -> int:
        value = self.get(name)
        number = whole(value)
        if number is None or number < low:
            problem = f"must be {word + ' or ' if word else ''}a whole number, {low} or more"
            hint = f"did you mean {word!r}?" if word and nearest(str(value), (word,)) else None
            raise ConfigError(self.key(name), problem, value=_shown(value), hint=hint)
        if number > high:
            raise ConfigError(self.key(name), f"at most {high}", value=value)
        return number

    def number(self, name: str, *, above: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite float greater than `above`, at most `high`."""
        return self._number(name, above, high, "")

    def optional_number(
        self, name: str, *, above: float = -math.inf, low: float = -math.inf, high: float = math.inf
    ) -> float | None:
        """Return a finite float greater than `above`, from `low` to `high`, or None for null."""
        if self.get(name) is None:
            return None
        value = self._number(name, above, high, ", or null")
        if value < low:
            raise ConfigError(self.key(name), f"must be a finite number, at least {low:g}, or null", value=value)
        return value

    def _number(self, name: str, above: float, high: float, otherwise: str) -> float:
        value = self.get(name)
        number = _float(value)
        if not math.isfinite(number) or number <= above:
            bound = "" if above == -math.inf else f" above {above:g}"
            raise ConfigError(self.key(name), f"must be a finite number{bound}{otherwise}", value=_shown(value))
        if number > high:
            raise ConfigError(self.key(name), f"at most {high:g}", value=value)
        return number

    def flag(self, name: str) -> bool:
        """Return a bool."""
        value = self.get(name)
        if not isinstance(value, bool):
            raise ConfigError(self.key(name), "must be true or false", value=_shown(value))
        return value

    def text(self, name: str) -> str:
        """Return a string that is not empty."""
        value = self.get(name)
        if not isinstance(value, str) or not value:
            raise ConfigError(self.key(name), "must be a name or text", value=_shown(value))
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string that is not empty, or None for null."""
        return None if self.get(name) is None else self.text(name)

    def choice(self, name: str, allowed: Iterable[str]) -> str:
        """Return one of the allowed words."""
        value = self.get(name)
        allowed = [str(one) for one in allowed]
        if value not in allowed:
            is_off = isinstance(value, bool) and "off" in allowed
            hint = 'YAML reads on, off, yes and no as true and false: quote it, "off"' if is_off else None
            raise ConfigError(
                self.key(name), "is not one of the allowed values", value=_shown(value), allowed=allowed, hint=hint
            )
        return str(value)


def _float(value: object) -> float:
    """Return a number as a float, NaN if it is not a number or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _shown(value: object) -> object:
    """Return a wrong value for the message: ConfigError omits None, but null is worth showing."""
    return "null" if value is None else value
