"""Text that a task wrote, made safe to show: nothing in it moves a cursor, clears a screen or reverses a line."""

import re
from collections.abc import Mapping
from typing import Any

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 control characters but tab and line feed, separators that break a line, bidirectional overrides, and lone
surrogates, which no file in UTF-8 can hold."""

LONGEST_NAME = 80
"""Characters of the longest name that a table or a page shows whole."""


def printable(text: str) -> str:
    r"""Return text with what a terminal would act on spelled out, ESC as `\x1b`; line feeds and tabs are kept."""
    return _UNSAFE.sub(_escape, text) if _UNSAFE.search(text) else text


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def printable_data(value: Any) -> Any:
    """Return plain data (mappings, lists, text, numbers) with every text in it printable, keys included."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable_data(key): printable_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable_data(item) for item in value]
    return value


def short_name(name: str) -> str:
    """Return a name of at most 80 characters, printable: of a longer one the beginning and the end."""
    shown = printable(name).replace("\n", "\\n").replace("\t", "\\t")
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 21]}…{shown[-20:]}"
