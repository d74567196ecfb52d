"""The watch over a task, night by night: a CUSUM in each direction, its alarms, and what ends them.

Nothing is stored: the state is computed from the nights since the baseline was accepted.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb, log

from sweep.analysis.regression.reference import (
    CONFIRM_ALPHA,
    Reference,
    night_score,
    slack_of,
    slower_p,
    threshold_of,
    with_nights,
)
from sweep.domain.regression import RegressionSettings, TaskVerdict

BROKEN_ALPHA = 0.05
"""Significance level at which fewer seeds converge than in the baseline: of a night, and again of its fresh seeds."""
BROKEN_TOGETHER = 0.005
"""Level for a night and its fresh seeds together. Against 10 of 10, 1 of 6 is an alarm (p .0014), 2 of 6 not (.008)."""
RECOVERED = log(20.0)
"""Log likelihood ratio, baseline level against the slower level, at which a regression counts as gone (Page's test)."""
IMPROVED_TIMES = 2.0
"""Number of thresholds the lower side must climb. No fresh seeds confirm an improvement, and it is never urgent."""
IMPROVED_ROOM = 2.0
"""How far above that it may climb, and so how far it may fall before a task no longer counts as improved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One night in numbers: log steps to target of its runs [m] (misses as two budgets), and of the fresh ones [f]."""

    values: tuple[float, ...]
    missed: int
    fresh: tuple[float, ...] = ()
    fresh_missed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The state after a night. `since` and `alarm_since` count nights from 0; `verdict` is that night's verdict.

    `squares` and `df` accumulate the spread within nights. `alarm` is the active regression, and `shift` its size in
    standard deviations; `recovery` is the evidence that it is over. `is_asking`: fresh seeds have to decide.
    """

    nights: int = 0
    upper: float = 0.0
    lower: float = 0.0
    since: int | None = None  # first night of the upper side's climb
    squares: float = 0.0
    df: float = 0.0
    alarm: TaskVerdict | None = None
    alarm_since: int | None = None
    shift: float = 0.0
    recovery: float = 0.0
    verdict: TaskVerdict = TaskVerdict.OK
    z: float = 0.0
    slack: float = 0.0
    threshold: float = 0.0
    peak: float = 0.0  # the upper side before that night's decision
    climb_since: int | None = None  # first night of that climb
    asked: TaskVerdict | None = None  # the verdict that fresh seeds confirm or refute
    is_crossed: bool = False
    is_asking: bool = False
    confirmed: bool | None = None
    p_value: float | None = None


@lru_cache(maxsize=65536)
def fewer_p(missed: int, runs: int, baseline_missed: int, baseline_runs: int) -> float:
    """Return the one-sided p of Fisher's exact test that `missed` of `runs` is no more than the baseline's share."""
    total, all_runs = missed + baseline_missed, runs + baseline_runs
    ways = (comb(runs, k) * comb(baseline_runs, total - k) for k in range(missed, min(runs, total) + 1))
    return sum(ways) / comb(all_runs, total)


def held(watch: Watch) -> Watch:
    """Return the state after a night without evidence: every run crashed, was lost, or repeats one already counted."""
    verdict = watch.alarm or TaskVerdict.OK
    return replace(
        watch,
        nights=watch.nights + 1,
        verdict=verdict,
        z=0.0,
        asked=None,
        is_crossed=False,
        is_asking=False,
        confirmed=None,
        p_value=None,
    )


def advance(watch: Watch, night: Figures, reference: Reference, settings: RegressionSettings) -> Watch:
    """Return the state after `night`, which holds at least one run.

    The upper side is Page's one-sided CUSUM of the night scores, the lower one its mirror image. If the upper side
    crosses its threshold, or fewer seeds converge than the baseline allows, fresh seeds decide. A confirmed slowdown
    stays active until Page's test of the old level against the new one ends it; a broken task, until a night converges
    as the baseline allows.
    Source: Page, Continuous Inspection Schemes, Biometrika 41 (1954).
    """
    now = with_nights(reference, watch.squares, watch.df)
    z = night_score(night.values, now)
    slack = slack_of(len(night.values), reference.runs, settings)
    threshold = threshold_of(len(night.values), reference.runs, settings)
    upper = max(0.0, watch.upper + z - slack)
    lower = min(IMPROVED_TIMES * threshold + IMPROVED_ROOM, max(0.0, watch.lower - z - slack))
    since = watch.since if watch.upper > 0 and watch.since is not None else watch.nights
    squares, df = _within(night)
    after = replace(
        watch,
        nights=watch.nights + 1,
        upper=upper,
        lower=lower,
        since=since if upper > 0 else None,
        peak=upper,
        climb_since=since if upper > 0 else watch.nights,
        squares=watch.squares + squares,
        df=watch.df + df,
        asked=None,
        verdict=TaskVerdict.IMPROVED if lower >= IMPROVED_TIMES * threshold else TaskVerdict.OK,
        z=z,
        slack=slack,
        threshold=threshold,
        is_crossed=upper >= threshold,
        is_asking=False,
        confirmed=None,
        p_value=None,
    )
    if watch.alarm is not None:
        after = _in_alarm(after, night, reference)
    if after.alarm != TaskVerdict.BROKEN and _is_short(night.missed, len(night.values), reference):
        after = _decide_broken(replace(after, asked=TaskVerdict.BROKEN), night, now)
    elif after.alarm is None and after.is_crossed:
        after = _decide_slower(replace(after, asked=TaskVerdict.SLOWER), night, now)
    if after.alarm is not None or after.is_asking:
        after = replace(after, verdict=after.alarm or TaskVerdict.NOT_RUN)
    return after


def _is_short(missed: int, runs: int, reference: Reference) -> bool:
    """Return whether a group of runs converges on fewer seeds than the baseline allows."""
    return fewer_p(missed, runs, reference.runs - reference.converged, reference.runs) <= BROKEN_ALPHA


def _decide_broken(watch: Watch, night: Figures, now: Reference) -> Watch:
    if not night.fresh:
        return replace(watch, is_asking=True)
    missed, runs = night.missed + night.fresh_missed, len(night.values) + len(night.fresh)
    p = fewer_p(missed, runs, now.runs - now.converged, now.runs)
    if _is_short(night.fresh_missed, len(night.fresh), now) and p <= BROKEN_TOGETHER:
        start = watch.alarm_since if watch.alarm_since is not None else watch.nights - 1
        return replace(watch, alarm=TaskVerdict.BROKEN, alarm_since=start, confirmed=True, p_value=p, upper=0.0)
    if watch.is_crossed and watch.alarm is None:
        return _decide_slower(replace(watch, asked=TaskVerdict.SLOWER), night, now)
    return replace(watch, confirmed=False, p_value=p)


def _decide_slower(watch: Watch, night: Figures, now: Reference) -> Watch:
    if not night.fresh:
        return replace(watch, is_asking=True)
    p = slower_p(night.fresh, now)
    if p > CONFIRM_ALPHA:
        # The fresh seeds count as one more night, and only downwards: an alarm that just missed its confirmation is
        # checked again the next night, and one from noise is over. Resetting to 0 found +20 % about 0.3 nights later.
        upper = max(0.0, min(watch.upper, watch.threshold) + min(0.0, night_score(night.fresh, now) - watch.slack))
        return replace(watch, confirmed=False, p_value=p, upper=upper, since=watch.since if upper > 0 else None)
    start = watch.since if watch.since is not None else watch.nights - 1
    climbed = watch.upper / (watch.nights - start) + watch.slack  # mean score of the nights of the climb
    return replace(
        watch,
        alarm=TaskVerdict.SLOWER,
        alarm_since=start,
        shift=max(climbed, 2 * watch.slack),
        recovery=0.0,
        confirmed=True,
        p_value=p,
        upper=0.0,
    )


def _in_alarm(watch: Watch, night: Figures, reference: Reference) -> Watch:
    """Return the state after a night with an active alarm: it stays active, or the task has recovered."""
    if watch.alarm == TaskVerdict.BROKEN:
        is_gone = not _is_short(night.missed, len(night.values), reference)
    else:
        recovery = max(0.0, watch.recovery + watch.shift * (watch.shift / 2 - watch.z))
        watch = replace(watch, recovery=recovery)
        is_gone = recovery >= RECOVERED
    if is_gone:
        return replace(watch, alarm=None, alarm_since=None, upper=0.0, since=None, is_crossed=False)
    return replace(watch, upper=0.0, since=None, is_crossed=False)


def _within(night: Figures) -> tuple[float, int]:
    """Return the sum of squares between a night's seeds and its degrees of freedom; zeros if a seed missed."""
    if night.missed or len(night.values) < 2:
        return 0.0, 0
    mean = sum(night.values) / len(night.values)
    return sum((value - mean) ** 2 for value in night.values), len(night.values) - 1
