"""Smoothing for the comparison with the target: a training loss is smoothed, everything else compared as logged.

Standard library only: trial processes import it.
"""

from sweep.domain.metric_names import is_loss, is_validation
from sweep.domain.target import Target


def is_smoothed(target: Target, name: str) -> bool:
    """Return whether a series is compared smoothed: it looks like a loss, or is the named one, and is of training
    data."""
    return target.smooth_steps > 0 and (is_loss(name) or name == target.loss) and not is_validation(name)


class Smoother:
    """An exponential moving average over optimizer steps, bias-corrected: it starts at the first value.

    It moves towards each value by that value's share of the total weight, so that a constant stays exactly constant.
    """

    __slots__ = ("_average", "_decay", "_step", "_weight")

    def __init__(self, half_life_steps: float) -> None:
        self._decay = 0.5 ** (1.0 / half_life_steps)
        self._step: int | None = None
        self._average = self._weight = 0.0

    def take(self, step: int, value: float) -> float:
        """Add a finite value and return the average. Two values at the same step count as one step apart."""
        gap = 1 if self._step is None else max(step - self._step, 1)
        self._step = step
        decay = self._decay**gap if gap > 1 else self._decay
        self._weight = decay * self._weight + (1.0 - decay)
        self._average += (1.0 - decay) / self._weight * (value - self._average)
        return self._average
