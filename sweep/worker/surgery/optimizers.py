"""The program's optimizers, for all knobs that change them: what made them, their first step, their learning rates."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import paddle

from sweep.worker.hooks import Hooks
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import STEPS, around_optimizers
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.rates import Rates, Schedulers

WRAPPERS = ("LookAhead", "ModelAverage")
"""Optimizers of Paddle that train nothing themselves: they average the weights that another optimizer trains."""


class Seen:
    """What is known of one optimizer. `where` is the program's line that made it.

    `base` is its base learning rate: the number, or the highest rate of its schedule. `kind` is the name of its class
    as the program made it. `rate` is the learning rate of the present step if a knob changes it, None outside a step.
    """

    def __init__(self) -> None:
        self.where: str | None = None
        self.kind = ""
        self.base = 0.0
        self.rate: float | None = None
        self.steps = 0
        self.is_known = False
        self.is_stepping = False
        self.is_overwritten = False  # Paddle's tensor of the rate holds ours
        self.noted: set[str] = set()  # knobs of the rate that have recorded their change


Listener = Callable[[Any, Seen], None]


class Optimizers:
    """Calls listeners before the first step of each optimizer of the program.

    Until then the program may still change the optimizer: load a state, set regularizers, decorate it for mixed
    precision. Listeners are called in the order in which they were added: that of the knobs.
    """

    def __init__(self, surgery: Surgery) -> None:
        self._surgery = surgery
        self._seen: WeakKeyDictionary[Any, Seen] = WeakKeyDictionary()
        self._listeners: list[Listener] = []
        self.schedulers = Schedulers(surgery)
        self.rates = Rates(surgery, self.schedulers)
        hooks = surgery.hooks
        # every constructor calls it, also AdamW's, which does not call that of the base class
        hooks.around(paddle.optimizer.Optimizer, "_create_master_grad_states", self._made)
        for name in STEPS:
            around_optimizers(hooks, (name,), partial(self._around_step, name))

    def before_first_step(self, listener: Listener) -> None:
        """Call `listener(optimizer, seen)` before the first step of each optimizer."""
        self._listeners.append(listener)

    def change_rates(self) -> None:
        """Use the learning rates of `rates` from now on. Hooks Paddle once."""
        if not self.rates.is_used:
            self.rates.is_used = True
            around_optimizers(self._surgery.hooks, ("_create_global_learning_rate",), self._around_rate)
            around_optimizers(self._surgery.hooks, ("get_lr",), self._around_get_lr)

    def seen(self, optimizer: Any) -> Seen:
        """Return what is known of an optimizer."""
        found = self._seen.get(optimizer)
        if found is None:
            found = self._seen[optimizer] = Seen()
        return found

    def _made(self, below: Function) -> Function:
        def _create_master_grad_states(optimizer: Any) -> None:
            below(optimizer)
            self.seen(optimizer).where = self._surgery.book.sites.maker_of(optimizer)

        return _create_master_grad_states

    def _around_step(self, name: str, below: Function) -> Function:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            seen = self.seen(optimizer)
            if seen.is_stepping:
                return below(optimizer, *args, **kwargs)
            call: Function = below
            if not seen.is_known:
                if not paddle.in_dynamic_mode():
                    self._surgery.book.limit("optimizers of a static graph are not changed")
                    return below(optimizer, *args, **kwargs)
                if type(optimizer).__name__ in WRAPPERS:
                    return below(optimizer, *args, **kwargs)
                kind = type(optimizer)
                self._look(optimizer, seen)
                if type(optimizer) is not kind:  # a knob has made it another optimizer
                    call = getattr(type(optimizer), name)
            if self.rates.is_used:
                seen.rate = self.rates.of(optimizer, seen)
            seen.is_stepping = True
            try:
                return call(optimizer, *args, **kwargs)
            finally:
                seen.is_stepping, seen.rate = False, None
                seen.steps += 1
                self.rates.most_steps = max(self.rates.most_steps, seen.steps)

        return step

    def _look(self, optimizer: Any, seen: Seen) -> None:
        seen.is_known = True
        seen.kind = type(optimizer).__name__
        seen.base = self.schedulers.base_of(optimizer)
        for listener in self._listeners:
            listener(optimizer, seen)

    def _around_rate(self, below: Function) -> Function:
        """Overwrite the tensor from which the update reads its rate: the program's numbers and schedules are kept."""

        def _create_global_learning_rate(optimizer: Any) -> None:
            below(optimizer)
            seen = self.seen(optimizer)
            if seen.rate is None:
                return
            if seen.is_overwritten or seen.rate != optimizer._learning_rate:
                optimizer._global_learning_rate().fill_(seen.rate)
                seen.is_overwritten = True

        return _create_global_learning_rate

    def _around_get_lr(self, below: Function) -> Function:
        """Inside a step the rate is ours: for an update written by hand, and for code that records it."""

        def get_lr(optimizer: Any) -> Any:
            rate = self.seen(optimizer).rate
            return below(optimizer) if rate is None else rate

        return get_lr


_OF: WeakKeyDictionary[Hooks, Optimizers] = WeakKeyDictionary()


def optimizers_of(surgery: Surgery) -> Optimizers:
    """Return the optimizers of a program, the same for all knobs."""
    found = _OF.get(surgery.hooks)
    if found is None:
        found = _OF[surgery.hooks] = Optimizers(surgery)
    return found


def groups_of(optimizer: Any) -> list[dict[str, Any]]:
    """Return the parameter groups of an optimizer, none if it was given a list of parameters."""
    groups = optimizer._param_groups or []
    return groups if groups and isinstance(groups[0], dict) else []


def parameters_of(optimizer: Any) -> Iterator[Any]:
    """Yield the parameters of an optimizer, those of groups too."""
    groups = groups_of(optimizer)
    yield from (p for group in groups for p in group["params"]) if groups else optimizer._param_groups or ()
