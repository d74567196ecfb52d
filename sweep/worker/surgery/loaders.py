"""The DataLoaders of a program, and which of them it trains on.

Only training loaders may get another batch size or order: the metrics of an evaluation must stay what they are. Which
one it is, is decided each time before a loader is iterated:

1. In `paddle.Model`, by what it is iterated for.
2. Without gradients it is no training loader.
3. A loader that has fed backward passes is one.
4. While a model is in evaluation mode (`eval()` of a layer with all parameters of an optimizer), it is none.
5. If another loader has fed backward passes, and this one neither has nor is shuffled, it is none.
6. Else it is one.

A program may ask for the length of a loader before. So a loader is taken for one at once where it is shuffled, is the
first of the program, or is made like one that has fed backward passes.
"""

from typing import Any, Protocol
from weakref import WeakKeyDictionary, ref

import paddle
from paddle.io.dataloader.dataloader_iter import _DataLoaderIterMultiProcess, _DataLoaderIterSingleProcess

from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import on_backward
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.book import Book
from sweep.worker.surgery.calls import made_at

PROVEN = 2
"""Backward passes that a loader must have fed with one batch each."""

Key = tuple[object, ...]


class LoaderRecord:
    """A loader, with what it was made with. `number` counts loaders as they are made; those made alike share one."""

    def __init__(self, loader: Any, where: str | None) -> None:
        self._loader = ref(loader)
        self.dataset, self.where = loader.dataset, where
        self.sampler = loader.batch_sampler
        self.batch_size: int | None = getattr(self.sampler, "batch_size", None)
        inner = getattr(self.sampler, "sampler", None)
        self.is_shuffled = bool(getattr(self.sampler, "shuffle", False)) or isinstance(inner, paddle.io.RandomSampler)
        self.is_iterable = isinstance(self.dataset, paddle.io.IterableDataset)
        self.number = 0
        self.is_known = False
        self.batches_fed = 0
        self.own_order: Any = None  # what `shuffle` has replaced
        self.is_input_expected = False  # it is iterated for training
        self._noted: set[str] = set()

    @property
    def loader(self) -> Any:
        """The loader. A record must not keep it alive: a program may make many."""
        return self._loader()

    @property
    def place(self) -> str:
        """Where it was made, for texts."""
        return self.where or "a line of a package"

    @property
    def is_sampled_by_paddle(self) -> bool:
        """Whether Paddle's own code makes its batches."""
        return self.sampler is not None and type(self.sampler).__iter__.__module__.startswith("paddle.")

    def is_noted(self, knob: str) -> bool:
        """Return whether this was asked before for a knob: each records a loader once."""
        is_noted = knob in self._noted
        self._noted.add(knob)
        return is_noted

    @property
    def key(self) -> Key:
        """What loaders have in common that are made again in each epoch."""
        size = None if self.is_iterable else len(self.dataset)
        return (self.where, type(self.dataset), size, self.is_shuffled)


class LoaderKnob(Protocol):
    """A knob that changes loaders. All loaders of a program pass through each of these functions."""

    def apply(self, record: LoaderRecord, *, is_training: bool) -> None:
        """Make the loader as it is to be for training, or as the program made it."""

    def begin(self, record: LoaderRecord, *, is_training: bool) -> None:
        """Record what was found and changed, once for each loader that is trained on. Called before each iteration."""

    def batch(self, record: LoaderRecord, batch: Any) -> Any:
        """Return the batch to give the program."""


