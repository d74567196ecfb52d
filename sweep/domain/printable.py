"""Text that a task wrote, made safe to show: nothing in it moves a cursor, clears a screen or reverses a line."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 control characters but tab and line feed, separators that break a line, bidirectional overrides, and lone
surrogates, which no file in UTF-8 can hold."""

T = TypeVar("T")

LONGEST_NAME = 80
"""Characters of the longest name that a table or a page shows whole."""


def printable(text: str) -> str:
    r"""Return text with what a terminal would act on spelled out, ESC as `\x1b`; line feeds and tabs are kept."""
    return _UNSAFE.sub(_escape, text) if _UNSAFE.search(text) else text


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def printable_data(value: T) -> T:
    """Return data (dataclasses, mappings, lists, text, numbers) with every text in it printable, keys included."""
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
    """Return a name of at most 80 characters, printable: of a longer one the beginning and the end."""
    shown = printable(name).replace("\n", "\\n").replace("\t", "\\t")
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 21]}…{shown[-20:]}"
