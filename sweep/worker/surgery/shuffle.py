"""`shuffle`: whether the training loaders give their samples in a new order in each epoch.

The order is drawn from the stream `order` of the trial, so the program's own random numbers stay as they are. An
IterableDataset, a sampler or a batch sampler of the program's own, and programs without a DataLoader are not reached.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from paddle.io import DistributedBatchSampler, RandomSampler, Sampler, SequenceSampler

from sweep.worker.surgery import Surgery
from sweep.worker.surgery.loaders import LoaderRecord, loaders_of
from sweep.worker.surgery.values import switch


class Shuffled(Sampler):  # type: ignore[misc]
    """Gives the indices of a dataset in a new order at each iteration."""

    def __init__(self, data_source: Any, random: np.random.RandomState) -> None:
        super().__init__(data_source)
        self._random = random

    def __iter__(self) -> Iterator[int]:
        yield from self._random.permutation(len(self.data_source)).tolist()

    def __len__(self) -> int:
        return len(self.data_source)


def install(surgery: Surgery, value: object | None) -> None:
    """Record the training loaders; with true or false, set whether they shuffle. Raises ValueError for other values."""
    wanted = None if value is None else switch("shuffle", value)
    loaders_of(surgery).join(_Shuffle(surgery, wanted))


class _Shuffle:
    def __init__(self, surgery: Surgery, wanted: bool | None) -> None:
        self._book, self._wanted, self._seed = surgery.book, wanted, surgery.stream("order")
        self._randoms: dict[int, np.random.RandomState] = {}  # by number: loaders made alike share one

    def apply(self, record: LoaderRecord, *, is_training: bool) -> None:
        if not self._is_reached(record) or self._wanted in (None, record.is_shuffled):
            return
        sampler = record.sampler
        if isinstance(sampler, DistributedBatchSampler):
            sampler.shuffle = self._wanted if is_training else record.is_shuffled
        elif is_training and record.own_order is None:
            record.own_order = sampler.sampler
            source = sampler.sampler.data_source
            random = self._random_of(record)
            sampler.sampler = Shuffled(source, random) if self._wanted else SequenceSampler(source)
        elif not is_training and record.own_order is not None:
            sampler.sampler, record.own_order = record.own_order, None

    def begin(self, record: LoaderRecord, *, is_training: bool) -> None:
        if not is_training or record.is_noted("shuffle"):
            return
        if not self._is_reached(record):
            self._book.limit(f"shuffle: the loader at {record.place} has an order of the program's own")
            return
        what, state = f"DataLoader(shuffle={record.is_shuffled})", "on" if record.is_shuffled else "off"
        self._book.found("shuffle", what, value=state, where=record.where)
        if self._wanted not in (None, record.is_shuffled):
            self._book.changed("shuffle", what, value=state, where=record.where)

    def batch(self, record: LoaderRecord, batch: Any) -> Any:  # noqa: ARG002 - every knob of loaders has it
        return batch

    def _random_of(self, record: LoaderRecord) -> np.random.RandomState:
        seed = (self._seed + record.number) % 2**31
        return self._randoms.setdefault(record.number, np.random.RandomState(seed))

    @staticmethod
    def _is_reached(record: LoaderRecord) -> bool:
        if record.is_iterable or not record.is_sampled_by_paddle:
            return False
        order: Any = record.own_order or getattr(record.sampler, "sampler", None)
        is_plain = type(order) is SequenceSampler or (type(order) is RandomSampler and not order.replacement)
        return is_plain or isinstance(record.sampler, DistributedBatchSampler)
