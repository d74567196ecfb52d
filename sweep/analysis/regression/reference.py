"""What a night is compared with: the accepted runs on a log scale, and how far they can be trusted."""

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
"""How many spreads one run may count for: no single run, a miss above all, raises an alarm alone (Lucas & Crosier)."""
ALLOWANCE = 2.0
"""How many standard errors of the baseline's mean the CUSUM forgives every night; scripts/bench_nightly.py is why."""
CONFIRM_ALPHA = 0.05
"""Level at which fresh seeds, compared with the baseline by themselves, have to be slower."""
OVERSHOOT = 1.166
"""What Siegmund's approximation adds to h for the steps being discrete."""


def log_tau(run: NightRun) -> float:
    """Return the natural log of steps to target; a miss counts as two budgets (docs/regression.md)."""
    return log(max(1, run.tau if run.converged and run.tau is not None else 2 * run.budget))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where and how wide the baseline lies on the log scale.

    A run counts as its distance from `center` in `spread`s, at most CLIP; such counts have mean `offset` and standard
    deviation `scale` in the baseline (0 and 1 where it has no misses). `spread` has `df` degrees of freedom.
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
        """Whether the spread between seeds of one night is the baseline's: where neither has misses."""
        return self.converged == self.runs

    @property
    def cv(self) -> float:
        """The coefficient of variation of steps-to-target that belongs to the spread (log-normal)."""
        return sqrt(exp(min(self.spread, 5.0) ** 2) - 1)


def reference_of(values: Sequence[float], is_miss: Sequence[bool], min_cv: float) -> Reference | None:
    """Return the reference of baseline runs (log steps [N], misses as two budgets); None where half or more missed.

    With misses in it the center is the median and the spread that of the converged runs, and the misses count, clipped,
    in offset and scale: two misses of ten must not hide a shift of the other eight.
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
    """Return the reference with its spread estimated from earlier nights too: the seeds of one night about their mean.

    A regression moves the mean and not the differences within a night, so this is no refreshing of the baseline: its
    mean stays. `squares` is the sum of squared deviations over nights without misses, `df` its degrees of freedom.
    """
    if not df or not reference.can_pool:
        return reference
    own = reference.df * reference.spread**2
    total = reference.df + df
    return replace(reference, spread=max(reference.floor, sqrt((own + squares) / total)), df=total)


def night_score(values: Sequence[float], reference: Reference) -> float:
    """Return a night's mean in standard deviations of such a mean, as a standard normal score.

    The t statistic against the baseline's mean taken as exact (its error is forgiven by the slack), turned into the
    normal score of equal probability, so that a spread known from few runs counts for less.
    Source of the transform: Quesenberry, SPC Q Charts for Start-Up Processes, J. Quality Technology 23 (1991).
    """
    mean = sum(_count(value, reference) for value in values) / len(values)
    return _normal_score(sqrt(len(values)) * (mean - reference.offset) / reference.scale, reference.df)


def slower_p(values: Sequence[float], reference: Reference) -> float:
    """Return the one-sided p that fresh runs are no slower than the baseline, both means uncertain (a t-test)."""
    mean = sum(_count(value, reference) for value in values) / len(values)
    error = reference.scale * sqrt(1 / len(values) + 1 / reference.runs)
    return float(stdtr(reference.df, -(mean - reference.offset) / error))


def slack_of(runs: int, baseline_runs: int, settings: RegressionSettings) -> float:
    """Return the CUSUM's k for a night of `runs`: METHOD's, and what the baseline's own mean may be off by.

    A baseline of 10 runs misses the true mean by 0.55 standard deviations of a 3-run night (1 sigma): without an
    allowance an unlucky baseline drifts up by itself, night after night.
    """
    return settings.slack + ALLOWANCE * sqrt(runs / baseline_runs)


@lru_cache(maxsize=1024)
def threshold_of(runs: int, baseline_runs: int, settings: RegressionSettings) -> float:
    """Return the CUSUM's h: METHOD's for this many tasks where the slack is METHOD's, less where it is larger.

    The larger slack is traded for a lower threshold of the same in-control run length, by Siegmund's approximation
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
