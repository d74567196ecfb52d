"""`activation`: ReLU in place of sigmoid and tanh (`relu`), LeakyReLU of slope 0.01 in place of ReLU (`leaky_relu`).

Only hidden activations: those that a layer with weights follows in the same call of a model. So an output layer, which
gives a probability or a range, stays; as do gates, whose result is multiplied with another computed tensor, and what
Paddle's RNN cells do. Which are hidden is read from the graph of the model's first call. If that finds one that must
stay, or the call was made without gradients, the call is made again, with random state, buffers and running statistics
as before it.

Activations outside a model's call, and in operations fused with others, are not reached.
"""

import random
from collections.abc import Callable
from types import CodeType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
import paddle
from paddle.nn import functional
from paddle.nn.layer.rnn import RNNCellBase

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.calls import caller, made_at, program_frame
from sweep.worker.surgery.graph import hidden_in, node_of
from sweep.worker.surgery.values import choice

KINDS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU"}
"""Functionals and their layers."""

REPLACED = {"relu": ("sigmoid", "tanh"), "leaky_relu": ("relu",)}
SLOPE = 0.01

Site = tuple[int | None, int | None, CodeType, int]
"""An activation of a program: the number of its layer, that of the layer that calls it, and the place of the call."""


def install(surgery: Surgery, value: object | None) -> None:
    """Record the hidden activations; with a name, replace them. Raises ValueError for other values."""
    name = None if value is None else choice("activation", value, tuple(REPLACED))
    found = _Activations(surgery, name)
    for kind, layer in KINDS.items():
        found.hook_layer(getattr(paddle.nn, layer))
        for function in _functions(kind):
            around_function(surgery.hooks, function, found.call_of(kind))
        if hasattr(paddle.Tensor, kind):
            surgery.hooks.around(paddle.Tensor, kind, found.call_of(kind))
    surgery.hooks.around(paddle.nn.Layer, "__call__", found.make_model_call)


def _functions(kind: str) -> set[Function]:
    owners = (functional, paddle, paddle.nn.functional.activation, paddle.tensor.ops)
    return {getattr(owner, kind) for owner in owners if hasattr(owner, kind)}


