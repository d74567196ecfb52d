"""`input_norm`: inputs with zero mean and unit variance per feature, in what all DataLoaders of the program give.

Inputs are the first field of a batch, or of a dict the one with a name as `image` or `x`; only numbers with a fraction.
Mean and variance come from up to 1024 samples, evenly spaced over the dataset of the first training loader, read before
the first batch (the random numbers drawn by that are given back). One pair is measured for each:

| shape of a batch | feature |
|---|---|
| [N] | the number |
| [N, F] | F |
| [N, A, B] | the smaller of A and B; one for all if they are equal |
| [N, C, H, W] or [N, H, W, C] | C: the last if it is at most 4 and the second is not |
| more | the second |

A feature without variance is only shifted.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle

from sweep.worker.surgery import Surgery
from sweep.worker.surgery.loaders import LoaderRecord, Loaders, loaders_of
from sweep.worker.surgery.reading_ahead import Path, at_path, is_array, read_ahead
from sweep.worker.surgery.values import choice

NAMES = ("x", "input", "inputs", "image", "images", "img", "data", "feature", "features")
MOST_CHANNELS = 4

Statistics = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation, shaped so that they apply to a batch."""


def install(surgery: Surgery, value: object | None) -> None:
    """Record the training loaders with such inputs; with `standardize`, scale the inputs of all loaders. Raises
    ValueError for other values."""
    if value is not None:
        choice("input_norm", value, ("standardize",))
    loaders = loaders_of(surgery)
    loaders.join(_InputNorm(surgery, loaders, is_on=value is not None))


class _InputNorm:
    def __init__(self, surgery: Surgery, loaders: Loaders, *, is_on: bool) -> None:
        self._book, self._loaders, self._is_on = surgery.book, loaders, is_on
        self._statistics: Statistics | None = None
        self._is_measured = False

    def apply(self, record: LoaderRecord, *, is_training: bool) -> None:
        pass

    def begin(self, record: LoaderRecord, *, is_training: bool) -> None:
        record.is_input_expected = is_training
        if self._is_on and not self._is_measured:
            self._is_measured = True
            source = record if is_training else self._loaders.first_for_training or record
            self._statistics = self._measured(source)

    def batch(self, record: LoaderRecord, batch: Any) -> Any:
        path = _path_of_inputs(batch)
        inputs = batch if path is None else at_path(batch, path)
        is_reached = path is not None and inputs.is_floating_point()
        if record.is_input_expected and not record.is_noted("input_norm"):
            self._note(record, inputs if is_reached else None)
        if self._statistics is None or not is_reached or path is None:
            return batch
        return _with(batch, path, _standardized(inputs, self._statistics))

    def _note(self, record: LoaderRecord, inputs: Any) -> None:
        if inputs is None:
            self._book.limit(f"input_norm: the loader at {record.place} gives no numbers with a fraction as inputs")
            return
        shape = ", ".join(["N", *map(str, inputs.shape[1:])])
        what = f"DataLoader of {str(inputs.dtype).removeprefix('paddle.')} [{shape}]"
        self._book.found("input_norm", what, where=record.where)
        if self._statistics is not None:
            self._book.changed("input_norm", what, where=record.where)

    def _measured(self, record: LoaderRecord) -> Statistics | None:
        parts = read_ahead(record, _inputs_in, self._book, "input_norm")
        return _statistics(np.concatenate(parts)) if parts else None


def _inputs_in(batch: Any) -> np.ndarray | None:
    path = _path_of_inputs(batch)
    return None if path is None else np.asarray(at_path(batch, path), "float64")


def _path_of_inputs(batch: Any) -> Path | None:
    """Return the keys that lead to the inputs in a batch, no keys if it is them itself; None if it has none."""
    if isinstance(batch, dict):
        path: Path = tuple(name for name in NAMES if name in batch)[:1]
        return path if path and is_array(batch[path[0]]) else None
    if isinstance(batch, list | tuple):
        return (0,) if batch and is_array(batch[0]) else None
    return () if is_array(batch) else None


def _with(batch: Any, path: Path, inputs: Any) -> Any:
    if not path:
        return inputs
    if isinstance(batch, dict):
        return {**batch, path[0]: inputs}
    return type(batch)([inputs, *batch[1:]])


def _statistics(inputs: np.ndarray) -> Statistics:
    others = tuple(axis for axis in range(inputs.ndim) if axis != _feature_axis(inputs.shape))
    deviation = inputs.std(axis=others, keepdims=True)
    return inputs.mean(axis=others, keepdims=True), np.where(deviation > 0, deviation, 1.0)


def _feature_axis(shape: Sequence[int]) -> int | None:
    if len(shape) == 3:
        return None if shape[1] == shape[2] else 1 if shape[1] < shape[2] else 2
    if len(shape) == 4 and shape[3] <= MOST_CHANNELS < shape[1]:
        return 3
    return 1 if len(shape) > 1 else None


def _standardized(inputs: Any, statistics: Statistics) -> Any:
    mean, deviation = (paddle.to_tensor(values.astype("float32")).astype(inputs.dtype) for values in statistics)
    with paddle.no_grad():
        return (inputs - mean) / deviation
