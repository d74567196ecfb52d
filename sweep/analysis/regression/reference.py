"""The reference that nights are compared with: the accepted runs on a log scale, and how certain they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, log, log1p, sqrt
from statistics import fmean, median

from scipy.optimize import brentq
from scipy.special import ndtri, stdtr

from sweep.domain.nights import NightRun
from sweep.domain.regression import RegressionSettings

CLIP = 3.0
"""Largest number of spreads that one run counts for, so that no run, not even a miss, raises an alarm alone.

Source: Lucas and Crosier, Robust CUSUM, Communications in Statistics 11 (1982).
"""
ALLOWANCE = 2.0
"""Number of standard errors of the baseline's mean that the CUSUM allows for; measured by scripts/bench_nightly.py."""
CONFIRM_ALPHA = 0.05
"""Significance level at which the fresh seeds alone must be slower than the baseline."""
OVERSHOOT = 1.166
"""What Siegmund's approximation adds to h because the steps are discrete."""


def log_tau(run: NightRun) -> float:
    """Return the natural log of steps to target; a miss counts as two budgets (docs/regression.md)."""
    return log(max(1, run.tau if run.converged and run.tau is not None else 2 * run.budget))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Location and spread of the baseline on the log scale.

    A run counts as its distance from `center` in `spread`s, at most CLIP. In the baseline these counts have mean
    `offset` and standard deviation `scale` (0 and 1 without misses). `spread` has `df` degrees of freedom.
    """

    center: float
    spread: float
    offset: float
    scale: float
    df: float
    runs: int
    converged: int
    floor: float

    @property
    def can_pool(self) -> bool:
        """Whether the spread within nights may be pooled with the baseline's: only if the baseline has no misses."""
        return self.converged == self.runs

    @property
    def cv(self) -> float:
        """The coefficient of variation of steps-to-target that belongs to the spread (log-normal)."""
        return sqrt(exp(min(self.spread, 5.0) ** 2) - 1)


def reference_of(values: Sequence[float], is_miss: Sequence[bool], min_cv: float) -> Reference | None:
    """Return the reference of baseline runs (log steps [N], misses as two budgets); None if half or more missed.

    None, too, if fewer than two converged. With misses, the center is the median, the spread is that of the converged
    runs, and misses count, clipped, in offset and scale: two misses of ten must not hide a shift of the other eight.
    """
    good = [value for value, missed in zip(values, is_miss, strict=True) if not missed]
    if len(good) * 2 <= len(values) or len(good) < 2:
        return None
    floor = sqrt(log1p(min_cv**2))
    center = fmean(good) if len(good) == len(values) else median(values)
    mean = fmean(good)
    spread = max(floor, sqrt(sum((value - mean) ** 2 for value in good) / (len(good) - 1)))
    found = Reference(
        center=center,
        spread=spread,
        offset=0.0,
        scale=1.0,
        df=len(good) - 1,
        runs=len(values),
        converged=len(good),
        floor=floor,
    )
    if found.can_pool:
        return found
    counted = [_count(value, found) for value in values]
    offset = fmean(counted)
    scale = sqrt(sum((count - offset) ** 2 for count in counted) / (len(counted) - 1))
    return replace(found, offset=offset, scale=max(1.0, scale))


def with_nights(reference: Reference, squares: float, df: float) -> Reference:
    """Return the reference with its spread also estimated from earlier nights: from seeds about their night's mean.

    A regression moves the mean, not the differences within a night. So this does not move the baseline: its mean
    stays. `squares` is the sum of squared deviations over nights without misses, `df` its degrees of freedom.
    """
    if not df or not reference.can_pool:
        return reference
    own = reference.df * reference.spread**2
    total = reference.df + df
    return replace(reference, spread=max(reference.floor, sqrt((own + squares) / total)), df=total)


def night_score(values: Sequence[float], reference: Reference) -> float:
    """Return how far a night's mean lies from the baseline's, as a standard normal score.

    It is the t statistic against the baseline's mean taken as exact (the slack allows for its error), turned into the
    normal score of equal probability, so that a spread known from few runs counts for less.
    Source of the transform: Quesenberry, SPC Q Charts for Start-Up Processes, J. Quality Technology 23 (1991).
    """
    mean = sum(_count(value, reference) for value in values) / len(values)
    return _normal_score(sqrt(len(values)) * (mean - reference.offset) / reference.scale, reference.df)


def slower_p(values: Sequence[float], reference: Reference) -> float:
    """Return the one-sided p that fresh runs are no slower than the baseline: a t-test with both means uncertain."""
    mean = sum(_count(value, reference) for value in values) / len(values)
    error = reference.scale * sqrt(1 / len(values) + 1 / reference.runs)
    return float(stdtr(reference.df, -(mean - reference.offset) / error))


def slack_of(runs: int, baseline_runs: int, settings: RegressionSettings) -> float:
    """Return the CUSUM's k for a night of `runs`: the configured slack plus an allowance for the baseline's mean.

    The mean of a baseline of 10 runs is off by 0.55 standard deviations of a 3-run night (1 sigma). Without an
    allowance, the CUSUM of an unlucky baseline drifts up by itself, night after night.
    """
    return settings.slack + ALLOWANCE * sqrt(runs / baseline_runs)


@lru_cache(maxsize=1024)
def threshold_of(runs: int, baseline_runs: int, settings: RegressionSettings) -> float:
    """Return the CUSUM's h: the configured one for this number of tasks, lowered if the slack is above the configured.

    A larger slack is offset by a lower threshold with the same in-control run length, by Siegmund's approximation
    ARL = (exp(2kb) - 2kb - 1) / 2k^2 with b = h + 1.166 (Sequential Analysis, 1985, equation 2.56).
    """
    plain = settings.threshold + settings.per_doubling * log(max(1, settings.tasks)) / log(2)
    wanted = _log_run_length(settings.slack, plain + OVERSHOOT)
    slack = slack_of(runs, baseline_runs, settings)
    b = brentq(lambda b: _log_run_length(slack, b) - wanted, 1e-6, plain + OVERSHOOT + 1)
    return max(0.5, float(b) - OVERSHOOT)


def _log_run_length(slack: float, b: float) -> float:
    x = 2 * slack * b
    inner = x * x / 2 if x < 1e-4 else exp(x) - x - 1 if x < 30 else exp(x)
    return log(inner / (2 * slack * slack))


def _count(value: float, reference: Reference) -> float:
    return min(CLIP, max(-CLIP, (value - reference.center) / reference.spread))


def _normal_score(t: float, df: float) -> float:
    score = float(ndtri(stdtr(df, -abs(t))))
    return -score if t > 0 else score
