"""`scheduler`: the schedule of the learning rate over the base rate, in place of the program's own."""

from typing import Any

from paddle.optimizer.lr import LRScheduler

from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import around_optimizers
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.optimizers import Seen, optimizers_of
from sweep.worker.surgery.rates import described
from sweep.worker.surgery.values import choice

SCHEDULES = ("constant", "cosine", "warmup")


def install(surgery: Surgery, value: object | None) -> None:
    """Record the schedulers that optimizers use, and rates set by hand; with a name, use that schedule instead.

    The program's schedulers go on, but are not used. Raises ValueError for another value.
    """
    optimizers = optimizers_of(surgery)

    def found(optimizer: Any, seen: Seen) -> None:
        if isinstance(optimizer._learning_rate, LRScheduler):
            what, kind, where = described("scheduler", optimizer, seen, optimizers.schedulers)
            surgery.book.found("scheduler", what, value=kind, where=where)

    def make(below: Function) -> Function:
        def set_lr(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            before, seen = optimizer._learning_rate, optimizers.seen(optimizer)
            below(optimizer, *args, **kwargs)
            after = optimizer._learning_rate
            if not seen.steps or seen.is_stepping or after == before or "set_lr" in seen.noted:
                return
            seen.noted.add("set_lr")
            if isinstance(after, LRScheduler):
                found(optimizer, seen)
            else:
                surgery.book.found("scheduler", f"set_lr by hand ({seen.kind})", value="set_lr")

        return set_lr

    optimizers.before_first_step(found)
    around_optimizers(surgery.hooks, ("set_lr", "set_lr_scheduler"), make)
    if value is not None:
        optimizers.rates.schedule = choice("scheduler", value, SCHEDULES)
        optimizers.change_rates()
