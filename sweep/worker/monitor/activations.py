"""Measures dead ReLUs and saturated sigmoids, by hooks that are attached only at sampled steps."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

from sweep.worker.monitor.layers import leaves

RECTIFIERS, SIGMOIDS = ("ReLU",), ("Sigmoid", "Tanh")
REMEMBERED = 3
"""Number of sampled batches over which a ReLU unit's activity is averaged: one batch of 32 cannot show "under 1 %"."""
DEAD = 0.01
"""A unit is dead if it is active in a smaller share of its samples than this (docs/symptoms.md)."""
SATURATED = 5.0
"""A pre-activation of a sigmoid or tanh is saturated if its absolute value exceeds this (docs/symptoms.md)."""


class Activations:
    """Measures the activation layers of a model while attached, and activation functions known to follow a layer.

    `guarded` wraps a hook so that it never raises. If a layer is called more than once in a step (one ReLU used
    throughout a model), the units of all its calls count.
    """

    def __init__(self, model: Any, guarded: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._guarded = guarded
        self._layers = dict(leaves(model))
        self._functional: dict[str, str] = {}
        self._hooks: list[Any] = []
        self._active: dict[str, list[Any]] = {}  # per ReLU and call: share of samples in which each unit is active
        self._outside: dict[str, list[Any]] = {}  # per sigmoid and call: share of saturated pre-activations
        self._remembered: dict[str, deque[Any]] = {}

    def learn(self, functional: dict[str, str]) -> None:
        """Set which activation functions follow which layers ("ReLU", "Sigmoid", "Tanh"); others are ignored."""
        self._functional = functional

    def attach(self) -> None:
        """Start measuring; only calls in training mode count."""
        if self._hooks:
            return
        for name, layer in self._layers.items():
            kind = type(layer).__name__
            if kind not in (*RECTIFIERS, *SIGMOIDS):
                kind = self._functional.get(name, "")
            if kind in RECTIFIERS:
                self._hooks.append(layer.register_forward_post_hook(self._guarded(self._rectifier(name))))
            elif kind in SIGMOIDS:
                is_layer = type(layer).__name__ == kind
                hook = self._guarded(self._sigmoid(name, is_layer=is_layer))
                self._hooks.append(layer.register_forward_post_hook(hook))

    def detach(self) -> None:
        """Stop measuring."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def take(self) -> dict[str, float]:
        """Stop measuring; return what was measured since the last call, as series. Needs one transfer from a device."""
        self.detach()
        active, outside = self._active, self._outside
        self._active, self._outside = {}, {}
        calls = [call for kind in (active, outside) for calls in kind.values() for call in calls]
        on_device = [call for call in calls if isinstance(call, paddle.Tensor)]
        if on_device:
            sizes = np.cumsum([call.shape[0] for call in on_device])[:-1]
            moved = iter(np.split(paddle.concat(on_device).numpy(), sizes))
            for kind in (active, outside):
                for name, given in kind.items():
                    kind[name] = [next(moved) if isinstance(call, paddle.Tensor) else call for call in given]
        dead = {f"watch/dead/{name}": self._dead(name, np.concatenate(given)) for name, given in active.items()}
        return dead | {f"watch/saturated/{name}": float(np.mean(given)) for name, given in outside.items()}

    def _dead(self, name: str, activity: Any) -> float:
        seen = self._remembered.setdefault(name, deque(maxlen=REMEMBERED))
        if seen and seen[-1].shape != activity.shape:
            seen.clear()
        seen.append(activity)
        return float((np.mean(seen, axis=0) < DEAD).mean())

    def _rectifier(self, name: str) -> Any:
        def hook(layer: Any, inputs: Any, outputs: Any) -> None:  # noqa: ARG001 - the hook's signature
            if layer.training:
                with paddle.no_grad():
                    is_active = _values(outputs) > 0
                    rest = tuple(axis for axis in range(is_active.ndim) if axis != _unit_axis(is_active))
                    share = is_active.astype("float32")
                    self._active.setdefault(name, []).append(share.mean(axis=rest) if rest else share)

        return hook

    def _sigmoid(self, name: str, *, is_layer: bool) -> Any:
        def hook(layer: Any, inputs: Any, outputs: Any) -> None:
            if layer.training:
                with paddle.no_grad():
                    before = _values(inputs[0] if is_layer else outputs)
                    is_outside = (before > SATURATED) | (before < -SATURATED)
                    self._outside.setdefault(name, []).append(is_outside.astype("float32").mean().reshape([1]))

        return hook


def _values(tensor: Any) -> Any:
    """Return a tensor's values: on the host as an array, since NumPy is much faster there, else as a tensor."""
    found = tensor.detach()
    if found.dtype != paddle.float32:
        found = found.astype("float32")
    return found.numpy() if found.place.is_cpu_place() else found


def _unit_axis(activity: Any) -> int:
    """Return the axis of the units: the channels of images and volumes, else the last axis."""
    return 1 if activity.ndim >= 4 else activity.ndim - 1
