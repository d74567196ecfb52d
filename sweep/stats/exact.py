"""The statistics of a ranking: exact, for small samples, and deterministic.

Proportions carry Jeffreys intervals; tests of convergence are exact; steps-to-target are censored at the budget.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv  # not scipy.stats, which takes three times as long to import

from sweep.domain.effect import Proportion

ALPHA = 0.05
EXACT_SIGNS = 12
EXACT_SPLITS = 10_000
DRAWS = 4_999

SPRT_LEAD = 3
"""Lead of one kind of outcome that decides Wald's sequential test (p0 .2, p1 .8, both errors .05: 2.944 / 1.386)."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@lru_cache(maxsize=4096)
def proportion(converged: int, trials: int) -> Proportion:
    """Return the proportion with its Jeffreys 95 % interval, [0, 1] without trials.

    The interval ends at 0 if none and at 1 if all converged. Source: Brown, Cai and DasGupta, Interval Estimation for a
    Binomial Proportion, Statistical Science 16 (2001), section 4.1.2.
    """
    a, b = converged + 0.5, trials - converged + 0.5
    low = 0.0 if converged == 0 else float(betaincinv(a, b, ALPHA / 2))
    high = 1.0 if converged == trials else float(betaincinv(a, b, 1 - ALPHA / 2))
    return Proportion(converged=converged, trials=trials, mean=a / (a + b), low=low, high=high)


@lru_cache(maxsize=65536)
def fisher_p(first: int, second: int, trials: int) -> float:
    """Return the two-sided p of Fisher's exact test of `first` against `second`, each of `trials`.

    It sums the tables with the same margins that are at most as probable, exactly, in integers.
    """
    both = first + second
    low, high = max(0, both - trials), min(trials, both)
    ways = [comb(trials, low) * comb(trials, both - low)]
    for k in range(low, high):
        ways.append(ways[-1] * (trials - k) * (both - k) // ((k + 1) * (trials - both + k + 1)))
    return sum(count for count in ways if count <= ways[first - low]) / comb(2 * trials, both)


@lru_cache(maxsize=65536)
def mcnemar_p(gained: int, lost: int) -> float:
    """Return the two-sided p of McNemar's exact test: the sign test on the discordant pairs."""
    pairs = gained + lost
    ways = tail = 1
    for k in range(min(gained, lost)):
        ways = ways * (pairs - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << pairs))


def paired_test(both: int, gained: int, lost: int, neither: int) -> tuple[float, str]:
    """Return (two-sided p, name of the test) for pairs (reference, treated) by seed.

    `gained` pairs converge only treated, `lost` only untreated. Fisher's exact test if all reference seeds have the
    same outcome (the pairing then carries no information), McNemar's otherwise. The size of this rule is below 0.05 for
    every n and rate: docs/decisions/0002.
    """
    trials, reference = both + gained + lost + neither, both + lost
    if reference in (0, trials):
        return fisher_p(reference, both + gained, trials), "Fisher"
    return mcnemar_p(gained, lost), "McNemar"


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p-values in the order given; None stays None and is not counted.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statist. 6 (1979).
    """
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    running = 0.0
    for position, (p, index) in enumerate(known):
        running = max(running, min(1.0, p * (len(known) - position)))
        adjusted[index] = running
    return adjusted


@lru_cache(maxsize=32)
def _signs(count: int) -> Floats:
    """Return sign vectors [D, count]: all of them up to EXACT_SIGNS, else DRAWS from a fixed stream after all +1."""
    if count <= EXACT_SIGNS:
        bits = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return (1 - 2 * bits).astype(np.float64)
    drawn = np.random.default_rng(count).choice((-1.0, 1.0), size=(DRAWS, count))
    return np.vstack([np.ones((1, count)), drawn])


def sign_flip_p(differences: Floats) -> float | None:
    """Return the two-sided permutation p that paired differences [n] have mean zero; None if all are zero.

    Signs are flipped within pairs (the permutation stratified by seed): exact up to 12 non-zero differences, else over
    4,999 draws from a fixed stream, plus the observed one.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return None
    sums = np.abs(_signs(len(moved)) @ moved)
    return float(np.mean(sums >= sums[0] * (1 - 1e-12)))


@lru_cache(maxsize=32)
def _splits(count: int, size: int) -> Bools:
    """Return choices [D, count] of `size` out of `count`: all if they are few, else drawn from a fixed stream."""
    if comb(count, size) <= EXACT_SPLITS:
        chosen = np.array(list(combinations(range(count), size)), dtype=np.intp)
    else:
        rng = np.random.default_rng(count)
        chosen = np.argsort(rng.random((DRAWS, count)), axis=1)[:, :size]
    out = np.zeros((len(chosen), count), dtype=bool)
    np.put_along_axis(out, chosen, True, axis=1)
    return out


def split_p(values: Floats, inside: Bools) -> float:
    """Return the two-sided permutation p of the difference of means between values [n] inside and outside a half."""
    splits = np.vstack([inside[None, :], _splits(len(values), int(inside.sum()))])
    distance = np.abs(splits @ (values - values.mean()))
    exact = comb(len(values), int(inside.sum())) <= EXACT_SPLITS
    # The observed split is one of them, and must be added to the drawn ones.
    return float(np.mean((distance[1:] if exact else distance) >= distance[0] - 1e-12))


def median_steps(steps: Sequence[float], budget: float) -> float | None:
    """Return the Kaplan-Meier median of steps-to-target, misses given as `budget`; None if it was not reached.

    With every censoring at the budget the estimate is one minus the share converged so far, so its median is the first
    step by which at least half have converged.
    """
    ordered = sorted(steps)
    if not ordered:
        return None
    median = ordered[(len(ordered) - 1) // 2]
    return None if median >= budget else float(median)


def combination_interval(parts: Sequence[tuple[float, Proportion]]) -> tuple[float, float, float]:
    """Return (value, low, high) of a weighted sum of proportions, by MOVER from their Jeffreys intervals.

    It treats the proportions as independent; cells share seeds, so it is wider than needed if they agree. Source: Zou
    and Donner, Construction of confidence limits about effect measures, Statist. Med. 27 (2008).
    """
    value = below = above = 0.0
    for weight, part in parts:
        seen = part.converged / part.trials
        value += weight * seen
        down, up = weight * (seen - part.low), weight * (part.high - seen)
        below += (down if weight > 0 else up) ** 2
        above += (up if weight > 0 else down) ** 2
    return value, value - below**0.5, value + above**0.5
