"""What the monitor reads from a model and an optimizer: parameters, the layers that own them, and settings."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.optimizer.lr import LRScheduler

ROOT = "model"
"""The name of the layer if the model itself has parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer with a weight; `index` is the weight's index among the watched parameters."""

    name: str
    type: str
    index: int


def leaves(model: Any) -> list[tuple[str, Any]]:
    """Return the layers that compute something themselves: those without sublayers, or with parameters."""
    return [
        (name or ROOT, layer)
        for name, layer in model.named_sublayers(include_self=True)
        if not list(layer.children()) or list(layer.parameters(include_sublayers=False))
    ]


def trained_parameters(optimizer: Any) -> list[Any]:
    """Return the parameters that the optimizer changes, each once, without frozen and empty ones."""
    return list({id(p): p for p in parameters_of(optimizer) if not p.stop_gradient and size_of(p)}.values())


def parameters_of(optimizer: Any) -> list[Any]:
    """Return all parameters that the optimizer was given, in all its groups."""
    entries = getattr(optimizer, "_parameter_list", None) or []
    return [p for entry in entries for p in (entry["params"] if isinstance(entry, dict) else [entry])]


def size_of(tensor: Any) -> int:
    """Return a tensor's number of elements. (`tensor.size` takes ten times as long.)"""
    return math.prod(tensor.shape)


def weighted_layers(model: Any, parameters: list[Any], order: Mapping[str, int] | None = None) -> list[Layer]:
    """Return the layers whose weight is among `parameters`, by `order` (position by name) or as defined in the model.

    The weight is the layer's first parameter with two dimensions or more, else its first. A shared weight belongs to
    the first of its layers.
    """
    places = {id(p): i for i, p in enumerate(parameters)}
    named = leaves(model)
    if order is not None:
        named.sort(key=lambda pair: order.get(pair[0], len(order)))
    layers = []
    for name, layer in named:
        own = [p for p in layer.parameters(include_sublayers=False) if id(p) in places]
        if own:
            weight = next((p for p in own if p.ndim >= 2), own[0])
            layers.append(Layer(name=name, type=type(layer).__name__, index=places.pop(id(weight))))
    return layers


def spread(layers: list[Layer], most: int) -> list[Layer]:
    """Return at most `most` of the layers, evenly spaced, the first and the last included."""
    if len(layers) <= most:
        return layers
    return [layers[i] for i in np.unique(np.linspace(0, len(layers) - 1, most).round().astype(int))]


def decay_coefficients(optimizer: Any, parameters: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the coefficients [P] of the L2 decay in each gradient; 0 without decay, if decoupled, or if not L2."""
    common = _l2(getattr(optimizer, "regularization", None))
    by_group = {}
    for group in getattr(optimizer, "_param_groups", None) or []:
        if isinstance(group, dict):
            own = group.get("regularization_coeff") or _l2(group.get("weight_decay"))
            by_group.update({id(p): float(own or common) for p in group["params"]})
    found = [_l2(getattr(p, "regularizer", None)) or by_group.get(id(p), common) for p in parameters]
    return np.array(found, dtype=np.float64)


def _l2(decay: Any) -> float:
    if isinstance(decay, float | int):
        return float(decay)
    return float(getattr(decay, "_coeff", 0.0)) if type(decay).__name__ == "L2Decay" else 0.0


def clip_norm(optimizer: Any) -> float | None:
    """Return the global norm that the optimizer clips to, or None if it does not clip by global norm."""
    clip = getattr(optimizer, "_grad_clip", None)
    return float(clip.clip_norm) if isinstance(clip, nn.ClipGradByGlobalNorm) else None


def scheduler_of(optimizer: Any) -> LRScheduler | None:
    """Return the optimizer's learning-rate scheduler, or None if the rate is a number."""
    rate = getattr(optimizer, "_learning_rate", None)
    return rate if isinstance(rate, LRScheduler) else None


def settings(model: Any, optimizer: Any) -> dict[str, float | str]:
    """Return the facts known before training: optimizer, scheduler, largest dropout, and constant weights."""
    scheduler = scheduler_of(optimizer)
    kinds = (nn.Dropout, nn.Dropout2D, nn.Dropout3D, nn.AlphaDropout)
    dropout = [float(layer.p) for layer in model.sublayers(include_self=True) if isinstance(layer, kinds)]
    return {
        "watch/optimizer": type(optimizer).__name__,
        "watch/scheduler": "" if scheduler is None else type(scheduler).__name__,
        "watch/dropout": max(dropout, default=0.0),
        **{f"watch/initial_std/{name}": 0.0 for name in _constant_weights(model)},
    }


def _constant_weights(model: Any) -> Iterator[str]:
    """Yield the layers with a weight matrix whose values are all equal. (Vectors of ones are usual in norm layers.)"""
    for name, layer in leaves(model):
        for parameter in layer.parameters(include_sublayers=False):
            if parameter.ndim >= 2 and size_of(parameter) > 1 and _is_constant(parameter):
                yield name
                break


def _is_constant(parameter: Any) -> bool:
    if parameter.place.is_cpu_place() and parameter.dtype == paddle.float32:
        values = parameter.numpy()
        return bool(values.min() == values.max())
    return float(parameter.max() - parameter.min()) == 0.0
