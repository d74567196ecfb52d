"""Learning rates: the base rate of an optimizer, and the rate that the knobs give each step."""

import contextlib
import copy
import io
import math
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from paddle.optimizer import LBFGS, Rprop
from paddle.optimizer.lr import LRScheduler, ReduceOnPlateau

from sweep.domain.reach import ADAM_RATE
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery

if TYPE_CHECKING:
    from sweep.worker.surgery.optimizers import Seen

AHEAD_STEPS = 10_000
"""Number of steps for which a schedule is followed at most to find its highest rate."""

OWN_RATES = (LBFGS, Rprop)
"""Optimizers whose update does not read the learning rate that the others have."""

NEARLY = 1e-9
"""Relative difference up to which two rates are the same."""


class Schedulers:
    """The program's schedulers, and the lines that made them."""

    def __init__(self, surgery: Surgery) -> None:
        self._surgery = surgery
        self._where: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()
        for kind in (LRScheduler, ReduceOnPlateau):  # the latter does not call the constructor of the base class
            surgery.hooks.around(kind, "__init__", self._made)

    def where(self, scheduler: Any) -> str | None:
        """Return the program's line that made a scheduler, None if unknown."""
        return self._where.get(scheduler)

    def base_of(self, optimizer: Any) -> float:
        """Return the base rate: the number, or the highest rate of the schedule within the training."""
        own = optimizer._learning_rate
        steps = min(AHEAD_STEPS, self._surgery.total_steps)
        return _highest_rate(own, steps) if isinstance(own, LRScheduler) else float(own)

    def _made(self, below: Function) -> Function:
        def __init__(scheduler: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            below(scheduler, *args, **kwargs)
            self._where[scheduler] = self._surgery.book.sites.maker_of(scheduler)

        return __init__


class Rates:
    """The learning rate of each step, as the knobs that are set want it. Without one it is not used.

    `scale` multiplies it, `schedule` replaces the program's schedule over the base rate, and an optimizer that became
    Adam has the base rate ADAM_RATE, with the program's schedule in proportion.
    """

    def __init__(self, surgery: Surgery, schedulers: Schedulers) -> None:
        self._book, self._total_steps = surgery.book, surgery.total_steps
        self._schedulers = schedulers
        self.is_used = False
        self.scale = 1.0
        self.schedule: str | None = None
        self.is_adam = False
        self.most_steps = 0  # of the optimizer that has made most

    def of(self, optimizer: Any, seen: "Seen") -> float:
        """Return the rate of the step that an optimizer begins, and record the first change by each knob."""
        own = float(optimizer.get_lr())
        if isinstance(optimizer, OWN_RATES):
            self._book.limit(f"lr_scale, scheduler: {seen.kind} keeps a separate learning rate, which is not changed")
            return own
        rate = own
        base = ADAM_RATE if self.is_adam and "optimizer" in seen.noted else seen.base
        if base != seen.base:
            rate = own * (base / seen.base) if seen.base > 0 else base
        if self.schedule is not None:
            step = max(seen.steps, self.most_steps - 1)
            wanted = base * share(self.schedule, step, self._total_steps)
            if not math.isclose(wanted, rate, rel_tol=NEARLY):
                self._note("scheduler", optimizer, seen)
                rate = wanted
        if self.scale != 1.0 and rate != 0.0:
            self._note("lr_scale", optimizer, seen)
            rate *= self.scale
        return rate

    def _note(self, knob: str, optimizer: Any, seen: "Seen") -> None:
        if knob not in seen.noted:
            seen.noted.add(knob)
            what, value, where = described(knob, optimizer, seen, self._schedulers)
            self._book.changed(knob, what, value=value, where=where)


def share(schedule: str, step: int, total_steps: int) -> float:
    """Return the share of the base rate at a step, counted from 0, of a training of `total_steps` steps.

    `cosine` falls from 1 to 0 at the end, `warmup` rises linearly over the first tenth and stays, `constant` is 1. They
    are the schedules of the tasks that come with sweep.
    """
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / max(1, total_steps))))
    rise = max(1, total_steps // 10) if schedule == "warmup" else 1
    return min(1.0, (step + 1) / rise)


def described(
    knob: str, optimizer: Any, seen: "Seen", schedulers: Schedulers
) -> tuple[str, float | str | None, str | None]:
    """Return what, value and where of the part that a knob of the rate reaches in an optimizer."""
    own = optimizer._learning_rate
    if knob == "scheduler" and isinstance(own, LRScheduler):
        return call_of(own), type(own).__name__, schedulers.where(own) or seen.where
    if knob == "scheduler":
        return f"constant learning_rate={seen.base:g} ({seen.kind})", None, seen.where
    return f"learning_rate={seen.base:g} ({seen.kind})", seen.base, seen.where


def call_of(scheduler: Any) -> str:
    """Return the call that makes a scheduler, as far as its attributes show it: `StepDecay(learning_rate=0.1, ...)`."""
    known = {"learning_rate": scheduler.base_lr, **vars(scheduler)}
    hidden = ("base_lr", "last_lr", "last_epoch", "verbose", "keys")
    words = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in known.items()
        if not name.startswith("_") and name not in hidden and isinstance(value, int | float)
    ]
    return f"{type(scheduler).__name__}({', '.join(words[:4])})"


def _highest_rate(scheduler: Any, steps: int) -> float:
    rates = [float(scheduler.last_lr)]
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):  # it may be the program's own class
        ahead = copy.deepcopy(scheduler)
        for _ in range(steps):
            ahead.step()
            rates.append(float(ahead.last_lr))
    highest = max((rate for rate in rates if math.isfinite(rate)), default=0.0)
    return float(f"{highest:.9g}")  # a cosine returns to its base only up to rounding