class _Activations:
    def __init__(self, surgery: Surgery, name: str | None) -> None:
        self._book, self._hooks = surgery.book, surgery.hooks
        self._replaced = REPLACED.get(name or "", ())
        self._new: Callable[[Any], Any] = _relu if name == "relu" else _leaky_relu
        self._made_at: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()
        self._numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._judged: WeakSet[Any] = WeakSet()  # models
        self._stack: list[Any] = []  # layers that are being called
        self._is_hidden: dict[Site, bool] = {}
        self._called: dict[Site, tuple[str, str, str | None, set[int | None]]] = {}  # in the call that is judged
        self._is_judging = self._is_inside = False

    def hook_layer(self, kind: Any) -> None:
        """Note where layers of activations are made."""

        def make_init(below: Function) -> Function:
            def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
                below(layer, *args, **kwargs)
                self._made_at[layer] = made_at(self._book, layer)

            return __init__

        self._hooks.around(kind, "__init__", make_init)

    def call_of(self, kind: str) -> Callable[[Function], Function]:
        """Return how to hook a function of an activation."""

        def make(below: Function) -> Function:
            def activation(x: Any, *args: Any, **kwargs: Any) -> Any:
                is_idle = not self._is_judging and kind not in self._replaced
                if is_idle or self._is_inside or not self._stack or not paddle.in_dynamic_mode():
                    return below(x, *args, **kwargs)
                self._is_inside = True
                try:
                    return self._activate(kind, below, x, args, kwargs)
                finally:
                    self._is_inside = False

            return activation

        return make

    def make_model_call(self, below: Function) -> Function:
        """Judge the first call of each model."""

        def __call__(layer: Any, *inputs: Any, **named: Any) -> Any:  # noqa: N807 - what it stands for
            stack = self._stack
            is_first = not stack and layer not in self._judged and paddle.in_dynamic_mode()
            if is_first and (self._replaced or paddle.is_grad_enabled()):
                return self._judge(below, layer, inputs, named)
            stack.append(layer)
            try:
                return below(layer, *inputs, **named)
            finally:
                stack.pop()

        return __call__

    def _activate(self, kind: str, below: Function, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inner = self._stack[-1]
        if isinstance(inner, RNNCellBase):
            return below(x, *args, **kwargs)
        layer = inner if type(inner).__name__ in KINDS.values() else None
        site = self._site(layer)
        is_hidden = self._is_hidden.get(site)
        if is_hidden is None and not self._is_judging:
            self._judged.discard(self._stack[0])  # a path that its first call did not take: judge the next one
        is_new = kind in self._replaced and (is_hidden if is_hidden is not None else self._is_judging)
        result = self._new(x) if is_new else below(x, *args, **kwargs)
        if self._is_judging and is_hidden is None:
            where = self._book.sites.above(program_frame()) if layer is None else self._made_at.get(layer)
            entry = self._called.setdefault(site, (kind, type(layer).__name__ if layer else kind, where, set()))
            entry[3].add(node_of(result))
        return result

    def _site(self, layer: Any) -> Site:
        frame = caller() if layer is None else program_frame()
        outer = self._stack[-1] if layer is None else (self._stack[-2] if len(self._stack) > 1 else None)
        return (self._number(layer), self._number(outer), frame.f_code, frame.f_lasti)

    def _number(self, layer: Any) -> int | None:
        return None if layer is None else self._numbers.setdefault(layer, len(self._numbers))

    def _judge(self, below: Function, layer: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        with_gradients = paddle.is_grad_enabled()
        state = _State(layer) if self._replaced else None
        self._is_judging = True
        self._stack.append(layer)
        try:
            with paddle.enable_grad():
                result = below(layer, *inputs, **named)
            must_stay = self._decide(result)
        finally:
            self._stack.pop()
            self._is_judging = False
            self._called = {}
        self._judged.add(layer)
        if state is None or (with_gradients and not must_stay):
            return result
        state.restore()
        self._stack.append(layer)
        try:
            return below(layer, *inputs, **named)
        finally:
            self._stack.pop()

    def _decide(self, result: Any) -> bool:
        """Decide which of the activations that were called are hidden. Return whether one was replaced and is not."""
        called = self._called
        nodes = frozenset(node for _, _, _, made in called.values() for node in made if node is not None)
        hidden = hidden_in(result, nodes)
        must_stay = False
        for site, (kind, what, where, made) in called.items():
            self._is_hidden[site] = is_hidden = bool(made) and all(node in hidden for node in made)
            must_stay |= not is_hidden and kind in self._replaced
            if is_hidden:
                self._book.found("activation", what, value=kind, where=where)
                if kind in self._replaced:
                    self._book.changed("activation", what, value=kind, where=where)
        return must_stay


class _State:
    """What a call of a model changes: random states, buffers and running statistics."""

    def __init__(self, model: Any) -> None:
        self._random = random.getstate(), np.random.get_state(), paddle.get_rng_state()
        kept = [*model.buffers(), *(parameter for parameter in model.parameters() if parameter.stop_gradient)]
        self._kept = [(tensor, tensor.clone()) for tensor in kept]

    def restore(self) -> None:
        """Put all of it back."""
        random.setstate(self._random[0])
        np.random.set_state(self._random[1])
        paddle.set_rng_state(self._random[2])
        with paddle.no_grad():
            for tensor, before in self._kept:
                paddle.assign(before, tensor)


def _relu(x: Any) -> Any:
    return paddle._C_ops.relu(x)


def _leaky_relu(x: Any) -> Any:
    return paddle._C_ops.leaky_relu(x, SLOPE)
