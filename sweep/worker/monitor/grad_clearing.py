"""Checks whether the gradient of a step is cleared before that of the next step is added to it."""

from typing import Any

import paddle

from sweep.worker.hooks import Hooks
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import CLEARS, around_optimizer
from sweep.worker.monitor.layers import size_of
from sweep.worker.monitor.tensor_stats import gradient_of


class GradClearing:
    """Counts the steps in a row whose gradient was added to that of the step before.

    A call of the optimizer's `clear_grad` between two steps shows at no cost that it was cleared. Without such a call,
    one small gradient is read before a backward; it is zero or None if something else cleared it (such as the model's
    `clear_gradients`). Several backwards before one step are normal gradient accumulation: one clearing between two
    steps is enough. `is_cleared` is True once it is known that this step's gradient was cleared.
    """

    def __init__(self, parameters: list[Any]) -> None:
        self.steps = 0
        self._parameters = parameters
        self._probe: Any = None
        self.is_cleared = self._is_checked = False

    def listen(self, hooks: Hooks, optimizer: Any) -> None:
        """Notice each call of the optimizer's `clear_grad` or `clear_gradients`."""

        def make(below: Function) -> Function:
            def clear(called: Any, *args: Any, **kwargs: Any) -> Any:
                if called is optimizer:
                    self.is_cleared = True
                return below(called, *args, **kwargs)

            return clear

        around_optimizer(hooks, optimizer, CLEARS, make)

    def before_backward(self) -> None:
        """Read whether the gradient is zero, unless it is known that it was cleared."""
        if self.is_cleared or self._probe is None:
            return
        self._is_checked = True
        with paddle.no_grad():
            self.is_cleared = not _is_nonzero(gradient_of(self._probe))

    def before_step(self) -> None:
        """Update the count before an optimizer step. A step that was not checked leaves it unchanged."""
        if self._probe is None:
            self._probe = self._choose()
        elif self.is_cleared:
            self.steps = 0
        elif self._is_checked:
            self.steps += 1
        self.is_cleared = self._is_checked = False

    def _choose(self) -> Any:
        """Return the smallest weight that has a gradient, else the smallest parameter that has one, else None."""
        found = [p for p in self._parameters if gradient_of(p) is not None]
        return min([p for p in found if p.ndim >= 2] or found, key=size_of, default=None)


def _is_nonzero(grad: Any) -> bool:
    if grad is None:
        return False
    return bool((grad != 0).any()) if not grad.place.is_cpu_place() else bool((grad.numpy() != 0).any())
