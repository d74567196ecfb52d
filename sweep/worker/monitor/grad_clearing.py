"""Whether the gradient of a step is cleared before the next one's is added to it."""

from typing import Any

import paddle

from sweep.worker.hooks import Hooks
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import CLEARS, around_optimizer
from sweep.worker.monitor.layers import size_of
from sweep.worker.monitor.tensor_stats import gradient_of


class GradClearing:
    """Counts the steps in a row whose gradient was added to that of the step before.

    A call of the optimizer's `clear_grad` between two steps answers for free. Only if there is none a value is read,
    ahead of a backward: one small gradient, which is zero or absent if something else cleared it (`clear_gradients` of
    the model, say). Several backwards before one step are gradient accumulation, as it should be: it is enough that
    the gradient is cleared once between two steps. `is_cleared`: this step's is known to be.
    """

    def __init__(self, parameters: list[Any]) -> None:
        self.steps = 0
        self._parameters = parameters
        self._probe: Any = None
        self.is_cleared = self._has_looked = False

    def listen(self, hooks: Hooks, optimizer: Any) -> None:
        """Take note of each call of the optimizer's `clear_grad`, or by its other name."""

        def make(below: Function) -> Function:
            def clear(called: Any, *args: Any, **kwargs: Any) -> Any:
                if called is optimizer:
                    self.is_cleared = True
                return below(called, *args, **kwargs)

            return clear

        around_optimizer(hooks, optimizer, CLEARS, make)

    def before_backward(self) -> None:
        """Read whether the gradient is zero, unless this step's is known to be."""
        if self.is_cleared or self._probe is None:
            return
        self._has_looked = True
        with paddle.no_grad():
            self.is_cleared = not _is_nonzero(gradient_of(self._probe))

    def before_step(self) -> None:
        """Count the step that is about to be made; one that was not looked at changes nothing."""
        if self._probe is None:
            self._probe = self._choose()
        elif self.is_cleared:
            self.steps = 0
        elif self._has_looked:
            self.steps += 1
        self.is_cleared = self._has_looked = False

    def _choose(self) -> Any:
        """Return the smallest weight with a gradient, else the smallest parameter with one, None if there is none."""
        found = [p for p in self._parameters if gradient_of(p) is not None]
        return min([p for p in found if p.ndim >= 2] or found, key=size_of, default=None)


def _is_nonzero(grad: Any) -> bool:
    if grad is None:
        return False
    return bool((grad != 0).any()) if not grad.place.is_cpu_place() else bool((grad.numpy() != 0).any())
