"""From the curves of range tests to a range of learning rates and a point in it (docs/lr_range.md). Pure functions.

A curve is `rates` [T] (ascending, above 0) and `losses` [T], the loss before the step made with that rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.domain.lr_range import FEWEST_STEPS, BlowUp, Ending, Refusal

Floats = NDArray[np.float64]

KERNEL_DECADES = 0.16
"""Standard deviation of the Gaussian that smooths a curve, in decades of the rate: 3 steps of 150 over 8 decades."""
START_DECADES = 1.0
"""Decades at the start of the range over which the loss counts as that before any learning."""
SHARE_IN = 0.1
"""The descent begins once this share of the fall is done, and ends when this share is left."""
LEAST_FALL = 0.01
"""A loss that falls by less than this share of its value at the start is flat."""
LEAST_SIGMAS = 5.0
"""A fall of less than this many standard errors of the smoothed loss is noise. Of 500 curves of 150 independent values
8 fall further by chance; a suggestion needs half of the seeds."""
END_DECADES = 0.25
"""A curve with its minimum within this many decades of its end does not show where the loss turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveReading:
    """The result of one range test. Rates are None if there is a `refusal`, which says why.

    `valley` is the middle of the descent, in the logarithm; `steep` is where the loss falls fastest per decade; `low`
    and `high` bound the descent; `diverge` is where the loss blows up, None if it does not. `smoothed` [T] belongs to
    the first T rates, those before the first loss that is not finite.
    """

    refusal: Refusal | None
    ending: Ending
    smoothed: Floats
    valley: float | None = None
    steep: float | None = None
    low: float | None = None
    high: float | None = None
    diverge: float | None = None


def read_curve(rates: Floats, losses: Floats) -> CurveReading:
    """Return the reading of the curve of one range test.

    If all rates are multiplied by a factor, so are the rates found. A factor on all losses changes nothing.

    Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3 (the range); the valley is
    the rule of fastai's `lr_find` (`valley`: the middle of the longest descent), with the descent bounded by shares of
    its fall, so that a flat start and a flat bottom are not part of it; the slope is taken against log lr.
    """
    end, ending = _end(losses)
    finite = losses[: end if ending is Ending.NON_FINITE else end + 1]
    logs = np.log10(rates[: len(finite)])
    if len(finite) == 0:
        return CurveReading(refusal=Refusal.NON_FINITE, ending=Ending.NON_FINITE, smoothed=np.zeros(0))
    smoothed = _smooth(logs, _capped(logs, finite))
    if len(finite) < FEWEST_STEPS:
        early = {Ending.NON_FINITE: Refusal.NON_FINITE, Ending.BLOWN_UP: Refusal.BLOWN_UP}
        return CurveReading(refusal=early.get(ending, Refusal.TOO_FEW), ending=ending, smoothed=smoothed)
    start = float(np.median(smoothed[_first(logs)]))
    lowest = int(np.argmin(smoothed))
    fall = start - float(smoothed[lowest])
    if fall < LEAST_FALL * abs(start) or fall <= LEAST_SIGMAS * _standard_error(logs, finite, smoothed):
        return CurveReading(refusal=Refusal.FLAT, ending=ending, smoothed=smoothed)
    lost = _first_at(smoothed, start, lowest)
    if lost is not None and (ending is Ending.FALLING or lost < end):
        end, ending = lost, Ending.LOST
    if ending is Ending.FALLING and logs[-1] - logs[lowest] > END_DECADES:
        ending = Ending.TURNED
    if ending is Ending.FALLING:
        return CurveReading(refusal=Refusal.FALLING, ending=ending, smoothed=smoothed)
    before = smoothed[: lowest + 1]
    high_enough = np.flatnonzero(before >= start - SHARE_IN * fall)
    if not len(high_enough):  # the curve starts at its minimum
        return CurveReading(refusal=Refusal.FLAT, ending=ending, smoothed=smoothed)
    low = int(high_enough[-1])
    high = int(np.flatnonzero(before <= start - (1 - SHARE_IN) * fall)[0])
    high = max(high, low + 1)
    slope = np.gradient(smoothed, logs)
    return CurveReading(
        refusal=None,
        ending=ending,
        smoothed=smoothed,
        valley=float(10 ** ((logs[low] + logs[high]) / 2)),
        steep=float(10 ** logs[low + int(np.argmin(slope[low : high + 1]))]),
        low=float(10 ** logs[low]),
        high=float(10 ** logs[high]),
        diverge=None if ending is Ending.TURNED else float(rates[end]),
    )


def _end(losses: Floats) -> tuple[int, Ending]:
    """Return the index at which a curve ends, and how, by the rule that ends a range test."""
    watch = BlowUp()
    for index, loss in enumerate(losses.tolist()):
        if watch.update(loss):
            return index, Ending.BLOWN_UP if np.isfinite(loss) else Ending.NON_FINITE
    return len(losses) - 1, Ending.FALLING


def _capped(logs: Floats, losses: Floats) -> Floats:
    """Return the losses, capped as far above the start as the lowest is below it, so that a blow-up cannot dominate."""
    start = float(np.median(losses[_first(logs)]))
    return np.minimum(losses, start + max(start - float(losses.min()), LEAST_FALL * abs(start)))


def _first(logs: Floats) -> NDArray[np.bool_]:
    return np.asarray(logs <= logs[0] + START_DECADES)


def _smooth(logs: Floats, losses: Floats) -> Floats:
    """Return the Gaussian-weighted mean of the losses around each rate, in the logarithm of the rate."""
    weights = np.exp(-0.5 * ((logs[:, None] - logs[None, :]) / _kernel(logs)) ** 2)
    return np.asarray(weights @ losses / weights.sum(axis=1))


def _kernel(logs: Floats) -> float:
    """Return the kernel's standard deviation in decades, at least the distance between two rates."""
    step = float(logs[-1] - logs[0]) / max(len(logs) - 1, 1)
    return max(KERNEL_DECADES, step) or 1.0


def _standard_error(logs: Floats, losses: Floats, smoothed: Floats) -> float:
    """Return the standard error of the smoothed loss, from how the loss scatters around it in the first third.

    The mean over a Gaussian of standard deviation s steps has the variance of one value over 2 sqrt(pi) s; scatter is
    taken by the median absolute deviation.
    """
    third = slice(0, max(len(losses) // 3, 2))
    scatter = 1.4826 * float(np.median(np.abs(losses[third] - smoothed[third])))
    per_step = float(logs[-1] - logs[0]) / max(len(logs) - 1, 1)
    steps = _kernel(logs) / per_step if per_step else 1.0
    return scatter / float(np.sqrt(2 * np.sqrt(np.pi) * steps))


def _first_at(smoothed: Floats, level: float, start: int) -> int | None:
    """Return the first index from `start` at which the curve is at `level` or above."""
    above = np.flatnonzero(smoothed[start:] >= level)
    return start + int(above[0]) if len(above) else None
