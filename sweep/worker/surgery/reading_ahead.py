"""Reads samples of a loader's dataset before the program does, for statistics."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import paddle
from paddle.io.dataloader.collate import default_collate_fn

from sweep.worker.surgery.book import Book
from sweep.worker.surgery.loaders import LoaderRecord

SAMPLES = 1024
CHUNK = 64
"""Samples that are collated at once."""

Path = tuple[Any, ...]
"""The key of a field in a batch; none if the batch is the field itself."""


def read_ahead(
    record: LoaderRecord, take: Callable[[Any], np.ndarray | None], book: Book, knob: str
) -> list[np.ndarray]:
    """Return what `take` finds in the batches of up to 1024 samples, evenly spaced over the dataset of a loader.

    The random numbers that this draws are given back. A dataset that fails, or can be read only once, gives a limit of
    the knob and nothing.
    """
    state = random.getstate(), np.random.get_state(), paddle.get_rng_state()
    try:
        return [part for part in map(take, _batches(record)) if part is not None]
    except Exception as error:  # it is the program's own code that fails, in a way that it never does by itself
        book.limit(f"{knob}: the dataset of the loader at {record.place} cannot be read ahead: {error!r}")
        return []
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
        paddle.set_rng_state(state[2])


def _batches(record: LoaderRecord) -> Iterator[Any]:
    if record.is_iterable:
        raise TypeError("an IterableDataset can be read only once")
    dataset, loader = record.dataset, record.loader
    places = np.linspace(0, len(dataset) - 1, min(len(dataset), SAMPLES)).round().astype(int).tolist()
    collate = loader.collate_fn or default_collate_fn
    for start in range(0, len(places), CHUNK):
        samples = [dataset[place] for place in places[start : start + CHUNK]]
        yield from [collate(samples)] if loader.auto_collate_batch else samples


def fields_of(batch: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the arrays and tensors in a batch, with their paths."""
    if is_array(batch):
        yield (), batch
    elif isinstance(batch, dict | list | tuple):
        for key, field in batch.items() if isinstance(batch, dict) else enumerate(batch):
            if is_array(field):
                yield (key,), field


def is_array(value: Any) -> bool:
    """Return whether this is a tensor or a numpy array."""
    return isinstance(value, paddle.Tensor | np.ndarray)


def at_path(batch: Any, path: Path) -> Any:
    """Return a field of a batch."""
    return batch[path[0]] if path else batch
