"""The comparison of two studies. Computed in analysis/, shown by report/."""

from dataclasses import dataclass
from typing import TypeAlias

from sweep.domain.effect import Proportion

Difference: TypeAlias = tuple[str, object, object]
"""A dotted key, its value in A and its value in B; None if a side lacks it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One cell and seed that both studies have: verdicts, and steps to target (None for a miss)."""

    cell: str
    seed: int
    verdicts: tuple[str, str]
    taus: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Steps to target of B minus those of A over the pairs, misses at the budget: negative if B is faster.

    `low` and `high` bound the mean difference at 95 %; None with fewer than 6 pairs, too few for such an interval.
    `p_value` is of the sign-flip test, None if all differences are zero.
    """

    pairs: int
    mean: float
    low: float | None
    high: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellComparison:
    """One cell in both studies. `p_value` is exact over its pairs, `p_adjusted` Holm over the cells."""

    cell: str
    a: Proportion
    b: Proportion
    pairs: int
    gained: int
    lost: int
    p_value: float | None
    p_adjusted: float | None
    test: str
    steps: Steps | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyComparison:
    """The comparison of two studies, A and B.

    `obstacles` say why they cannot be compared; if there are any, `cells`, `differing`, `p_value` and `steps` are
    empty. `p_value` is McNemar's exact test over all pairs. `same_runs` counts pairs that share one run, `only_a` and
    `only_b` the trials without a partner. The differences are (key, value in A, value in B).
    """

    a: str
    b: str
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]
    pairs: int
    same_runs: int
    only_a: int
    only_b: int
    cells: tuple[CellComparison, ...]
    differing: tuple[Pair, ...]
    p_value: float | None
    steps: Steps | None
    config: tuple[Difference, ...]
    provenance: tuple[Difference, ...]
