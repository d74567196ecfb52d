"""`init`: weights of Linear and convolution layers drawn anew, with biases 0.

A layer is drawn anew when it is made, and again after each initialiser that the program calls on it, with the same
numbers. The stream is `init` of the trial; the program's own random numbers are drawn as before. Weights that are
loaded (`set_state_dict`) or set (`set_value`, `copy_`, `assign`) afterwards stay, as they may be pretrained; only a
tensor straight from a function such as `paddle.normal` is taken for an initialisation. All of this ends with the first
optimizer step.

Both are normal distributions: `xavier` with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, eq. 12), `kaiming`
with variance 2 / fan_in (He et al. 2015, eq. 10). A fan is the number of channels in a group times the kernel's size.

Other layers, and parameters that a layer of the program creates itself, are not reached.
"""

import math
from typing import Any
from weakref import ref

import numpy as np
import paddle
from paddle.nn.initializer import Initializer
from paddle.nn.layer.conv import _ConvNd

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import STEPS, around_optimizers
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.calls import Argument, made_at
from sweep.worker.surgery.values import choice

IN_PLACE = ("normal_", "uniform_", "zero_", "fill_", "log_normal_", "random_", "bernoulli_")
"""Methods of a tensor that initialise it."""

DRAWS = ("normal", "gaussian", "standard_normal", "randn", "rand", "uniform", "zeros", "ones", "full")
"""Functions whose result a program may set as an initial weight."""

DRAWN = "drawn_as_initial_weight"
"""Attribute of their results."""


def install(surgery: Surgery, value: object | None) -> None:
    """Record the layers with fresh weights; with a name, draw these anew. Raises ValueError for other values."""
    scheme = None if value is None else choice("init", value, ("xavier", "kaiming"))
    layers = _Layers(surgery, scheme)
    around = surgery.hooks.around
    for kind in (paddle.nn.Linear, _ConvNd):
        around(kind, "__init__", layers.make_init)
    around(Initializer, "__call__", lambda below: layers.make_initialiser(below, place=1))
    for name in IN_PLACE:
        around(paddle.Tensor, name, lambda below: layers.make_initialiser(below, place=0))
    for name in ("set_value", "copy_"):
        around(paddle.Tensor, name, layers.make_set)
    around(paddle.nn.Layer, "set_state_dict", layers.make_load)
    for name in ("set_dict", "load_dict"):  # the same function under other names
        around(paddle.nn.Layer, name, layers.make_load)
    around_function(surgery.hooks, paddle.assign, layers.make_assign)
    for name in DRAWS:
        functions = {getattr(owner, name) for owner in (paddle, paddle.tensor.random) if hasattr(owner, name)}
        for function in functions:
            around_function(surgery.hooks, function, layers.make_draw)
    around_optimizers(surgery.hooks, STEPS, layers.make_step)
    surgery.book.at_end(layers.record)


class _Weights:
    """A layer's weight and bias. `number` counts the layers; `is_set` if the program has loaded or set the weight."""

    def __init__(self, layer: Any, number: int, where: str | None) -> None:
        self.weight, self.bias = ref(layer.weight), None if layer.bias is None else ref(layer.bias)
        self.fans = _fans(layer)
        inputs, outputs = _channels(layer)
        self.what, self.where = f"{type(layer).__name__}({inputs}, {outputs})", where
        self.number = number
        self.is_set = self.is_recorded = False

    def has(self, tensor: Any) -> bool:
        """Return whether this is one of them: another tensor may have got the id of one that is gone."""
        return self.weight() is tensor or (self.bias is not None and self.bias() is tensor)


