"""`batch_scale`: a factor on the batch size of the training loaders.

The size is rounded. It is at least 1 and at most the number of samples: with `drop_last` a larger one gives no batch.
A program without a DataLoader, and a batch sampler of the program's own, are not reached.
"""

from typing import Any

from sweep.worker.surgery import Surgery
from sweep.worker.surgery.loaders import LoaderRecord, loaders_of
from sweep.worker.surgery.values import number

LARGEST = 1e6


def install(surgery: Surgery, value: object | None) -> None:
    """Record the training loaders; with a positive number, scale their batch size. Raises ValueError for others."""
    scale = 1.0 if value is None else number("batch_scale", value, low=1 / LARGEST, high=LARGEST)
    loaders_of(surgery).join(_BatchScale(surgery, scale))


class _BatchScale:
    def __init__(self, surgery: Surgery, scale: float) -> None:
        self._book, self._scale = surgery.book, scale

    def apply(self, record: LoaderRecord, *, is_training: bool) -> None:
        new = self._scaled(record)
        if new is not None and new != record.batch_size:
            size = new if is_training else record.batch_size
            record.sampler.batch_size = size
            if record.loader.batch_size is not None:
                record.loader.batch_size = size

    def begin(self, record: LoaderRecord, *, is_training: bool) -> None:
        if not is_training or record.is_noted("batch_scale"):
            return
        new = self._scaled(record)
        if new is None or record.batch_size is None:
            self._book.limit(f"batch_scale: the loader at {record.place} has batches of the program's own")
            return
        what = f"DataLoader(batch_size={record.batch_size})"
        self._book.found("batch_scale", what, value=float(record.batch_size), where=record.where)
        if new != record.batch_size:
            self._book.changed("batch_scale", what, value=float(record.batch_size), where=record.where)

    def batch(self, record: LoaderRecord, batch: Any) -> Any:  # noqa: ARG002 - every knob of loaders has it
        return batch

    def _scaled(self, record: LoaderRecord) -> int | None:
        if record.batch_size is None or not record.is_sampled_by_paddle:
            return None
        size = max(1, round(record.batch_size * self._scale))
        return size if record.is_iterable else max(min(size, len(record.dataset)), min(record.batch_size, size))
