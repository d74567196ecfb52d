"""Dead ReLUs and saturated sigmoids, from hooks that are there for the sampled steps only."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

from sweep.worker.monitor.layers import leaves

RECTIFIERS, SIGMOIDS = ("ReLU",), ("Sigmoid", "Tanh")
REMEMBERED = 3
"""A ReLU unit's activity is averaged over so many sampled batches: one of 32 samples alone cannot say "under 1 %"."""
DEAD = 0.01
"""A unit active in a smaller share of its samples than this is dead (METHOD 4)."""
SATURATED = 5.0
"""A pre-activation of a sigmoid or tanh beyond this, to either side, is saturated (METHOD 4)."""


class Activations:
    """Measures the activation layers of a model while `attach`ed, and functions known to follow a layer.

    `guarded` makes of a hook one that never raises. Of a layer called more than once in a step, a single ReLU used
    throughout, all units of that step count.
    """

    def __init__(self, model: Any, guarded: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._guarded = guarded
        self._layers = dict(leaves(model))
        self._functional: dict[str, str] = {}
        self._hooks: list[Any] = []
        self._active: dict[str, list[Any]] = {}  # per ReLU and call: the share of samples in which a unit is active
        self._outside: dict[str, list[Any]] = {}  # per sigmoid and call: the share of saturated pre-activations
        self._remembered: dict[str, deque[Any]] = {}

    def learn(self, functional: dict[str, str]) -> None:
        """Take in which functions follow which layers ("ReLU", "Sigmoid", "Tanh"); others are of no interest."""
        self._functional = functional

    def attach(self) -> None:
        """Measure from now on, in training mode."""
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
        """Return what was measured since the last time, as series, in one transfer; and stop measuring."""
        self.detach()
        active = {name: paddle.concat(calls) for name, calls in self._active.items()}
        outside = {name: paddle.stack(calls).mean().reshape([1]) for name, calls in self._outside.items()}
        self._active, self._outside = {}, {}
        if not active and not outside:
            return {}
        parts = [*active.values(), *outside.values()]
        values = np.split(paddle.concat(parts).numpy(), np.cumsum([part.shape[0] for part in parts])[:-1])
        found = dict(zip([*active, *outside], values, strict=True))
        dead = {f"watch/dead/{name}": self._dead(name, found[name]) for name in active}
        return dead | {f"watch/saturated/{name}": float(found[name][0]) for name in outside}

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
                    share = (outputs.detach() > 0).astype("float32")
                    rest = [axis for axis in range(share.ndim) if axis != _unit_axis(share)]
                    self._active.setdefault(name, []).append(share.mean(axis=rest) if rest else share)

        return hook

    def _sigmoid(self, name: str, *, is_layer: bool) -> Any:
        def hook(layer: Any, inputs: Any, outputs: Any) -> None:
            if layer.training:
                with paddle.no_grad():
                    before = (inputs[0] if is_layer else outputs).detach().astype("float32")
                    self._outside.setdefault(name, []).append((before.abs() > SATURATED).astype("float32").mean())

        return hook


def _unit_axis(activity: Any) -> int:
    """Return the axis of the units: the channels of images and volumes, else the last."""
    return 1 if activity.ndim >= 4 else activity.ndim - 1
