"""`lr_scale`: multiplies the learning rate of every step, whatever sets it."""

import math
from typing import Any

from sweep.worker.surgery import Surgery
from sweep.worker.surgery.optimizers import Seen, optimizers_of
from sweep.worker.surgery.rates import described
from sweep.worker.surgery.values import number


def install(surgery: Surgery, value: object | None) -> None:
    """Record the base rate of each optimizer; with a number, multiply the rate of each step by it.

    The program's numbers and schedulers stay as they are. Raises ValueError for another value.
    """
    optimizers = optimizers_of(surgery)

    def look(optimizer: Any, seen: Seen) -> None:
        what, base, where = described("lr_scale", optimizer, seen, optimizers.schedulers)
        surgery.book.found("lr_scale", what, value=base, where=where)

    optimizers.before_first_step(look)
    if value is not None:
        optimizers.rates.scale = number("lr_scale", value, low=0.0, high=math.inf)
        optimizers.change_rates()
