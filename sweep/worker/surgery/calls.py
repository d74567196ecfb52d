"""Who called a hooked function, and with which arguments."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import paddle

from sweep.worker.surgery.book import Book

_OURS = f"{Path(__file__).parents[1]}/"
_PADDLE = f"{Path(paddle.__file__).parent}/"


def caller() -> FrameType:
    """Return the frame that called a hooked function: the innermost one outside the worker's own files."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    assert frame is not None  # a hooked function always has a caller
    return frame


def program_frame() -> FrameType:
    """Return the innermost frame outside Paddle and the worker's own files."""
    frame = caller()
    while is_of_paddle(frame) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def is_of_paddle(frame: FrameType) -> bool:
    """Return whether this is Paddle's own code."""
    return frame.f_code.co_filename.startswith(_PADDLE)


class Once:
    """Tells the first call at each place of the program from later ones. Costs about 1 us."""

    def __init__(self) -> None:
        self._seen: set[tuple[object, int]] = set()

    def is_first(self, frame: FrameType) -> bool:
        """Return whether this place has not called before."""
        key = (frame.f_code, frame.f_lasti)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def made_at(book: Book, made: object) -> str | None:
    """Return the program's line that makes an object whose `__init__` is running, as `train.py:23`.

    If the object's class is the program's own, this is the line that calls the class, not one in its `__init__`.
    """
    # Not by `frame.f_locals`: reading it writes to the dict that `locals()` has returned in that frame, and Paddle's
    # Transformer layers keep such a dict to make copies of themselves.
    inits = {getattr(inspect.unwrap(vars(kind)["__init__"]), "__code__", None) for kind in _with_init(type(made))}
    frame: FrameType | None = sys._getframe(1)
    outer = frame
    while frame is not None:
        if frame.f_code in inits:
            outer = frame.f_back
        frame = frame.f_back
    return book.sites.above(outer)


def _with_init(kind: type) -> list[type]:
    return [base for base in kind.__mro__ if "__init__" in vars(base)]


class Argument:
    """One argument of a function: how it is given in a call, by position or by name."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        parameters = inspect.signature(function).parameters
        self.name = name
        self._place = list(parameters).index(name)
        self.default = parameters[name].default

    @classmethod
    def of(cls, function: Callable[..., Any], name: str) -> "Argument | None":
        """Return an argument, None if the function has none of this name."""
        return cls(function, name) if name in inspect.signature(function).parameters else None

    def get(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the value in a call, by default the function's default."""
        if len(args) > self._place:
            return args[self._place]
        return kwargs.get(self.name, self.default)

    def put(self, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a call with another value."""
        place = self._place
        if len(args) > place:
            return (*args[:place], value, *args[place + 1 :]), kwargs
        return args, {**kwargs, self.name: value}
