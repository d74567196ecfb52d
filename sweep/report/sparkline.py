"""A curve in one line of text."""

import math
from collections.abc import Sequence

import numpy as np

from sweep.domain.metric import Values

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Values | Sequence[float], width: int = 24) -> str:
    """Return values as at most `width` bars, each the last of its part of the curve; `x` where that is not finite.

    The bars go from the lowest to the highest finite value.
    """
    every = np.asarray(values, dtype=np.float64)
    finite = every[np.isfinite(every)]
    count = min(width, len(every))
    if not len(finite):
        return "x" * count
    low, high = float(finite.min()), float(finite.max())
    span = high - low or 1.0
    ends = [float(part[-1]) for part in np.array_split(every, count)]
    return "".join(BARS[round((end - low) / span * (len(BARS) - 1))] if math.isfinite(end) else "x" for end in ends)
