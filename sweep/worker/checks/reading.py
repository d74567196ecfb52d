"""Reads what a task's `data(cfg)` returns, of any type, up to a limit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.clock import monotonic_s

READ_BYTES = 256 * 2**20
"""Maximum size of a set's inputs in memory, in bytes."""
UNDERSTOOD = (
    "an object with x and y, a tuple (x, y) of arrays, a paddle Dataset (map-style or iterable), a DataLoader, "
    "or an iterable of (input, label)"
)


class UnreadableError(Exception):
    """A set cannot be read: the message says which sample and why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadSet:
    """What was read of one set: inputs `x` [n, ...], labels `y` [n, ...] or None, n of `total` (None: not known).

    If the inputs do not form one array, `problem` says why, and `x` and `y` are None.
    """

    type_name: str
    total: int | None
    read: int
    x: NDArray[Any] | None
    y: NDArray[Any] | None
    problem: str = ""


def split_sets(data: Any) -> tuple[Any, Any]:
    """Return (training set, validation set) of what `data(cfg)` returned; the second may be None."""
    if isinstance(data, tuple | list) and len(data) >= 2 and not _are_columns(data):
        return data[0], data[1]
    return data, None


def columns_of(data: Any) -> tuple[Any, Any] | None:
    """Return (x, y) of a set with one array of inputs and one of labels, None for any other set."""
    if isinstance(data, tuple | list) and len(data) == 2 and _are_columns(data):
        return data[0], data[1]
    x, y = getattr(data, "x", None), getattr(data, "y", None)
    return (x, y) if _is_column(x) and _is_column(y) else None


def read_set(data: Any, *, limit: int, seconds: float) -> ReadSet:
    """Return up to `limit` samples of a set, spread evenly over it if it allows random access.

    Reads no more than READ_BYTES of inputs and takes little more than `seconds`. Raises UnreadableError.
    """
    name = type(data).__name__
    columns = columns_of(data)
    if columns is not None:
        return _of_columns(name, *columns, limit)
    if hasattr(data, "batch_sampler") and hasattr(data, "dataset"):  # a paddle.io.DataLoader, or one with its interface
        return _of_samples(name, _length(data.dataset), _unbatched(data), limit, seconds)
    total = _length(data)
    if total is not None and hasattr(data, "__getitem__"):
        rows = even_rows(total, limit)
        return _of_samples(name, total, _indexed(data, rows), limit, seconds)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | dict):
        return _of_samples(name, total, _iterated(data, "sample"), limit, seconds)
    raise UnreadableError(f"a {name} cannot be read; supported: {UNDERSTOOD}")


def even_rows(total: int, limit: int) -> list[int]:
    """Return at most `limit` row numbers below `total`, ascending and spread evenly."""
    return [int(i) for i in np.linspace(0, total - 1, min(total, limit)).round()] if total else []


def parts_of(sample: Any) -> tuple[Any, Any]:
    """Return (input, label) of one sample; the label is None if it has none. Raises UnreadableError."""
    if isinstance(sample, dict):
        raise UnreadableError("a sample is a dict; it must be (input, label)")
    if isinstance(sample, tuple | list):
        if not sample:
            raise UnreadableError("a sample is empty")
        return (sample[0], sample[-1]) if len(sample) > 1 else (sample[0], None)
    return sample, None


def _is_column(value: Any) -> bool:
    return len(getattr(value, "shape", ())) >= 1 and hasattr(value, "dtype")


def _are_columns(pair: Any) -> bool:
    """Return whether this is (x, y), arrays of one length, rather than (training set, validation set)."""
    return all(map(_is_column, pair)) and len({int(part.shape[0]) for part in pair}) == 1 and len(pair) == 2


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except Exception:  # an IterableDataset raises an error
        return None


def _of_columns(name: str, x: Any, y: Any, limit: int) -> ReadSet:
    total = int(x.shape[0])
    if int(y.shape[0]) != total:
        raise UnreadableError(f"the set has {total:,} inputs, but {int(y.shape[0]):,} labels")
    if not total:
        raise UnreadableError("it holds no sample")
    first = np.asarray(x[0])
    rows = even_rows(total, _within_bytes(limit, first))
    chosen = slice(None) if len(rows) == total else np.array(rows)
    inputs, labels = np.asarray(x)[chosen], np.asarray(y)[chosen]
    if inputs.dtype == object:
        return ReadSet(
            type_name=name, total=total, read=len(inputs), x=None, y=None, problem=_why_not_one_array([inputs])
        )
    return ReadSet(type_name=name, total=total, read=len(inputs), x=inputs, y=labels)


def _within_bytes(limit: int, first: NDArray[Any]) -> int:
    return max(1, min(limit, READ_BYTES // max(first.nbytes, 1)))


def _indexed(data: Any, rows: Iterable[int]) -> Iterator[Any]:
    for i in rows:
        try:
            sample = data[i]
        except Exception as error:
            raise UnreadableError(f"sample {i}: {type(error).__name__}: {error}") from error
        yield sample


def _iterated(data: Iterable[Any], word: str) -> Iterator[Any]:
    i = 0
    try:
        for item in data:
            yield item
            i += 1
    except Exception as error:
        raise UnreadableError(f"{word} {i}: {type(error).__name__}: {error}") from error


def _unbatched(loader: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for batch in _iterated(loader, "batch"):
        x, y = parts_of(batch)
        for k in range(int(x.shape[0])):
            yield x[k], None if y is None else y[k]


def _of_samples(name: str, total: int | None, samples: Iterable[Any], limit: int, seconds: float) -> ReadSet:
    inputs: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    until = monotonic_s() + seconds
    for sample in islice(samples, limit):
        x, y = parts_of(sample)
        inputs.append(np.asarray(x))
        if y is not None:
            labels.append(np.asarray(y))
        if len(inputs) >= _within_bytes(limit, inputs[0]) or monotonic_s() > until:
            break
    if not inputs:
        raise UnreadableError("it holds no sample")
    n = len(inputs)
    problem = _why_not_one_array(inputs)
    is_labelled = not problem and len(labels) == n and len({label.shape for label in labels}) == 1
    return ReadSet(
        type_name=name,
        total=total,
        read=n,
        x=None if problem else np.stack(inputs),
        y=np.stack(labels) if is_labelled else None,
        problem=problem,
    )


def _why_not_one_array(inputs: Sequence[NDArray[Any]]) -> str:
    if inputs[0].dtype == object:
        return "the inputs are objects, not numbers"
    shapes = sorted({array.shape for array in inputs})
    if len(shapes) == 1:
        return ""
    return f"inputs differ in shape: {', '.join(map(str, shapes[:3]))}{', ...' if len(shapes) > 3 else ''}"
