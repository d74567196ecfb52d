"""Gives a program the trial's seeds, also where it sets constant ones, and dropout a separate random stream.

A seed that the program sets becomes that seed plus an offset, which depends on the trial's seed alone: two seeds of the
program stay different, and the same in every cell of the study.
"""

import operator
import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import paddle
from paddle.base import core
from paddle.nn.layer.rnn import RNNBase

from sweep.worker.hooks import Hooks, around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery.book import Book
from sweep.worker.surgery.calls import caller, is_of_paddle
from sweep.worker.surgery.dropout import FUNCTIONS, OPTIONS

LIMIT = 2**32
"""Seeds are below it: numpy takes no larger ones."""


def use_own_randomness() -> None:
    """Seed the global generators from the system's entropy, as a new process has them: `task.seeding=script`."""
    random.seed()
    np.random.seed()
    paddle.seed(int.from_bytes(os.urandom(4), "little"))


class TrialSeeds:
    """Turns the seeds that a program sets into those of the trial. `stream` returns the seed of a named stream."""

    def __init__(self, hooks: Hooks, book: Book, stream: Callable[[str], int]) -> None:
        self._book = book
        self._offset = stream("program")
        self._unseeded = 0
        self._is_inside = False
        _separate_dropout(hooks, stream("dropout"))
        around_function(hooks, random.seed, self._make("random.seed"))
        around_function(hooks, np.random.seed, self._make("np.random.seed"))
        around_function(hooks, np.random.default_rng, self._make("np.random.default_rng", is_own=True))
        around_function(hooks, paddle.seed, self._make("paddle.seed"))
        hooks.around(core.Generator, "manual_seed", self._make("Generator.manual_seed", is_method=True))
        hooks.around(random.Random, "__init__", self._make("random.Random", is_method=True, is_own=True))

    def _make(self, name: str, *, is_method: bool = False, is_own: bool = False) -> Callable[[Function], Function]:
        """Return the hook of a function that takes a seed. With `is_own` only calls in the program's own files count:
        libraries make generators for purposes of their own."""
        place = int(is_method)

        def make(below: Function) -> Function:
            def seed(*args: Any, **kwargs: Any) -> Any:
                if self._is_inside or not self._counts(is_own=is_own):
                    return below(*args, **kwargs)
                key = next(iter(kwargs), None) if len(args) <= place else None
                given = args[place] if len(args) > place else kwargs.get(key) if key in _NAMES else None
                new = self._moved(name, given)
                if len(args) > place:
                    args = (*args[:place], new, *args[place + 1 :])
                elif key in _NAMES:
                    kwargs = {**kwargs, key: new}
                else:
                    args = (*args, new)
                self._is_inside = True  # paddle.seed calls manual_seed
                try:
                    return below(*args, **kwargs)
                finally:
                    self._is_inside = False

            return seed

        return make

    def _counts(self, *, is_own: bool) -> bool:
        frame = caller()
        return self._book.sites.is_own(frame) if is_own else not is_of_paddle(frame)

    def _moved(self, name: str, given: Any) -> Any:
        """Return the seed to use instead of the one that was given; what is no seed stays."""
        if given is None:
            self._book.seeds(f"{name}()")
            self._unseeded += 1
            return (self._offset + self._unseeded) % LIMIT
        if isinstance(given, str | bytes | float):
            self._book.seeds(f"{name}({given!r})")
            return f"{given!r}/{self._offset}" if name.startswith("random.") else given
        if isinstance(given, list | tuple) or (isinstance(given, np.ndarray) and given.ndim):
            self._book.seeds(f"{name}({list(given)})")
            return [*given, self._offset]
        try:
            number = operator.index(given)
        except TypeError:  # a generator or a seed sequence of the program's
            return given
        self._book.seeds(f"{name}({number})")
        return (number + self._offset) % LIMIT


_NAMES = ("a", "seed", "x")
"""Names of the arguments that are a seed."""


class _States(list[Any]):
    """What `paddle.get_rng_state()` returns, with the state of dropout's stream: recomputing draws the same masks."""

    dropout: tuple[Any, ...] = ()


def _separate_dropout(hooks: Hooks, seed: int) -> None:
    """Let dropout draw from a separate stream, so that a program without it draws the same initial weights and data.

    Switching costs about 1 us a call.
    """
    streams = [_Stream(generator, seed) for generator in _generators()]

    def make(below: Function) -> Function:
        def dropout(*args: Any, **kwargs: Any) -> Any:
            before = [stream.enter() for stream in streams]
            try:
                return below(*args, **kwargs)
            finally:
                for stream, index in zip(streams, before, strict=True):
                    stream.leave(index)

        return dropout

    def make_get(below: Function) -> Function:
        def get_rng_state(*args: Any, **kwargs: Any) -> Any:
            states = _States(below(*args, **kwargs))
            states.dropout = tuple(stream.state() for stream in streams)
            return states

        return get_rng_state

    def make_set(below: Function) -> Function:
        def set_rng_state(states: Any, *args: Any, **kwargs: Any) -> Any:
            for stream, state in zip(streams, getattr(states, "dropout", ()), strict=False):
                stream.set_state(state)
            return below(states, *args, **kwargs)

        return set_rng_state

    names = [(paddle.nn.functional, name) for name in FUNCTIONS]
    names += [(owner, name) for owner, options in OPTIONS.items() for name in options]
    for owner, name in names:
        if hasattr(owner, name):
            around_function(hooks, getattr(owner, name), make)
    hooks.around(RNNBase, "forward", make)
    around_function(hooks, paddle.get_rng_state, make_get)
    around_function(hooks, paddle.set_rng_state, make_set)


class _Stream:
    """A second random state of one of Paddle's generators."""

    def __init__(self, generator: Any, seed: int) -> None:
        self._generator = generator
        before = generator.get_state_index()
        self._index = generator.register_state_index(generator.get_state())
        generator.set_state_index(self._index)
        generator.manual_seed(seed)
        generator.set_state_index(before)

    def enter(self) -> int:
        """Draw from this stream from now on; return what was drawn from before."""
        before: int = self._generator.get_state_index()
        self._generator.set_state_index(self._index)
        return before

    def leave(self, before: int) -> None:
        """Draw again from what was drawn from before."""
        self._generator.set_state_index(before)

    def state(self) -> Any:
        """Return the state of this stream."""
        before = self.enter()
        try:
            return self._generator.get_state()
        finally:
            self.leave(before)

    def set_state(self, state: Any) -> None:
        """Set the state of this stream."""
        before = self.enter()
        self._generator.set_state(state)
        self.leave(before)


def _generators() -> list[Any]:
    """Return the generators that this process draws from."""
    devices = range(paddle.device.cuda.device_count()) if paddle.is_compiled_with_cuda() else range(0)
    return [core.default_cpu_generator(), *(core.default_cuda_generator(number) for number in devices)]
