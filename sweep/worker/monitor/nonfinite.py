"""Where a NaN or an infinity first appeared: one thorough look, at the step at which it shows."""

from dataclasses import dataclass
from typing import Any

import paddle

from sweep.worker.monitor.layers import Layer, leaves
from sweep.worker.monitor.tensor_stats import gradient_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where it began: `what` is input, weight, activation, gradient, or loss (every layer's values are finite)."""

    layer: str
    what: str


def bad_counts(layers: list[Layer], parameters: list[Any]) -> dict[str, tuple[int, int]]:
    """Return, per layer with any, how many elements of its weight, and of its weight's gradient, are not finite."""
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
    """Return the first cause that can be told: input, weight, activation, gradient, in this order.

    The first layer in forward order is named, but for gradients: those go bad from the back to the front, so the last
    layer with a bad one is where it began. `given` are the positional and the named arguments of the model's call, None
    where it has not been called.
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
    """Return the first layer whose output is not finite when the batch goes through once more, None for none.

    The model is in evaluation mode meanwhile, which draws no random numbers and updates no running statistics; the
    generators' states are put back all the same, for a model that draws its own.
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
    except Exception:  # a model that can be called but once with the same arguments
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
