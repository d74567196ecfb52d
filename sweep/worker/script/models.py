"""Finds the model that each optimizer of a program trains, and has it watched: the program names neither."""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet, ref

import paddle

from sweep.worker.hooks import Hooks, Role
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import on_backward
from sweep.worker.monitor.layers import trained_parameters

WATCHED_MOST = 4
"""Maximum number of optimizers of a program that are watched: one that makes a new one in each epoch has many."""

BACKWARDS_MOST = 20
"""Backward passes after which an optimizer whose model was not seen is given up: listening costs a little."""


class Models:
    """Calls `watch(model, optimizer)` once for each optimizer, as early as its model is known.

    That is the first call of a layer in training mode that has all its parameters, before the call; if there is none,
    the first backward pass, with the layer that has most of them. Only calls that the program makes itself count, not
    those of sublayers, and calls are listened to only until every optimizer is watched.
    """

    def __init__(self, hooks: Hooks, watch: Callable[[Any, Any], None]) -> None:
        self._watch = watch
        self._calls: Hooks | None = None
        self._waiting: list[Any] = []  # weak references to optimizers
        self._called: WeakSet[Any] = WeakSet()
        self._watched = self._backwards = 0
        self._is_inside = False
        hooks.around(paddle.optimizer.Optimizer, "__init__", self._make_init)
        on_backward(hooks, self._at_backward)

    def close(self) -> None:
        """Listen no more."""
        if self._calls is not None:
            self._calls.close()
            self._calls = None

    def _make_init(self, below: Function) -> Function:
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            below(optimizer, *args, **kwargs)
            if self._watched < WATCHED_MOST and not any(known() is optimizer for known in self._waiting):
                self._waiting.append(ref(optimizer))
                self._called = WeakSet()  # what was called before may be its model
                self._backwards = 0
                if self._calls is None:
                    self._calls = Hooks(Role.WATCHES)
                    self._calls.around(paddle.nn.Layer, "__call__", self._make_call)

        return __init__

    def _make_call(self, below: Function) -> Function:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - what it stands for
            if self._is_inside:
                return below(layer, *args, **kwargs)
            self._is_inside = True
            try:
                if layer.training and layer not in self._called:
                    self._before_call(layer)
                return below(layer, *args, **kwargs)
            finally:
                self._is_inside = False

        return __call__

    def _before_call(self, layer: Any) -> None:
        own = {id(parameter) for parameter in layer.parameters()}
        if not own:
            return
        self._called.add(layer)
        for optimizer in self._optimizers():
            trained = trained_parameters(optimizer)
            if trained and all(id(parameter) in own for parameter in trained):
                self._begin(layer, optimizer)

    def _at_backward(self, loss: Any) -> None:  # noqa: ARG002 - the listener's signature
        if self._calls is None:
            return
        for optimizer in self._optimizers():
            trained = {id(parameter) for parameter in trained_parameters(optimizer)}
            shares = {layer: sum(id(p) in trained for p in layer.parameters()) for layer in self._called}
            best = max(shares, key=shares.__getitem__, default=None)
            if best is not None and shares[best]:
                self._begin(best, optimizer)
        self._backwards += 1
        if not self._waiting or self._backwards >= BACKWARDS_MOST:
            self.close()

    def _optimizers(self) -> list[Any]:
        found = [known() for known in self._waiting]
        return [optimizer for optimizer in found if optimizer is not None]

    def _begin(self, layer: Any, optimizer: Any) -> None:
        self._waiting = [known for known in self._waiting if known() not in (None, optimizer)]
        if self._watched < WATCHED_MOST:
            self._watched += 1
            self._watch(layer, optimizer)
