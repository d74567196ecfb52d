"""A training set reduced to a few samples, in the same form, so that a task reads it like the whole set."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.worker.checks.measures import classes_of, row_hashes
from sweep.worker.checks.reading import UnreadableError, columns_of, even_rows, parts_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """A few samples: `data` in the form of the whole set, their number `n`, and their classes (empty if none)."""

    data: Any
    n: int
    classes: tuple[str, ...]


def reduce_set(data: Any, n: int, *, limit: int) -> Reduced:
    """Return a set of the same type with `n` of the samples, or with all if there are fewer.

    They are chosen from up to `limit` samples, the first or evenly spread ones: different inputs, with the classes as
    balanced as possible. Random transforms run once, as the samples are read, so that every epoch has the same samples.
    Raises UnreadableError.
    """
    columns = columns_of(data)
    if columns is not None:
        return _of_columns(data, columns, n)
    if hasattr(data, "batch_sampler") and hasattr(data, "dataset"):
        return _of_loader(data, n)
    length = getattr(data, "__len__", None)
    if hasattr(data, "__getitem__") and length is not None and not _is_iterable_dataset(data):
        rows = even_rows(len(data), limit)
        samples = [data[i] for i in rows]
    elif hasattr(data, "__iter__"):
        samples = [sample for _, sample in zip(range(limit), data, strict=False)]
    else:
        raise UnreadableError(f"a {type(data).__name__} cannot be reduced to {n} samples")
    rows, classes = _choose([parts_of(sample) for sample in samples], n)
    chosen = [samples[row] for row in rows]
    cut = type(data)(chosen) if isinstance(data, list | tuple) else _frozen(data, chosen)
    return Reduced(data=cut, n=len(rows), classes=classes)


def choose_rows(x: NDArray[Any], y: NDArray[Any] | None, n: int) -> tuple[list[int], tuple[str, ...]]:
    """Return `n` rows (fewer if there are fewer different inputs), and their classes.

    Rows are taken from each class in turn, if there are few enough different labels for classes.
    """
    first = {key: i for i, key in reversed(list(enumerate(row_hashes(x))))}
    distinct = sorted(first.values())
    labels = None if y is None else classes_of(np.asarray(y))
    if labels is None or not (labels == np.rint(labels)).all() or len(np.unique(labels)) > max(20, len(labels) // 4):
        return distinct[:n], ()
    queues = {label: [i for i in distinct if labels[i] == label] for label in np.unique(labels[distinct]).tolist()}
    rows: list[int] = []
    while len(rows) < min(n, len(distinct)):
        for queue in queues.values():
            if queue and len(rows) < n:
                rows.append(queue.pop(0))
    return sorted(rows), tuple(f"{labels[row]:g}" for row in sorted(rows))


def _choose(parts: Sequence[tuple[Any, Any]], n: int) -> tuple[list[int], tuple[str, ...]]:
    inputs = [np.asarray(x) for x, _ in parts]
    if len({array.shape for array in inputs}) != 1:
        return list(range(min(n, len(parts)))), ()
    labels = [np.asarray(y) for _, y in parts]
    is_labelled = all(y is not None for _, y in parts) and len({label.shape for label in labels}) == 1
    return choose_rows(np.stack(inputs), np.stack(labels) if is_labelled else None, n)


def _of_columns(data: Any, columns: tuple[Any, Any], n: int) -> Reduced:
    x, y = columns
    among = min(len(x), 50 * n + 1000)
    rows, classes = choose_rows(np.asarray(x[:among]), np.asarray(y[:among]), n)
    index = np.array(rows)
    if isinstance(data, list | tuple):
        return Reduced(data=type(data)([x[index], y[index]]), n=len(rows), classes=classes)
    cut = copy.copy(data)
    for name, part in (("x", x[index]), ("y", y[index])):
        object.__setattr__(cut, name, part)  # works for frozen dataclasses, too
    return Reduced(data=cut, n=len(rows), classes=classes)


def _of_loader(loader: Any, n: int) -> Reduced:
    """Return a loader with one batch: up to `n` samples of the first batch."""
    for batch in loader:
        x, y = parts_of(batch)
        rows, classes = choose_rows(np.asarray(x), None if y is None else np.asarray(y), n)
        parts = [part[np.array(rows)] if hasattr(part, "shape") else part for part in _listed(batch)]
        only = type(batch)(parts) if isinstance(batch, list | tuple) else parts[0]
        return Reduced(data=_frozen(loader, [only]), n=len(rows), classes=classes)
    raise UnreadableError("the loader has no batch")


def _listed(batch: Any) -> list[Any]:
    return list(batch) if isinstance(batch, list | tuple) else [batch]


def _is_iterable_dataset(data: Any) -> bool:
    return any(base.__name__ == "IterableDataset" for base in type(data).__mro__)


def _frozen(data: Any, items: Sequence[Any]) -> Any:
    """Return a copy of `data`, of a subclass of its type, that has only these items."""
    kind = type(data)

    def __iter__(self: Any) -> Iterator[Any]:  # noqa: N807, ARG001 - becomes a method
        return iter(items)

    body: dict[str, Any] = {"__iter__": __iter__}
    if not _is_iterable_dataset(data):
        body |= {"__len__": lambda self: len(items), "__getitem__": lambda self, i: items[i]}  # noqa: ARG005
    try:
        cut = copy.copy(data)
        cut.__class__ = type(kind.__name__, (kind,), body)
    except TypeError:  # a generator, or a type without subclasses: a list can be iterated, too
        return list(items)
    return cut
