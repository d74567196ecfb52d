"""Values of ours as plain JSON and back: the only place that knows how a value looks in strict JSON.

A dataclass is an object with a key for each field, in their order; an enum is its text; tuples and sets are lists;
numpy scalars are numbers; a number that is not finite is "NaN", "Infinity" or "-Infinity", because strict JSON has no
such numbers; a time is ISO 8601 text.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
    """What strict JSON can say. In a dataclass: a part that is kept as it is."""
    JsonObject: TypeAlias = "dict[str, Json]"
else:  # the fields of a dataclass are read when one is made from JSON
    Json = object
    JsonObject = dict[str, object]

T = TypeVar("T")

KEY = "key"
"""Metadata of a field whose JSON key is not its name: `field(metadata={KEY: "ok"})`."""

OPTIONAL = "optional"
"""Metadata of a field that is left out of the JSON while it has its default: `metadata={OPTIONAL: True}`."""

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def number_text(value: float) -> float | str:
    """Return a number as strict JSON can say it: itself if it is finite, otherwise one of the three names."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def to_json(value: object) -> Json:
    """Return a value as strict JSON can say it. What is no plain data becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return number_text(float(value))
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return to_object(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return to_json(value.item()) if hasattr(value, "item") else str(value)


def to_object(value: object) -> JsonObject:
    """Return a dataclass as a JSON object. Raises TypeError if `value` is no dataclass."""
    found: JsonObject = {}
    for each in fields(cast("type", value)):
        item = getattr(value, each.name)
        if each.metadata.get(OPTIONAL) and item == _default(each):
            continue
        found[each.metadata.get(KEY, each.name)] = to_json(item)
    return found


def from_json(kind: type[T], data: object) -> T:
    """Return the value of this type that `to_json` made `data` of.

    Keys that the type lacks are ignored, and a key that is missing takes the field's default: files of older and newer
    versions can be read. Raises ValueError, which names the key, if `data` has another shape.
    """
    return cast("T", _made(kind, data, kind.__name__))


def _made(kind: object, data: object, at: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _made_any(get_args(kind), data, at)
    if origin is Literal:
        return data
    if isinstance(origin, type) and issubclass(origin, Mapping):
        _check(isinstance(data, Mapping), "an object", data, at)
        item = get_args(kind)[1]
        return {str(key): _made(item, each, f"{at}.{key}") for key, each in cast("Mapping[str, object]", data).items()}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _made_list(origin, get_args(kind), data, at)
    if isinstance(kind, type):
        return _made_plain(kind, data, at)
    return data  # Json, object: as it is


def _made_any(kinds: Sequence[object], data: object, at: str) -> object:
    """Return `data` as one of these types: None as it is, else the first type that takes it."""
    if data is None and NoneType in kinds:
        return None
    problem: ValueError | None = None
    for kind in kinds:
        if kind is NoneType:
            continue
        try:
            return _made(kind, data, at)
        except ValueError as error:
            problem = problem or error
    raise problem or ValueError(f"{at}: nothing is allowed here")


def _made_list(origin: type, kinds: Sequence[object], data: object, at: str) -> object:
    _check(isinstance(data, list | tuple), "a list", data, at)
    items = cast("Sequence[object]", data)
    if origin is tuple and not (len(kinds) == 2 and kinds[1] is Ellipsis):
        _check(len(items) == len(kinds), f"a list of {len(kinds)}", data, at)
        return tuple(_made(kind, item, f"{at}[{i}]") for i, (kind, item) in enumerate(zip(kinds, items, strict=True)))
    made = (_made(kinds[0], item, f"{at}[{i}]") for i, item in enumerate(items))
    return list(made) if origin is list else tuple(made)


def _made_plain(kind: type, data: object, at: str) -> object:
    if is_dataclass(kind):
        return _made_dataclass(kind, data, at)
    if issubclass(kind, Enum):
        return kind(data)
    if kind is float:
        if isinstance(data, str) and data in _NON_FINITE:
            return _NON_FINITE[data]
        _check(isinstance(data, int | float) and not isinstance(data, bool), "a number", data, at)
        return data if isinstance(data, float) else float(cast("int", data))
    if kind is int:
        _check(isinstance(data, int) and not isinstance(data, bool), "a whole number", data, at)
    elif kind in (str, bool):
        _check(isinstance(data, kind), "a text" if kind is str else "true or false", data, at)
    elif kind is datetime:
        _check(isinstance(data, str), "a time", data, at)
        return datetime.fromisoformat(cast("str", data))
    return data


def _made_dataclass(kind: type, data: object, at: str) -> object:
    _check(isinstance(data, Mapping), "an object", data, at)
    given = cast("Mapping[str, object]", data)
    arguments = {}
    for each, hint, key in _shape(kind):
        if key in given:
            arguments[each.name] = _made(hint, given[key], f"{at}.{key}")
        else:
            _check(_has_default(each), f"the key {key!r}", data, at)
    return kind(**arguments)


@cache
def _shape(kind: type) -> tuple[tuple["Field[object]", object, str], ...]:
    hints = get_type_hints(kind)
    return tuple((each, hints[each.name], each.metadata.get(KEY, each.name)) for each in fields(kind) if each.init)


def _has_default(each: "Field[object]") -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _default(each: "Field[object]") -> object:
    return each.default_factory() if each.default_factory is not MISSING else each.default


def _check(is_so: bool, wanted: str, data: object, at: str) -> None:
    if not is_so:
        text = repr(data)
        raise ValueError(f"{at}: expected {wanted}, found {text if len(text) <= 80 else f'{text[:77]}...'}")
