"""Notices seeds that change nothing: if all give the same curve, they are one run."""

from collections.abc import Sequence

import numpy as np

from sweep.domain.metric import Series

FEWEST = 2
"""Fewest points of a curve that is compared."""


def same_curves(curves: Sequence[Series], name: str, *, keeps_own_seed: bool) -> str:
    """Return a sentence if the base's curves of all seeds are the same value for value as far as the shortest goes.

    `curves` are of the metric `name`, one for each seed; `keeps_own_seed`: the program's seeds were left alone. Returns
    an empty text if they differ, or if nothing can be compared.
    """
    if len(curves) < 2:
        return ""
    length = min(map(len, curves))
    first = curves[0]
    if length < FEWEST or not all(_is_same(first, other, length) for other in curves[1:]):
        return ""
    why = (
        "task.seeding=script leaves the program its own seed; task.seeding=sweep gives each trial another"
        if keeps_own_seed
        else "the program does not use it"
    )
    same = f"All {len(curves)} seeds of the base gave the same {name}"
    return f"{same}: the seed changes nothing ({why}), so they count as one run."


def _is_same(one: Series, other: Series, length: int) -> bool:
    return np.array_equal(one.steps[:length], other.steps[:length]) and np.array_equal(
        one.values[:length], other.values[:length], equal_nan=True
    )