class Loaders:
    """All loaders of a program, for those knobs that have joined."""

    def __init__(self, surgery: Surgery) -> None:
        self._book = surgery.book
        self._knobs: list[LoaderKnob] = []
        self._records: WeakKeyDictionary[Any, LoaderRecord] = WeakKeyDictionary()
        self._iterated: WeakKeyDictionary[Any, LoaderRecord] = WeakKeyDictionary()  # by iterator
        self._numbers: dict[Key, int] = {}
        self._proven: set[Key] = set()
        self._fresh: dict[LoaderRecord, int] = {}  # batches given since the last backward pass
        self._mode: str | None = None  # of paddle.Model
        self._modes = _EvaluationMode(surgery)
        around = surgery.hooks.around
        around(paddle.io.DataLoader, "__init__", self._make_init)
        around(paddle.io.DataLoader, "__iter__", self._make_iter)
        for kind in (_DataLoaderIterSingleProcess, _DataLoaderIterMultiProcess):
            around(kind, "__next__", self._make_next)
        around(paddle.Model, "_run_one_epoch", self._make_epoch)
        on_backward(surgery.hooks, self._take_backward)

    def join(self, knob: LoaderKnob) -> None:
        """Let a knob change the loaders that are made from now on."""
        self._knobs.append(knob)

    @property
    def first_for_training(self) -> LoaderRecord | None:
        """The first of the loaders that are there that is taken for a training loader."""
        return next((record for record in list(self._records.values()) if self._is_expected_to_train(record)), None)

    def _make_init(self, below: Function) -> Function:
        def __init__(loader: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            below(loader, *args, **kwargs)
            record = LoaderRecord(loader, made_at(self._book, loader))
            record.number = self._numbers.setdefault(record.key, len(self._numbers))
            self._records[loader] = record
            if self._is_expected_to_train(record):
                for knob in self._knobs:
                    knob.apply(record, is_training=True)

        return __init__

    def _make_iter(self, below: Function) -> Function:
        def __iter__(loader: Any) -> Any:  # noqa: N807 - what it stands for
            record = self._records.get(loader)
            if record is None:
                return below(loader)
            is_training = self._is_training(record)
            for knob in self._knobs:
                knob.apply(record, is_training=is_training)
                knob.begin(record, is_training=is_training)
            iterator = below(loader)
            self._iterated[iterator] = record
            return iterator

        return __iter__

    def _make_next(self, below: Function) -> Function:
        def __next__(iterator: Any) -> Any:  # noqa: N807 - what it stands for
            batch = below(iterator)
            record = self._iterated.get(iterator)
            if record is not None:
                if not record.is_known and paddle.is_grad_enabled():
                    self._fresh[record] = self._fresh.get(record, 0) + 1
                for knob in self._knobs:
                    batch = knob.batch(record, batch)
            return batch

        return __next__

    def _make_epoch(self, below: Function) -> Function:
        def _run_one_epoch(model: Any, data_loader: Any, callbacks: Any, mode: str, *args: Any, **kwargs: Any) -> Any:
            before, self._mode = self._mode, mode
            try:
                return below(model, data_loader, callbacks, mode, *args, **kwargs)
            finally:
                self._mode = before

        return _run_one_epoch

    def _take_backward(self, _: Any) -> None:
        if self._fresh:
            fresh, self._fresh = self._fresh, {}
            for record, batches in fresh.items():
                record.batches_fed += batches == 1
                if record.batches_fed >= PROVEN:
                    record.is_known = True
                    self._proven.add(record.key)

    def _is_expected_to_train(self, record: LoaderRecord) -> bool:
        return record.is_shuffled or record.number == 0 or record.key in self._proven

    def _is_training(self, record: LoaderRecord) -> bool:
        if self._mode is not None:
            return self._mode == "train"
        if not paddle.is_grad_enabled():
            return False
        if record.key in self._proven:
            return True
        if self._modes.is_evaluating:
            return False
        return record.is_shuffled or not self._proven


class _EvaluationMode:
    """Whether the model that is trained is in evaluation mode: the last `train()` or `eval()` of all that is trained.

    Parts of it do not count, nor do other models: a frozen BatchNorm, a teacher.
    """

    def __init__(self, surgery: Surgery) -> None:
        self.is_evaluating = False
        self._trained: list[frozenset[int]] = []  # of each optimizer
        self._is_all: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
        surgery.hooks.around(paddle.optimizer.Optimizer, "__init__", self._make_init)
        surgery.hooks.around(paddle.nn.Layer, "train", lambda below: self._make_mode(below, is_evaluating=False))
        surgery.hooks.around(paddle.nn.Layer, "eval", lambda below: self._make_mode(below, is_evaluating=True))

    def _make_init(self, below: Function) -> Function:
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            below(optimizer, *args, **kwargs)
            entries = getattr(optimizer, "_parameter_list", None) or ()
            groups = [entry["params"] if isinstance(entry, dict) else (entry,) for entry in entries]
            self._trained.append(frozenset(id(parameter) for group in groups for parameter in group))
            self._is_all.clear()

        return __init__

    def _make_mode(self, below: Function, *, is_evaluating: bool) -> Function:
        def set_mode(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if layer not in self._is_all:
                own = {id(parameter) for parameter in layer.parameters()}
                self._is_all[layer] = any(trained and trained <= own for trained in self._trained)
            if self._is_all[layer]:
                self.is_evaluating = is_evaluating
            return below(layer, *args, **kwargs)

        return set_mode


_LOADERS: WeakKeyDictionary[Book, Loaders] = WeakKeyDictionary()


def loaders_of(surgery: Surgery) -> Loaders:
    """Return the loaders of a program: one object for all knobs."""
    if surgery.book not in _LOADERS:
        _LOADERS[surgery.book] = Loaders(surgery)
    return _LOADERS[surgery.book]
