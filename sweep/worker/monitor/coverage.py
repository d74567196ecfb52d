"""Finds the trainable parameters of a model that the training does not reach."""

import json
from collections.abc import Iterable
from typing import Any

from sweep.worker.monitor.layers import ROOT, parameters_of

NAMED = 8
"""Maximum number of layers named in a fact."""
MIN_CHECKS = 3
"""Number of checks of the gradients before parameters without one are reported."""

_NOT_OPTIMIZED = "watch/not_optimized"


class Coverage:
    """Finds parameters of the model that never had a gradient, and those that no watched optimizer was given.

    Parameters with `stop_gradient` set are frozen on purpose and are not counted.
    """

    def __init__(self, model: Any, parameters: list[Any]) -> None:
        self._named = list(model.named_parameters())
        own = {id(p) for _, p in self._named}
        self._parameters = parameters
        self._without = [i for i, p in enumerate(parameters) if id(p) in own]
        self._checks = 0
        self._reported: dict[str, str] = {}

    @property
    def has_missed(self) -> bool:
        """Whether parameters that no optimizer was given have been reported."""
        return _NOT_OPTIMIZED in self._reported

    def gradients(self, step: int, has_grad: list[bool]) -> dict[str, float | str]:
        """Update with which parameters had a gradient at a step.

        Returns the fact about parameters that never had one if it has changed, else an empty dict.
        """
        self._checks += 1
        if self._without:
            self._without = [i for i in self._without if not has_grad[i] and not _has_any(self._parameters[i])]
        if self._checks < MIN_CHECKS or not (self._without or "watch/no_gradient" in self._reported):
            return {}
        missing = {id(self._parameters[i]) for i in self._without}
        return self._changed("watch/no_gradient", missing, step)

    def optimizers(self, step: int, optimizers: Iterable[Any]) -> dict[str, float | str]:
        """Return the fact about parameters that none of these optimizers was given, if it has changed, else {}."""
        given = {id(p) for optimizer in optimizers for p in parameters_of(optimizer)}
        missing = {id(p) for _, p in self._trainable() if id(p) not in given} if given else set()
        return self._changed(_NOT_OPTIMIZED, missing, step) if missing or self._reported else {}

    def _trainable(self) -> list[tuple[str, Any]]:
        return [(name, p) for name, p in self._named if not p.stop_gradient]

    def _changed(self, fact: str, missing: set[int], step: int) -> dict[str, float | str]:
        trainable = self._trainable()
        names = [name for name, p in trainable if id(p) in missing]
        layers = list(dict.fromkeys(name.rpartition(".")[0] or ROOT for name in names))
        found = {"parameters": len(names), "of": len(trainable), "layers": layers[:NAMED], "more": len(layers[NAMED:])}
        text = json.dumps(found)
        if self._reported.get(fact) == text or not (names or fact in self._reported):
            return {}
        self._reported[fact] = text
        return {fact: json.dumps({**found, "step": step})}


def _has_any(parameter: Any) -> bool:
    """Return whether a parameter has a gradient, sparse ones included."""
    return parameter.grad is not None or getattr(parameter, "main_grad", None) is not None
