"""Finds where a NaN or an infinity began, by one thorough search at the step at which it is noticed."""

from dataclasses import dataclass
from typing import Any

import paddle

from sweep.worker.monitor.layers import Layer, leaves
from sweep.worker.monitor.tensor_stats import gradient_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where it began: `what` is input, weight, activation, gradient, or loss (if the values of all layers are good)."""

    layer: str
    what: str


def bad_counts(layers: list[Layer], parameters: list[Any]) -> dict[str, tuple[int, int]]:
    """Return the numbers of non-finite elements (in the weight, in its gradient) by layer, for layers with any."""
    with paddle.no_grad():
        weights = [_bad(parameters[layer.index]) for layer in layers]
        grads = [_bad(gradient_of(parameters[layer.index])) for layer in layers]
        counts = paddle.stack([*weights, *grads]).numpy().tolist() if layers else []
    pairs = zip(layers, counts[: len(layers)], counts[len(layers) :], strict=True)
    return {layer.name: (weight, grad) for layer, weight, grad in pairs if weight or grad}


def _bad(tensor: Any) -> Any:
    if tensor is None:
        return paddle.zeros([], dtype="int64")
    return paddle.logical_not(paddle.isfinite(tensor)).astype("int64").sum()


def find_origin(model: Any, given: Any, layers: list[Layer], counts: dict[str, tuple[int, int]]) -> Origin:
    """Return the first cause found, in the order input, weight, activation, gradient.

    The layer is the first bad one in forward order, except for gradients: these go bad from back to front, so it began
    in the last bad layer. `given` has the positional and the named arguments of the model's call, None if it was not
    called.
    """
    if any(int(_bad(x)) for x in paddle.utils.flatten(given or ()) if _is_float(x)):
        return Origin(layer="", what="input")
    for layer in layers:
        if counts.get(layer.name, (0, 0))[0]:
            return Origin(layer=layer.name, what="weight")
    activation = _first_bad_activation(model, *given) if given is not None else None
    if activation is not None:
        return Origin(layer=activation, what="activation")
    for layer in reversed(layers):
        if counts.get(layer.name, (0, 0))[1]:
            return Origin(layer=layer.name, what="gradient")
    return Origin(layer="", what="loss")


def _first_bad_activation(model: Any, inputs: Any, named: Any) -> str | None:
    """Run the batch through the model again; return the first layer whose output is not finite, or None.

    The model is in evaluation mode, which draws no random numbers and updates no running statistics. The states of the
    generators are restored anyway, for models that draw numbers themselves.
    """
    found: list[str] = []
    modes = [(layer, layer.training) for layer in model.sublayers(include_self=True)]
    states = paddle.get_rng_state()

    def look(name: str) -> Any:
        def hook(layer: Any, given: Any, outputs: Any) -> None:  # noqa: ARG001 - the hook's signature
            if not found and any(int(_bad(x)) for x in paddle.utils.flatten(outputs) if _is_float(x)):
                found.append(name)

        return hook

    hooks = [layer.register_forward_post_hook(look(name)) for name, layer in leaves(model)]
    try:
        model.eval()
        with paddle.no_grad():
            model(*inputs, **named)
    except Exception:  # the model cannot be called twice with the same arguments
        return found[0] if found else None
    finally:
        for hook in hooks:
            hook.remove()
        for layer, is_training in modes:
            layer.training = is_training
        paddle.set_rng_state(states)
    return found[0] if found else None


def _is_float(x: Any) -> bool:
    return isinstance(x, paddle.Tensor) and x.is_floating_point()
