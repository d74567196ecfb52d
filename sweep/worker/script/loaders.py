"""Counts the passes over a program's training loader."""

from typing import Any
from weakref import WeakKeyDictionary

import paddle
from paddle.io.dataloader.dataloader_iter import _DataLoaderIterMultiProcess, _DataLoaderIterSingleProcess

from sweep.worker.callsite import CallSites
from sweep.worker.hooks import Hooks
from sweep.worker.hooks.patching import Function

_Loader = tuple[object, ...]
"""What loaders are told apart by: the line that iterates, and the kind of data. A program may make one anew each
epoch, and `Model.fit` iterates over two at one line."""


class Passes:
    """Passes over each loader, and which of them the training's batches come from."""

    def __init__(self, hooks: Hooks, sites: CallSites) -> None:
        self._sites = sites
        self._begun: dict[_Loader, int] = {}
        self._steps: dict[_Loader, int] = {}
        self._latest: _Loader | None = None  # of the last batch
        self._running: WeakKeyDictionary[Any, _Loader] = WeakKeyDictionary()
        hooks.around(paddle.io.DataLoader, "__iter__", self._make_iter)
        for kind in (_DataLoaderIterSingleProcess, _DataLoaderIterMultiProcess):
            hooks.around(kind, "__next__", self._make_next)

    def stepped(self) -> None:
        """Count an optimizer step for the loader of the last batch."""
        if self._latest is not None:
            self._steps[self._latest] = self._steps.get(self._latest, 0) + 1

    @property
    def epochs(self) -> int | None:
        """Passes over the loader that most steps were made with; None without one."""
        if not self._steps:
            return None
        return self._begun.get(max(self._steps, key=self._steps.__getitem__))

    def _make_iter(self, below: Function) -> Function:
        def __iter__(loader: Any) -> Any:  # noqa: N807 - what it stands for
            batches = below(loader)
            known = self._known_by(loader)
            self._begun[known] = self._begun.get(known, 0) + 1
            self._running[batches] = known
            return batches

        return __iter__

    def _make_next(self, below: Function) -> Function:
        def __next__(batches: Any) -> Any:  # noqa: N807 - what it stands for
            batch = below(batches)
            self._latest = self._running.get(batches)
            return batch

        return __next__

    def _known_by(self, loader: Any) -> _Loader:
        dataset = getattr(loader, "dataset", None)
        try:
            length = len(dataset)  # type: ignore[arg-type]
        except Exception:  # an iterable dataset, or a program's own
            length = -1
        sampler = getattr(loader, "batch_sampler", None)
        return self._sites.here(), type(dataset), length, getattr(sampler, "shuffle", None)
