"""A study's outcomes as a table of cells by seeds, which all comparisons read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.domain.axis import Cell, Toggle
from sweep.domain.effect import Proportion
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.stats.exact import Bools, Floats, median_steps, proportion

Counts = list[tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Outcomes by cell and seed.

    `converged` [cells, seeds] is 1, 0, or -1 without evidence (not run, crashed, undecided). `steps` [cells, seeds] are
    steps to target in (0, budget], the budget for a miss, NaN without evidence. `diverged` [cells, seeds] is true for
    misses that diverged.
    """

    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    converged: NDArray[np.int8]
    steps: Floats
    diverged: Bools
    budget: int
    rows: dict[frozenset[Toggle], int]  # cells without searched params, by their toggles

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], budget: int) -> "Table":
        """Return the table of these outcomes; of several for one cell and seed, the highest number counts."""
        index: dict[Cell, int] = {}
        for outcome in outcomes:
            index.setdefault(outcome.cell, len(index))
        seeds = {seed: i for i, seed in enumerate(sorted({o.seed for o in outcomes}))}
        converged = np.full((len(index), len(seeds)), -1, dtype=np.int8)
        steps = np.full((len(index), len(seeds)), np.nan)
        diverged = np.zeros((len(index), len(seeds)), dtype=np.bool_)
        for outcome in sorted(outcomes, key=lambda o: o.number):
            if outcome.is_evidence:
                at = index[outcome.cell], seeds[outcome.seed]
                converged[at] = outcome.converged
                diverged[at] = outcome.verdict is Verdict.DIVERGED
                steps[at] = min(outcome.tau, budget) if outcome.converged and outcome.tau is not None else budget
        return cls(
            cells=tuple(index),
            seeds=tuple(seeds),
            converged=converged,
            steps=steps,
            diverged=diverged,
            budget=budget,
            rows={cell.toggles: row for cell, row in index.items() if not cell.params},
        )

    @property
    def base(self) -> int | None:
        """The row of the base."""
        return self.rows.get(frozenset())

    def row(self, toggles: Iterable[Toggle]) -> int | None:
        """Return the row of the cell with exactly these toggles, None if the design has no such cell."""
        return self.rows.get(frozenset(toggles))

    def proportion(self, row: int | None) -> Proportion:
        """Return how often a cell converged, over all its seeds with a verdict."""
        if row is None:
            return proportion(0, 0)
        values = self.converged[row]
        return proportion(int((values == 1).sum()), int((values >= 0).sum()))

    def count_diverged(self, row: int | None) -> int:
        """Return how many of a cell's trials diverged."""
        return 0 if row is None else int(self.diverged[row].sum())

    def median(self, row: int | None) -> float | None:
        """Return the Kaplan-Meier median of a cell's steps to target."""
        if row is None:
            return None
        steps = self.steps[row]
        return median_steps(steps[np.isfinite(steps)].tolist(), self.budget)

    def pairs(self, reference: int, treated: int) -> Bools:
        """Return which seeds [seeds] have a verdict in both cells."""
        known: Bools = (self.converged[reference] >= 0) & (self.converged[treated] >= 0)
        return known

    def pair_counts(self, reference: int) -> Counts:
        """Return (both, gained, lost, neither) for every cell: numbers of pairs with `reference`, by seed."""
        known = (self.converged >= 0) & (self.converged[reference] >= 0)
        treated, base = self.converged == 1, self.converged[reference] == 1
        pairs = (treated & base, treated & ~base, ~treated & base, ~treated & ~base)
        return list(zip(*((known & pair).sum(axis=1).tolist() for pair in pairs), strict=True))

    def is_mostly_converged(self, row: int | None) -> bool:
        """Return whether more than half of a cell's trials with a verdict converged."""
        found = self.proportion(row)
        return 2 * found.converged > found.trials
