"""`dropout`: the probability of every dropout of the program, of layers and of calls of the functionals."""

import inspect
from typing import Any

import paddle
from paddle.nn import functional

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery

FUNCTIONS = ("dropout", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
LAYERS = ("Dropout", "Dropout2D", "Dropout3D", "AlphaDropout", "FeatureAlphaDropout")


def install(surgery: Surgery, value: object | None) -> None:
    """Record the dropout layers that are made; with a number, use it as the probability of every call."""
    for name in LAYERS:
        kind = getattr(paddle.nn, name, None)
        if kind is not None:
            surgery.hooks.around(kind, "__init__", lambda below: _made(below, surgery))
    if value is None:
        return
    for name in FUNCTIONS:
        function = getattr(functional, name, None)
        if function is not None:
            around_function(surgery.hooks, function, lambda below: _called(below, surgery, float(value)))  # type: ignore[arg-type]


def _made(below: Function, surgery: Surgery) -> Function:
    def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
        below(layer, *args, **kwargs)
        surgery.book.found("dropout", f"{type(layer).__name__}(p={layer.p:g})", value=float(layer.p))

    return __init__


def _called(below: Function, surgery: Surgery, probability: float) -> Function:
    signature = inspect.signature(below)

    def dropout(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        before = given.arguments["p"]
        if before != probability:
            given.arguments["p"] = probability
            surgery.book.changed("dropout", f"dropout of p={before:g}", value=float(before))
        return below(*given.args, **given.kwargs)

    return dropout