class _Layers:
    def __init__(self, surgery: Surgery, scheme: str | None) -> None:
        self._book, self._scheme, self._seed = surgery.book, scheme, surgery.stream("init")
        self._made: list[_Weights] = []
        self._of: dict[int, _Weights] = {}  # by the id of a parameter
        self._is_ours = self._is_loading = self._has_begun = False

    def make_init(self, below: Function) -> Function:
        def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            below(layer, *args, **kwargs)
            if paddle.in_dynamic_mode() and layer.weight._is_initialized():
                weights = _Weights(layer, len(self._made), made_at(self._book, layer))
                self._made.append(weights)
                for parameter in (layer.weight, layer.bias):
                    if parameter is not None:
                        self._of[id(parameter)] = weights
                self._draw(weights)

        return __init__

    def make_initialiser(self, below: Function, *, place: int) -> Function:
        """Hook what initialises a tensor, which is this argument of it."""

        def initialise(*args: Any, **kwargs: Any) -> Any:
            result = below(*args, **kwargs)
            weights = self._weights_of(args[place]) if len(args) > place else None
            if weights is not None and not weights.is_set:
                self._draw(weights)
            return result

        return initialise

    def make_set(self, below: Function) -> Function:
        def set_value(tensor: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
            result = below(tensor, value, *args, **kwargs)
            self._after_set(tensor, value)
            return result

        return set_value

    def make_assign(self, below: Function) -> Function:
        output = Argument(paddle.assign, "output")

        def assign(x: Any, *args: Any, **kwargs: Any) -> Any:
            result = below(x, *args, **kwargs)
            target = output.get((x, *args), kwargs)
            if target is not None:
                self._after_set(target, x)
            return result

        return assign

    def make_load(self, below: Function) -> Function:
        def set_state_dict(layer: Any, *args: Any, **kwargs: Any) -> Any:
            before, self._is_loading = self._is_loading, True
            try:
                return below(layer, *args, **kwargs)
            finally:
                self._is_loading = before

        return set_state_dict

    def make_draw(self, below: Function) -> Function:
        def draw(*args: Any, **kwargs: Any) -> Any:
            result = below(*args, **kwargs)
            if not self._has_begun and isinstance(result, paddle.Tensor):
                setattr(result, DRAWN, True)
            return result

        return draw

    def make_step(self, below: Function) -> Function:
        def step(*args: Any, **kwargs: Any) -> Any:
            self._has_begun = True
            return below(*args, **kwargs)

        return step

    def record(self) -> None:
        """Record the layers whose weights the program has not loaded or set."""
        for weights in self._made:
            if not weights.is_recorded and not weights.is_set:
                weights.is_recorded = True
                self._book.found("init", weights.what, where=weights.where)
                if self._scheme is not None:
                    self._book.changed("init", weights.what, where=weights.where)

    def _weights_of(self, tensor: Any) -> _Weights | None:
        """Return the layer of a parameter, if the program may still initialise it."""
        if self._is_ours or self._has_begun:
            return None
        weights = self._of.get(id(tensor))
        return weights if weights is not None and weights.has(tensor) else None

    def _after_set(self, tensor: Any, value: Any) -> None:
        weights = self._weights_of(tensor)
        if weights is None:
            return
        if not self._is_loading and getattr(value, DRAWN, False):
            self._draw(weights)
        elif weights.weight() is tensor:
            weights.is_set = True
            if not self._is_loading:
                where = self._book.sites.here() or "a line of a package"
                self._book.limit(f"init: the weight that is set at {where} stays, as it may be a loaded one")

    def _draw(self, weights: _Weights) -> None:
        """Draw a layer anew: each time the same numbers."""
        weight, bias = weights.weight(), None if weights.bias is None else weights.bias()
        if self._scheme is None or weight is None:
            return
        fan_in, fan_out = weights.fans
        deviation = math.sqrt(2 / (fan_in + fan_out) if self._scheme == "xavier" else 2 / fan_in)
        numbers = np.random.default_rng([self._seed, weights.number]).standard_normal(weight.shape) * deviation
        self._is_ours = True
        try:
            weight.set_value(paddle.to_tensor(numbers.astype("float32")).astype(weight.dtype))
            if bias is not None:
                bias.set_value(paddle.to_tensor(np.zeros(bias.shape, "float32")).astype(bias.dtype))
        finally:
            self._is_ours = False


def _channels(layer: Any) -> tuple[int, int]:
    if isinstance(layer, _ConvNd):
        return layer._in_channels, layer._out_channels
    inputs, outputs = layer.weight.shape
    return inputs, outputs


def _fans(layer: Any) -> tuple[int, int]:
    inputs, outputs = _channels(layer)
    if not isinstance(layer, _ConvNd):
        return inputs, outputs
    size = math.prod(layer.weight.shape[2:])
    return inputs // layer._groups * size, outputs // layer._groups * size
