"""Time the ranking of studies up to 10,000 trials, and compare it with the same figures computed with scipy.stats.

The alternative is what one writes without this package: per toggle a bootstrap interval, Fisher's test and a
permutation test of steps-to-target, per cell an interval and a test against the base, each called as documented.

    python scripts/bench_ranking.py            prints the table
    python scripts/bench_ranking.py --write    also writes results/benchmarks/ranking.md
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

from sweep.analysis import rank
from sweep.domain.axis import Axis, Cell, Level, Toggle
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.stats.exact import fisher_p, mcnemar_p, proportion

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
SIZES = ((13, 10), (100, 10), (1000, 10))  # cells x seeds
LIMIT_S = 1.0  # issue 2: ranking 10,000 trials
WRITTEN = Path(__file__).parent.parent / "results" / "benchmarks" / "ranking.md"


def study(cells: int, seeds: int) -> tuple[list[Outcome], tuple[Axis, ...]]:
    """Return a study of 12 axes in which one toggle repairs most runs."""
    axes = tuple(
        Axis(name=f"axis{i:02}", levels=(Level(name="off", overrides=(f"task.axis{i}=0",)),)) for i in range(12)
    )
    toggles = [axis.toggles[0] for axis in axes]
    chosen = islice((c for size in range(13) for c in combinations(toggles, size)), cells)
    rng = np.random.default_rng(0)
    found: list[Outcome] = []
    for toggles_on in chosen:
        cell = Cell(frozenset(toggles_on))
        for seed in range(seeds):
            good = rng.random() < (0.9 if toggles[0] in toggles_on else 0.1)
            tau = int(rng.integers(100, 500))
            found.append(
                Outcome(
                    number=len(found),
                    cell=cell,
                    seed=seed,
                    state=TrialState.COMPLETED,
                    verdict=Verdict.CONVERGED if good else Verdict.NOT_CONVERGED,
                    tau=tau if good else None,
                    steps=tau if good else TARGET.budget_steps,
                    wall_s=1.0,
                )
            )
    return found, axes


def straight_from_scipy(outcomes: Sequence[Outcome], axes: Sequence[Axis]) -> dict[Toggle | Cell, object]:
    """Return interval, exact p and permutation p per toggle, interval and exact p per cell."""
    by_cell: dict[Cell, list[Outcome]] = {}
    for outcome in outcomes:
        by_cell.setdefault(outcome.cell, []).append(outcome)
    base = by_cell[Cell()]
    figures: dict[Toggle | Cell, object] = {}
    for toggle in (t for axis in axes for t in axis.toggles):
        mine = by_cell[Cell(frozenset([toggle]))]
        ours, theirs = (np.array([o.converged for o in group], dtype=float) for group in (mine, base))
        steps = [np.array([o.tau or TARGET.budget_steps for o in group], dtype=float) for group in (base, mine)]
        interval = stats.bootstrap(
            (ours, theirs), lambda a, b: a.mean() - b.mean(), vectorized=False, method="percentile", random_state=0
        ).confidence_interval
        permuted = stats.permutation_test(
            steps, lambda a, b: float(np.mean(a - b)), permutation_type="samples", vectorized=False, random_state=0
        )
        figures[toggle] = interval, _fisher(mine, base), permuted.pvalue
    for cell, group in by_cell.items():
        converged = sum(o.converged for o in group)
        figures[cell] = stats.binomtest(converged, len(group)).proportion_ci(), _fisher(group, base)
    return figures


def _fisher(group: Sequence[Outcome], base: Sequence[Outcome]) -> float:
    table = [[sum(o.converged for o in g), sum(not o.converged for o in g)] for g in (group, base)]
    return float(stats.fisher_exact(table)[1])


def seconds(call: Callable[[], object], repeats: int) -> list[float]:
    """Return the wall time of each call, in order."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return found


def table() -> tuple[str, bool]:
    """Return the table as markdown, and whether the largest study was ranked within its limit."""
    lines = ["| trials | cells x seeds | rank, first call | rank, median of 5 | scipy.stats, direct | ratio |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    worst = 0.0
    for cells, seeds in SIZES:
        outcomes, axes = study(cells, seeds)
        for cache in (proportion, fisher_p, mcnemar_p):
            cache.cache_clear()
        ours = seconds(partial(rank, outcomes, axes, TARGET), 5)
        theirs = seconds(partial(straight_from_scipy, outcomes, axes), 1)
        worst = ours[0]
        lines.append(
            f"| {len(outcomes):,} | {cells:,} x {seeds} | {ours[0]:.3f} s | {np.median(ours):.3f} s "
            f"| {theirs[0]:.2f} s | {theirs[0] / ours[0]:.0f} x |"
        )
    return "\n".join(lines), worst <= LIMIT_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write results/benchmarks/ranking.md")
    args = parser.parse_args()
    rows, within = table()
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    text = f"""# Ranking

12 axes, up to {SIZES[-1][0]:,} cells; all figures of a ranking (effects, repairs, interactions, cells, answer), import
not counted. The first call fills the caches of exact p-values; the ratio is against it. "direct" is one bootstrap
(9,999 resamples), one permutation test and Fisher's test per toggle, an interval and Fisher's test per cell.

{rows}

Target: 10,000 trials in at most {LIMIT_S:g} s: {"met" if within else "NOT met"}.

Machine: {platform.machine()}, {os.cpu_count()} cores; {versions}.
Command: `python scripts/bench_ranking.py --write`
"""
    print(text)
    if args.write:
        WRITTEN.parent.mkdir(parents=True, exist_ok=True)
        WRITTEN.write_text(text)
    if not within:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
