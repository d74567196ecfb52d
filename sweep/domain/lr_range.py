"""The learning-rate range test: the rising rate, where it ends, and the results of tests and their confirmation.

Standard library only: trial processes import it.
"""

import math
from dataclasses import dataclass

from sweep.domain.enums import StrEnum

RATES = "lr_range/lr"
LOSSES = "lr_range/loss"
"""Series of a range test, one value per optimizer step: the rate of the step, and the loss before it."""

SMOOTHING = 0.9
"""Decay per step of the smoothed loss that is checked for a blow-up."""
BLOW_UP_OF_BEST = 4.0
"""A smoothed loss above this many times its best has blown up (fastai and Lightning use 4, too)."""
FEWEST_STEPS = 20
"""Minimum number of steps over the range."""


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
    """Watches a loss for its end, step by step: a value that is not finite, or a smoothed one far above its best.

    The smoothed loss is an exponential moving average with decay SMOOTHING, bias-corrected. If its best is 0 or less,
    only a value that is not finite ends it, because a multiple of such a loss is meaningless.
    """

    def __init__(self) -> None:
        self._weighted = self._weight = 0.0
        self._best = math.inf

    def update(self, loss: float) -> bool:
        """Add the loss of a step; return whether it ends here."""
        if not math.isfinite(loss):  # first: every comparison with NaN is False
            return True
        self._weighted = SMOOTHING * self._weighted + (1 - SMOOTHING) * loss
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        smoothed = self._weighted / self._weight
        if not math.isfinite(smoothed):
            return True
        self._best = min(self._best, smoothed)
        return self._best > 0 and smoothed > BLOW_UP_OF_BEST * self._best


class Ending(StrEnum):
    """How the descent of a curve ended."""

    NON_FINITE = "non_finite"  # the loss was NaN or infinite
    BLOWN_UP = "blown_up"  # the smoothed loss rose above 4 x its best
    LOST = "lost"  # the smoothed loss rose to its initial value
    TURNED = "turned"  # it rose, but not as far
    FALLING = "falling"  # it was still falling at the end of the range


class Refusal(StrEnum):
    """Why no rate can be read from a curve, or from those of all seeds."""

    NON_FINITE = "non_finite"  # the loss is NaN or infinite from the start
    BLOWN_UP = "blown_up"  # the loss rises from the start
    TOO_FEW = "too_few"  # too few steps
    FLAT = "flat"  # no descent
    FALLING = "falling"  # the descent does not end: the range ends too early
    NO_OPTIMIZER = "no_optimizer"  # the task made no step of a Paddle optimizer
    NO_LOSS = "no_loss"  # it made steps, but logged no loss
    NO_TRIAL = "no_trial"  # no range test has finished
    DISAGREE = "disagree"  # the seeds' points are too far apart
    FEW_FALL = "few_fall"  # fewer than half of the seeds have a rate

    @property
    def is_missing(self) -> bool:
        """Whether there was nothing to read; the search is then not ok."""
        return self in (Refusal.NO_OPTIMIZER, Refusal.NO_LOSS, Refusal.NO_TRIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeFindings:
    """What a range test records beside its curve.

    `optimizer` and `scheduler` are the names of their classes and `base_lr` the task's own highest rate, None if there
    is none; `optimizers` is the number of optimizers that made a step. `steps` is the number of steps, from
    `first_step` of the series on; the loss is that of the backward pass or the logged one.
    """

    optimizer: str | None = None
    scheduler: str | None = None
    base_lr: float | None = None
    steps: int = 0
    first_step: int = 0
    loss_from: str | None = None  # "backward" or "log"
    optimizers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTest:
    """The range test of one seed.

    Rates are as in RateRange; None if `refusal` says that there are none. `message` says why the trial failed, empty if
    it did not; `ending` is None without a curve. `rates` [T] and `losses` [T] are the curve, including NaN and
    infinity; `smoothed` belongs to the rates before the first loss that is not finite.
    """

    trial: int
    seed: int
    message: str = ""
    refusal: Refusal | None = None
    ending: Ending | None = None
    valley: float | None = None
    steep: float | None = None
    low: float | None = None
    high: float | None = None
    diverge: float | None = None
    rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    smoothed: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSpread:
    """The spread of the points of the seeds that have one; `factor` is the highest over the lowest."""

    seeds: int
    lowest: float
    highest: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRange:
    """The range tests of all seeds together: section `lr_range` of summary.json.

    `valley` is the middle of the descent, on a logarithmic scale, `steep` the rate at which the loss falls fastest per
    decade; `low` and `high` bound the descent; `diverge` is where the loss blows up, None if it does not. `point` is
    the suggested rate, with the `overrides` that set it (empty: no key of the task sets it); both None if `refusal`
    says why. `base_lr` is the task's own highest rate, `optimizer` and `scheduler` the names of their classes, if
    known.
    """

    refusal: Refusal | None = None
    valley: float | None = None
    steep: float | None = None
    low: float | None = None
    high: float | None = None
    diverge: float | None = None
    point: float | None = None
    overrides: tuple[str, ...] = ()
    spread: RateSpread | None = None
    base_lr: float | None = None
    optimizer: str | None = None
    scheduler: str | None = None
    lr_min: float
    lr_max: float
    trials: tuple[RateTest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRate:
    """A rate at which trials were run.

    `factor` is its multiple of the point, None for the task's own rate; `lr` is None if that is not known; `level`
    names its level on the axis `lr`. `steps_to_target` is the median over the `trials` that `converged`.
    """

    factor: float | None
    lr: float | None
    level: str = ""
    trials: int = 0
    converged: int = 0
    steps_to_target: int | float | None = None
    is_recommended: bool = False

    @property
    def share(self) -> float:
        """The share of its trials that converged, 0 without trials."""
        return self.converged / self.trials if self.trials else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateConfirmation:
    """The trials around a suggested rate: section `lr_confirm` of summary.json.

    `confirmed`: every seed converged at the recommended rate. `soonest_lr` is the rate that reached the target first,
    among those that did so on every seed. `rates` are the tried rates, ascending, the task's own last.
    """

    confirmed: bool = False
    recommended_lr: float | None = None
    soonest_lr: float | None = None
    rates: tuple[TriedRate, ...] = ()
