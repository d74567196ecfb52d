"""`adam_eps`: the epsilon of optimizers that have one: Adam and its relatives, RMSProp, Adagrad, Adadelta, Lamb."""

import math
from typing import Any

from sweep.worker.surgery import Surgery
from sweep.worker.surgery.optimizers import Seen, groups_of, optimizers_of
from sweep.worker.surgery.values import number


def install(surgery: Surgery, value: object | None) -> None:
    """Record the epsilons; with a number, use it. Raises ValueError for another value."""
    wanted = None if value is None else number("adam_eps", value, low=0.0, high=math.inf)

    def look(optimizer: Any, seen: Seen) -> None:
        if not hasattr(optimizer, "_epsilon"):
            return
        holders = [(vars(optimizer), "_epsilon"), (optimizer._default_dict, "epsilon")]
        holders += [(group, "epsilon") for group in groups_of(optimizer)]
        owns = dict.fromkeys(float(holder[name]) for holder, name in holders if name in holder)
        for own in owns:
            surgery.book.found("adam_eps", f"epsilon={own:g} ({seen.kind})", value=own, where=seen.where)
            if wanted is not None and own != wanted:
                surgery.book.changed("adam_eps", f"epsilon={own:g} ({seen.kind})", value=own, where=seen.where)
        for holder, name in holders:
            if wanted is not None and name in holder and float(holder[name]) != wanted:
                holder[name] = wanted

    optimizers_of(surgery).before_first_step(look)
