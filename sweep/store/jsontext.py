"""Plain data as strict JSON text and back, including NaN and both infinities.

JSON has no such numbers and strict parsers reject Python's `NaN`, so a non-finite float is written as the object
`{"$float": "NaN"}` (`Infinity`, `-Infinity`), which means nothing else. Dictionary keys become text and tuples lists,
as always in JSON.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from sweep.domain.json_form import NON_FINITE, json_number

_TAG = "$float"


def dumps(value: Any) -> str:
    """Return strict JSON text. Raises TypeError for what is not plain data, ValueError for a cycle."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except ValueError:  # a non-finite number: rare, so the whole value is walked only then
        text = json.dumps(_tagged(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    # Undecodable parts of a folder name are escaped as JSON would: no database accepts them unchanged.
    return text if text.isascii() else text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def loads(text: str) -> Any:
    """Return the data that `dumps` wrote."""
    return json.loads(text, object_hook=_untagged) if _TAG in text else json.loads(text)


def _tagged(value: Any) -> Any:
    if hasattr(value, "item") and not isinstance(value, Mapping):  # a numpy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {_TAG: json_number(value)}
    if isinstance(value, Mapping):
        return {key: _tagged(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_tagged(part) for part in value]
    return value


def _untagged(found: dict[str, Any]) -> Any:
    return NON_FINITE.get(found[_TAG], found) if len(found) == 1 and isinstance(found.get(_TAG), str) else found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not plain data and cannot be stored: {value!r}")
