"""`weight_decay`: the coefficient of every decay of the program, L1 or L2, by its optimizers or a ParamAttr."""

import math
from typing import Any

import paddle
from paddle.regularizer import L2Decay

from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.decays import LINE, Decay, decays_of
from sweep.worker.surgery.optimizers import Seen, optimizers_of
from sweep.worker.surgery.values import number


def install(surgery: Surgery, value: object | None) -> None:
    """Record the decays; with a number, use it for each that is not 0, or for all parameters if there is none.

    So parameters that the program excludes from its decay stay excluded. Raises ValueError for another value.
    """
    wanted = None if value is None else number("weight_decay", value, low=0.0, high=math.inf, none=0.0)

    def make(below: Function) -> Function:
        def __init__(attr: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            below(attr, *args, **kwargs)
            if attr.regularizer is not None:
                setattr(attr.regularizer, LINE, surgery.book.sites.maker_of(attr))

        return __init__

    def look(optimizer: Any, seen: Seen) -> None:
        decays = decays_of(optimizer, seen)
        used = [decay for decay in decays if decay.coefficient]
        _record(surgery.book.found, used)
        if wanted is None:
            return
        if not used and wanted:
            _add(optimizer, decays, wanted)
            surgery.book.changed("weight_decay", f"no weight decay ({seen.kind})", value=0.0, where=seen.where)
        other = [decay for decay in used if decay.coefficient != wanted]
        for decay in other:
            decay.set(wanted)
        _record(surgery.book.changed, other)

    surgery.hooks.around(paddle.ParamAttr, "__init__", make)
    optimizers_of(surgery).before_first_step(look)


def _record(record: Function, decays: list[Decay]) -> None:
    """Record equal ones of an optimizer once: an optimizer keeps the same coefficient in several places."""
    for what, value, where in dict.fromkeys((d.what, d.coefficient, d.where) for d in decays):
        record("weight_decay", what, value=value if math.isfinite(value) else None, where=where)


def _add(optimizer: Any, decays: list[Decay], coefficient: float) -> None:
    if not decays:
        optimizer.regularization = L2Decay(coefficient)
    for decay in decays:
        decay.set(coefficient)
