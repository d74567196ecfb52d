"""The learning-rate range test: its rising rate and where it ends. Standard library only: trial processes read it."""

import math
from dataclasses import dataclass

RATES = "lr_range/lr"
LOSSES = "lr_range/loss"
"""Series of a range test, one value per optimizer step: the rate it was made with, and the loss before it."""

SMOOTHING = 0.9
"""Decay per step of the loss that is watched for its blow-up."""
BLOW_UP_OF_BEST = 4.0
"""A smoothed loss above this many times its best has blown up (fastai and Lightning have the same 4)."""
FEWEST_STEPS = 20
"""Fewer steps over the range show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """Learning rates that rise exponentially from `lr_min` to `lr_max` in `steps` steps (Smith 2017, section 3.3)."""

    lr_min: float
    lr_max: float
    steps: int

    def rate(self, index: int) -> float:
        """Return the rate of the step `index` steps after the first."""
        return float(self.lr_min * (self.lr_max / self.lr_min) ** (index / (self.steps - 1)))


class BlowUp:
    """Watches a loss, step by step, for its end: a value that is not finite, or a smoothed one far above its best.

    The smoothed loss is an exponential moving average with decay SMOOTHING, bias-corrected. Where its best is 0 or
    less, only a value that is not finite ends it: such a loss has no multiple.
    """

    def __init__(self) -> None:
        self._weighted = self._weight = 0.0
        self._best = math.inf

    def update(self, loss: float) -> bool:
        """Take in the loss of a step; return whether it ends here."""
        if not math.isfinite(loss):  # first: every comparison with NaN is False
            return True
        self._weighted = SMOOTHING * self._weighted + (1 - SMOOTHING) * loss
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        smoothed = self._weighted / self._weight
        if not math.isfinite(smoothed):
            return True
        self._best = min(self._best, smoothed)
        return self._best > 0 and smoothed > BLOW_UP_OF_BEST * self._best
