"""Replaces what the training loaders of a script give by the first few samples that they gave, again and again."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import paddle

from sweep.worker.checks.reading import UnreadableError, parts_of
from sweep.worker.checks.reduced import choose_rows
from sweep.worker.hooks import Hooks
from sweep.worker.hooks.patching import Function

UNUSED = 100
"""Batches without a step of an optimizer after which a loader's iteration ends: it is not for training (statistics of
the data, say), and would never end by itself."""

NO_LOADER = "the program trains without a DataLoader, so its samples cannot be replaced by a few"


class FewBatches:
    """Gives every iteration with gradients over a loader the first `n` samples of its first batch, without an end.

    `calls` counts such iterations, `classes` has the samples' labels, if they are classes. `step` is the optimizer step
    that the training has reached, set from outside. `problem` says why samples could not be taken.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.calls = 0
        self.classes: tuple[str, ...] = ()
        self.step = 0
        self.problem = ""
        self._most = n
        self._batches: dict[int, Any] = {}  # by the identity of the data set, which the program keeps

    def install(self, hooks: Hooks) -> None:
        """Hook the loaders."""
        hooks.around(paddle.io.DataLoader, "__iter__", self._make_iter)

    def _make_iter(self, below: Function) -> Function:
        def __iter__(loader: Any) -> Any:  # noqa: N807 - what it stands for
            if not paddle.is_grad_enabled() or self.problem:
                return below(loader)
            key = id(loader.dataset)
            if key not in self._batches:
                first = next(iter(below(loader)), None)
                try:
                    self._batches[key] = self._few(first)
                except UnreadableError as error:
                    self.problem = str(error)
                    return below(loader)
            self.calls += 1
            return self._repeated(self._batches[key])

        return __iter__

    def _few(self, batch: Any) -> Any:
        """Return a batch of the first few samples of a batch. Raises UnreadableError."""
        if batch is None:
            raise UnreadableError("the loader has no batch")
        x, y = parts_of(list(batch.values()) if isinstance(batch, dict) else batch)
        if not _is_batched(x):
            raise UnreadableError("a batch has no tensor of inputs")
        labels = np.asarray(y) if _is_batched(y) and len(y) == len(x) else None
        rows, classes = choose_rows(np.asarray(x), labels, self._most)
        if not self._batches:
            self.n, self.classes = len(rows), classes
        return _cut(batch, np.array(rows), len(x))

    def _repeated(self, batch: Any) -> Iterator[Any]:
        unused = 0
        while unused < UNUSED:
            before = self.step
            yield _copied(batch)
            unused = 0 if self.step > before else unused + 1


def _is_batched(value: Any) -> bool:
    return hasattr(value, "dtype") and len(getattr(value, "shape", ())) >= 1


def _cut(part: Any, rows: Any, size: int) -> Any:
    """Return a part of a batch with only these rows of each of its tensors of this size."""
    if isinstance(part, dict):
        return {key: _cut(value, rows, size) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return type(part)([_cut(value, rows, size) for value in part])
    if not _is_batched(part) or len(part) != size:
        return part
    if isinstance(part, paddle.Tensor):
        return paddle.index_select(part, paddle.to_tensor(rows, dtype="int64"))
    return part[rows]


def _copied(part: Any) -> Any:
    """Return a copy: the program may change its batches in place."""
    if isinstance(part, dict):
        return {key: _copied(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return type(part)([_copied(value) for value in part])
    if isinstance(part, paddle.Tensor):
        return part.clone()
    return part.copy() if isinstance(part, np.ndarray) else part
