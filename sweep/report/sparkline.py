"""A curve in one line of text. No numpy, so that showing a trial starts fast."""

import math
from collections.abc import Iterable

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Iterable[float], width: int = 24) -> str:
    """Return values as at most `width` bars, each the last value of its part of the curve; `x` if it is not finite.

    The bars span the lowest to the highest finite value. The parts differ in length by at most one, longer ones first.
    """
    every = [float(value) for value in values]
    finite = [value for value in every if math.isfinite(value)]
    count = min(width, len(every))
    if not finite:
        return "x" * count
    low, high = min(finite), max(finite)
    span = high - low or 1.0
    size, longer = divmod(len(every), count)
    ends = [every[(part + 1) * size + min(part + 1, longer) - 1] for part in range(count)]
    return "".join(BARS[round((end - low) / span * (len(BARS) - 1))] if math.isfinite(end) else "x" for end in ends)
