"""`augmentation`: random transforms of paddle.vision.transforms that do nothing.

A transform that is off still runs, and its result is dropped: so it draws the random numbers that it would draw, and
the order of the data stays the same. Two change the size of an image and get a fixed region in place of a random one:
RandomCrop the centre, RandomResizedCrop the largest centred region of the shape of its output.

Classes of the program that are derived from Paddle's BaseTransform and named Random... do nothing where their result
has the type and shape of what they got. Functions, which have no random numbers of their own, and classes that are not
derived from BaseTransform are not reached.
"""

import copy
import mmap
from collections.abc import Iterable
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from paddle.vision import transforms
from paddle.vision.transforms.transforms import _get_image_size

from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.calls import caller, is_of_paddle, made_at
from sweep.worker.surgery.values import switch

IDENTITIES = {
    "RandomHorizontalFlip": "prob",
    "RandomVerticalFlip": "prob",
    "RandomRotation": "degrees",
    "RandomAffine": "degrees",
    "RandomPerspective": "prob",
    "RandomErasing": "prob",
    "ColorJitter": "brightness",
    "BrightnessTransform": "value",
    "ContrastTransform": "value",
    "SaturationTransform": "value",
    "HueTransform": "value",
}
"""Random transforms that do nothing when they are off, and the attribute by which the inventory describes them."""

CROPS = {"RandomCrop": "size", "RandomResizedCrop": "size"}
"""Random transforms that give an image its size."""

MOST = 4096
"""Transforms for which it is noted whether they were applied; of more it is not."""

Region = tuple[int, int, int, int]
"""Top, left, height, width, in pixels."""


def install(surgery: Surgery, value: object | None) -> None:
    """Record the random transforms that are made; with false, switch them off. Raises ValueError for other values."""
    found = _Transforms(surgery)
    around = surgery.hooks.around
    for name, detail in {**IDENTITIES, **CROPS}.items():
        around(getattr(transforms, name), "__init__", found.init_of(detail))
    around(transforms.BaseTransform, "__init__", found.init_of(None))
    if value is not None and not switch("augmentation", value):
        around(transforms.BaseTransform, "__call__", found.make_call)
        around(transforms.RandomCrop, "_get_param", found.make_crop)
        around(transforms.RandomResizedCrop, "_dynamic_get_param", found.make_resized_crop)
        surgery.book.at_end(found.record_changes)


