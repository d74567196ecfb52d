"""Makes text from a task safe to show: nothing in it moves the cursor, clears the screen or reverses a line."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 control characters except tab and line feed, line separators, bidirectional overrides, and lone
surrogates, which UTF-8 cannot encode."""

T = TypeVar("T")

LONGEST_NAME = 80
"""Length of the longest name that is shown in full."""


def printable(text: str) -> str:
    r"""Return text with everything escaped that terminals act on, ESC as `\x1b`; line feeds and tabs are kept."""
    return _UNSAFE.sub(_escape, text) if _UNSAFE.search(text) else text


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def printable_data(value: T) -> T:
    """Return data (dataclasses, mappings, lists, text, numbers) with all its texts made printable, including keys."""
    return cast("T", _printable(value))


def _printable(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_printable(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _printable(getattr(value, each.name)) for each in fields(value)})
    return value


def short_name(name: str) -> str:
    """Return a printable name of at most 80 characters; a longer one is cut in the middle."""
    shown = printable(name).replace("\n", "\\n").replace("\t", "\\t")
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 21]}…{shown[-20:]}"
