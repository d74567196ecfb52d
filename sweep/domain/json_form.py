"""Dataclasses and other values as plain JSON and back: the only place that defines how they look in strict JSON.

A dataclass is an object with a key for each field, in order; an enum is its text; tuples and sets are lists; numpy
scalars are numbers; a number that is not finite is "NaN", "Infinity" or "-Infinity", because strict JSON has no such
numbers; a time is ISO 8601 text. A dataclass with a property `json_form` is written as the value of that property.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
    """A value that strict JSON can represent. As the type of a dataclass field: kept as it is."""
    JsonObject: TypeAlias = "dict[str, Json]"
else:  # from_json evaluates the types of a dataclass's fields
    Json = object
    JsonObject = dict[str, object]

T = TypeVar("T")

KEY = "key"
"""Metadata of a field whose JSON key differs from its name: `field(metadata={KEY: "ok"})`."""

OPTIONAL = "optional"
"""Metadata of a field that is omitted while it has its default: `metadata={OPTIONAL: True}`."""

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""The numbers that strict JSON does not have, by the names that we write for them."""


def json_number(value: float) -> float | str:
    """Return a number for strict JSON: itself if it is finite, otherwise one of the three names."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def to_json(value: object) -> Json:
    """Return a value for strict JSON. What is not plain data becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return json_number(float(value))
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        form = getattr(value, "json_form", value)
        return to_object(value) if form is value else to_json(form)
    if isinstance(value, datetime):
        return value.isoformat()
    return to_json(value.item()) if hasattr(value, "item") else str(value)


def to_object(value: object) -> JsonObject:
    """Return a dataclass as a JSON object. Raises TypeError if `value` is not a dataclass."""
    found: JsonObject = {}
    for each in fields(cast("type", value)):
        item = getattr(value, each.name)
        if each.metadata.get(OPTIONAL) and item == _default(each):
            continue
        found[each.metadata.get(KEY, each.name)] = to_json(item)
    return found


def from_json(kind: type[T], data: object) -> T:
    """Return the value of this type that `to_json` turned into `data`.

    Unknown keys are ignored, and missing keys take the field's default, so files of older and newer versions can be
    read. Raises ValueError, naming the key, if `data` has another shape.
    """
    try:
        return cast("T", _reader(cast("Hashable", kind))(data))
    except _OtherShapeError as error:
        raise ValueError(f"{kind.__name__}{''.join(reversed(error.at))}: {error}") from None


Reader: TypeAlias = Callable[[object], object]
"""Makes a value of one type from JSON. Raises _OtherShapeError."""


class _OtherShapeError(ValueError):
    """The data does not have the shape of its type; `at` is the place, innermost part first."""

    def __init__(self, wanted: str, data: object) -> None:
        text = repr(data)
        super().__init__(f"expected {wanted}, found {text if len(text) <= 80 else f'{text[:77]}...'}")
        self.at: list[str] = []


@cache  # each type is inspected once: documents have thousands of parts
def _reader(kind: object) -> Reader:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _reader_of_union(get_args(kind))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _reader_of_mapping(_reader(get_args(kind)[1]))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        kinds = get_args(kind)
        if origin is tuple and not (len(kinds) == 2 and kinds[1] is Ellipsis):
            return _reader_of_parts([_reader(each) for each in kinds])
        return _reader_of_items(_reader(kinds[0]), list if origin is list else tuple)
    if is_dataclass(kind) and isinstance(kind, type):
        return _reader_of_dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _reader_of_enum(kind)
    return _PLAIN.get(kind, _as_it_is)  # Json, object, Literal: as it is


def _reader_of_union(kinds: Sequence[object]) -> Reader:
    """Return a reader that keeps None, and reads other data as the first of these types that accepts it."""
    readers, has_none = [_reader(kind) for kind in kinds if kind is not NoneType], NoneType in kinds

    def read(data: object) -> object:
        if data is None and has_none:
            return None
        problem: _OtherShapeError | None = None
        for reader in readers:
            try:
                return reader(data)
            except _OtherShapeError as error:
                problem = problem or error
        raise problem or _OtherShapeError("nothing", data)

    return read