class _Transforms:
    """The random transforms of a program.

    They may run in worker processes of a loader, forked from this one, which note in shared memory what they change.
    """

    def __init__(self, surgery: Surgery) -> None:
        self._book = surgery.book
        self._numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._made: list[tuple[str, str | None]] = []
        self._recorded: set[int] = set()
        self._applied = mmap.mmap(-1, MOST)
        self._thread = local()  # a loader without workers applies them in a thread of this process

    def init_of(self, detail: str | None) -> Any:
        """Return how to hook the `__init__` of a class of Paddle, or with None that of the base class."""

        def make(below: Function) -> Function:
            def __init__(transform: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
                below(transform, *args, **kwargs)
                if detail is not None or _is_of_program(type(transform)):
                    self._note(transform, detail)

            return __init__

        return make

    def make_call(self, below: Function) -> Function:
        """Drop the results of the transforms that keep the size of an image."""

        def __call__(transform: Any, inputs: Any) -> Any:  # noqa: N807 - what it stands for
            kind = _identity_of(type(transform))
            if kind is None or getattr(self._thread, "is_inside", False):  # ColorJitter calls others
                return below(transform, inputs)
            is_changing = kind == "RandomErasing" or _is_of_program(type(transform))
            given = copy.deepcopy(inputs) if is_changing else inputs  # it may write into the image that it gets
            self._thread.is_inside = True
            try:
                result = below(transform, given)
            finally:
                self._thread.is_inside = False
            if _is_of_program(type(transform)) and not _is_alike(result, inputs):
                self._book.limit(f"augmentation: {type(transform).__name__} changes the size of an image")
                return result
            if not _is_equal(result, inputs) if is_changing else result is not given:
                self._mark(transform)
            return inputs[0] if isinstance(inputs, tuple) and len(inputs) == 1 else inputs

        return __call__

    def make_crop(self, below: Function) -> Function:
        """Crop the centre."""

        def _get_param(transform: Any, image: Any, size: Any) -> Region:
            region: Region = below(transform, image, size)
            width, height = _get_image_size(image)
            centre = ((height - region[2]) // 2, (width - region[3]) // 2, region[2], region[3])
            return self._instead(transform, region, centre)

        return _get_param

    def make_resized_crop(self, below: Function) -> Function:
        """Crop the largest centred region of the shape of the output."""

        def _dynamic_get_param(transform: Any, image: Any, *args: Any, **kwargs: Any) -> Region:
            region: Region = below(transform, image, *args, **kwargs)
            width, height = _get_image_size(image)
            rows, columns = transform.size
            scale = min(height / rows, width / columns)
            h, w = max(1, round(rows * scale)), max(1, round(columns * scale))
            return self._instead(transform, region, ((height - h) // 2, (width - w) // 2, h, w))

        return _dynamic_get_param

    def record_changes(self) -> None:
        """Record in the book which transforms have been changed since the last time."""
        for number, (what, where) in enumerate(self._made[:MOST]):
            if self._applied[number] and number not in self._recorded:
                self._recorded.add(number)
                self._book.changed("augmentation", what, where=where)

    def _note(self, transform: Any, detail: str | None) -> None:
        if is_of_paddle(caller()) or transform in self._numbers:  # ColorJitter makes others at each call
            return
        setting = getattr(transform, detail, None) if detail is not None else None
        what = type(transform).__name__ if setting is None else f"{type(transform).__name__}({detail}={setting})"
        where = made_at(self._book, transform)
        self._numbers[transform] = len(self._made)
        self._made.append((what, where))
        self._book.found("augmentation", what, where=where)

    def _instead(self, transform: Any, region: Region, centre: Region) -> Region:
        if region != centre:
            self._mark(transform)
        return centre

    def _mark(self, transform: Any) -> None:
        number = self._numbers.get(transform, MOST)  # a copy of a transform has no number
        if number < MOST:
            self._applied[number] = 1


def _is_of_program(kind: type) -> bool:
    """Return whether this is a random transform that the program wrote itself, run by Paddle's base class."""
    if not kind.__name__.startswith("Random") or _of_paddle(kind, {**IDENTITIES, **CROPS}) is not None:
        return False
    return next(base for base in kind.__mro__ if "__call__" in vars(base)) is transforms.BaseTransform


def _identity_of(kind: type) -> str | None:
    """Return the name of a random transform that does nothing when it is off; None for any other class."""
    return _of_paddle(kind, IDENTITIES) or (kind.__name__ if _is_of_program(kind) else None)


def _of_paddle(kind: type, names: Iterable[str]) -> str | None:
    return next((name for name in names if issubclass(kind, getattr(transforms, name))), None)


def _is_alike(result: Any, inputs: Any) -> bool:
    if isinstance(inputs, tuple):
        results = result if isinstance(result, tuple) else (result,)
        return len(results) == len(inputs) and all(map(_is_alike, results, inputs))
    return type(result) is type(inputs) and _size(result) == _size(inputs)


def _is_equal(result: Any, inputs: Any) -> bool:
    if isinstance(inputs, tuple):
        return all(map(_is_equal, result if isinstance(result, tuple) else (result,), inputs))
    return bool(np.array_equal(np.asarray(result), np.asarray(inputs)))


def _size(image: Any) -> tuple[int, ...]:
    size: tuple[int, ...] = tuple(image.shape if hasattr(image, "shape") else getattr(image, "size", ()))
    return size
