"""`dropout`: the probability of every dropout of the program.

It reaches Paddle's dropout layers and functionals, attention (which holds no Dropout layer and reads its `dropout` at
the call), the dropout between the layers of an RNN, fused functions, and classes and functions of the program that are
named "drop path" or "stochastic depth" (`drop_path`). A probability of 0 that is an option of something else means that
there is no dropout, and stays 0. Masks that the program draws itself are not reached.
"""

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import paddle
from paddle.incubate import nn as incubate
from paddle.nn import functional
from paddle.nn.layer.rnn import RNNBase

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery, drop_path
from sweep.worker.surgery.calls import Argument, Once, caller, is_of_paddle, made_at
from sweep.worker.surgery.values import number

FUNCTIONS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
LAYERS = ("Dropout", "Dropout1D", "Dropout2D", "Dropout3D", "AlphaDropout", "FeatureAlphaDropout")

OPTIONS: dict[Any, dict[str, tuple[str, ...]]] = {
    functional: {"scaled_dot_product_attention": ("dropout_p",), "flashmask_attention": ("dropout",)},
    functional.flash_attention: {
        "flash_attention": ("dropout",),
        "flash_attn_qkvpacked": ("dropout",),
        "flash_attn_unpadded": ("dropout",),
        "flash_attn_varlen_qkvpacked": ("dropout",),
    },
    incubate.functional: {
        "fused_dropout_add": ("p",),
        "fused_dot_product_attention": ("dropout_p",),
        "cudnn_flash_attention": ("dropout_prob",),
        "fused_bias_dropout_residual_layer_norm": ("dropout_rate",),
        "fused_feedforward": ("dropout1_rate", "dropout2_rate"),
        "fused_multi_head_attention": ("dropout_rate", "attn_dropout_rate"),
        "fused_multi_transformer": ("dropout_rate",),
    },
}
"""Functions of which dropout is an option, and the arguments that are its probabilities."""

OPTIONS_OF_LAYERS: dict[Any, tuple[str, ...]] = {
    RNNBase: ("dropout",),
    paddle.nn.MultiHeadAttention: ("dropout",),
    incubate.FusedDropoutAdd: ("p",),
    incubate.FusedMultiHeadAttention: ("dropout_rate", "attn_dropout_rate"),
    incubate.FusedFeedForward: ("_dropout_rate", "_act_dropout_rate"),
    incubate.FusedBiasDropoutResidualLayerNorm: ("dropout_rate",),
}
"""Layers of which dropout is an option, and the attributes that they read at the call."""


def install(surgery: Surgery, value: object | None) -> None:
    """Record the dropouts; with a number in [0, 1], use it as the probability of all. Raises ValueError for others."""
    probability = None if value is None else number("dropout", value, low=0.0, high=1.0, none=0.0)
    layers = _Layers(surgery, probability)
    for kind in [getattr(paddle.nn, name) for name in LAYERS if hasattr(paddle.nn, name)]:
        layers.hook(kind, ("p",), is_option=False)
    for kind, names in OPTIONS_OF_LAYERS.items():
        layers.hook(kind, names, is_option=True)
    calls = _Calls(surgery, probability)
    for function, names, is_option in _functions():
        calls.hook(function, names, is_option=is_option)
    drop_path.install(surgery, probability)
    around_function(surgery.hooks, paddle.bernoulli, lambda below: _own_mask(below, surgery))


def _functions() -> Iterator[tuple[Function, tuple[str, ...], bool]]:
    for name in FUNCTIONS:
        if hasattr(functional, name):
            yield getattr(functional, name), ("p",), False
    for owner, options in OPTIONS.items():
        for name, arguments in options.items():
            if hasattr(owner, name):
                yield getattr(owner, name), arguments, True


class _Layers:
    """Records dropout layers when they are made, and changes their probability for the time of a call."""

    def __init__(self, surgery: Surgery, probability: float | None) -> None:
        self._surgery, self._probability = surgery, probability
        self._made_at: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()
        self._changed: WeakSet[Any] = WeakSet()

    def hook(self, kind: Any, names: tuple[str, ...], *, is_option: bool) -> None:
        def make_init(below: Function) -> Function:
            def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
                below(layer, *args, **kwargs)
                self._made(layer, names, is_option)

            return __init__

        def make_forward(below: Function) -> Function:
            def forward(layer: Any, *args: Any, **kwargs: Any) -> Any:
                before = {name: getattr(layer, name) for name in names}
                new = {name: p for name, p in before.items() if layer.training and self._is_other(p, is_option)}
                if not new:
                    return below(layer, *args, **kwargs)
                self._change(layer, new)
                try:
                    return below(layer, *args, **kwargs)
                finally:
                    vars(layer).update(before)

            return forward

        self._surgery.hooks.around(kind, "__init__", make_init)
        if self._probability is not None:
            self._surgery.hooks.around(kind, "forward", make_forward)

    def _made(self, layer: Any, names: tuple[str, ...], is_option: bool) -> None:
        self._made_at[layer] = where = made_at(self._surgery.book, layer)
        for name in names:
            p = float(getattr(layer, name))
            if p or not is_option:
                self._surgery.book.found("dropout", _text(layer, name, p), value=p, where=where)

    def _is_other(self, p: float, is_option: bool) -> bool:
        return p != self._probability and not (is_option and p == 0)

    def _change(self, layer: Any, new: dict[str, float]) -> None:
        vars(layer).update(dict.fromkeys(new, self._probability))
        if layer not in self._changed:
            self._changed.add(layer)
            for name, p in new.items():
                what, where = _text(layer, name, p), self._made_at.get(layer)
                self._surgery.book.changed("dropout", what, value=float(p), where=where)


def _text(layer: Any, name: str, p: float) -> str:
    return f"{type(layer).__name__}({name.lstrip('_')}={p:g})"


class _Calls:
    """Records the program's calls of functions with dropout, once a place, and changes their probability."""

    def __init__(self, surgery: Surgery, probability: float | None) -> None:
        self._surgery, self._probability = surgery, probability
        self._once = Once()

    def hook(self, function: Function, names: tuple[str, ...], *, is_option: bool) -> None:
        options = tuple(Argument(function, name) for name in names)
        training = Argument.of(function, "training")

        def make(below: Function) -> Function:
            def dropout(*args: Any, **kwargs: Any) -> Any:
                if training is None or training.get(args, kwargs):
                    self._note(function.__name__, [(option.name, option.get(args, kwargs)) for option in options])
                    for option in options:
                        if self._probability is not None and not (is_option and option.get(args, kwargs) == 0):
                            args, kwargs = option.put(args, kwargs, self._probability)
                return below(*args, **kwargs)

            return dropout

        around_function(self._surgery.hooks, function, make)

    def _note(self, name: str, given: list[tuple[str, Any]]) -> None:
        frame = caller()
        if is_of_paddle(frame) or not self._once.is_first(frame):  # a layer of Paddle is recorded where it is made
            return
        book = self._surgery.book
        for option, p in given:
            if float(p):
                what, where = f"{name}({option}={float(p):g})", book.sites.above(frame)
                book.found("dropout", what, value=float(p), where=where)
                if self._probability is not None and float(p) != self._probability:
                    book.changed("dropout", what, value=float(p), where=where)


def _own_mask(below: Function, surgery: Surgery) -> Function:
    def bernoulli(*args: Any, **kwargs: Any) -> Any:
        where = surgery.book.sites.here()
        if where is not None:
            surgery.book.limit(f"dropout: paddle.bernoulli at {where} may be a dropout mask of the program's own")
        return below(*args, **kwargs)

    return bernoulli