def _reader_of_mapping(reader: Reader) -> Reader:
    def read(data: object) -> object:
        if not isinstance(data, Mapping):
            raise _OtherShapeError("an object", data)
        return {str(key): _part(reader, item, str(key)) for key, item in data.items()}

    return read


def _reader_of_parts(readers: Sequence[Reader]) -> Reader:
    def read(data: object) -> object:
        if not isinstance(data, list | tuple) or len(data) != len(readers):
            raise _OtherShapeError(f"a list of {len(readers)}", data)
        return tuple(_part(reader, item, i) for i, (reader, item) in enumerate(zip(readers, data, strict=True)))

    return read


def _reader_of_items(reader: Reader, made: Callable[[Iterable[object]], object]) -> Reader:
    def read(data: object) -> object:
        if not isinstance(data, list | tuple):
            raise _OtherShapeError("a list", data)
        if reader is _as_it_is:
            return made(data)
        return made([_part(reader, item, i) for i, item in enumerate(data)])

    return read


def _reader_of_dataclass(kind: type) -> Reader:
    def read(data: object) -> object:
        if not isinstance(data, Mapping):
            raise _OtherShapeError("an object", data)
        arguments = {}
        for name, key, reader, is_required in _shape(kind):
            if key in data:
                arguments[name] = _part(reader, data[key], key)
            elif is_required:
                raise _OtherShapeError(f"the key {key!r}", data)
        return kind(**arguments)

    return read


def _reader_of_enum(kind: type[Enum]) -> Reader:
    def read(data: object) -> object:
        try:
            return kind(data)
        except ValueError:
            raise _OtherShapeError(f"one of {', '.join(str(each.value) for each in kind)}", data) from None

    return read


def _part(reader: Reader, data: object, at: str | int) -> object:
    """Return a part of a value, found at this key or index."""
    try:
        return reader(data)
    except _OtherShapeError as error:
        error.at.append(f"[{at}]" if isinstance(at, int) else f".{at}")
        raise


def _as_it_is(data: object) -> object:
    return data


def _read_float(data: object) -> object:
    if isinstance(data, float):
        return data
    if isinstance(data, str) and data in NON_FINITE:
        return NON_FINITE[data]
    if not isinstance(data, int) or isinstance(data, bool):
        raise _OtherShapeError("a number", data)
    return float(data)


def _read_int(data: object) -> object:
    if not isinstance(data, int) or isinstance(data, bool):
        raise _OtherShapeError("a whole number", data)
    return data


def _read_str(data: object) -> object:
    if not isinstance(data, str):
        raise _OtherShapeError("a text", data)
    return data


def _read_bool(data: object) -> object:
    if not isinstance(data, bool):
        raise _OtherShapeError("true or false", data)
    return data


def _read_datetime(data: object) -> object:
    try:
        return datetime.fromisoformat(cast("str", data))
    except (TypeError, ValueError):
        raise _OtherShapeError("a time", data) from None


_PLAIN: Mapping[object, Reader] = {
    float: _read_float,
    int: _read_int,
    str: _read_str,
    bool: _read_bool,
    datetime: _read_datetime,
}


@cache  # evaluated with the first value, so that a dataclass may have parts of its own type
def _shape(kind: type) -> tuple[tuple[str, str, Reader, bool], ...]:
    """Return name, key and reader of each field, and whether it is required."""
    hints = get_type_hints(kind)
    return tuple(
        (each.name, each.metadata.get(KEY, each.name), _reader(hints[each.name]), not _has_default(each))
        for each in fields(kind)
        if each.init
    )


def _has_default(each: "Field[object]") -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _default(each: "Field[object]") -> object:
    return each.default_factory() if each.default_factory is not MISSING else each.default
