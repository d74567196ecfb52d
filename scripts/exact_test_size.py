"""Print the exact size of the paired test that licenses "restores" (docs/decisions/0002).

For n pairs it sums the probabilities of all outcomes that the rule rejects at 0.05, over a grid of rates and of
correlations between the two trials of a pair, under the null that both converge at the same rate. Nothing is drawn.

    python scripts/exact_test_size.py            the table
    python scripts/exact_test_size.py --max-n 30 for larger n
    python scripts/exact_test_size.py --stopping with a look after every seed (docs/decisions/0018)
"""

import argparse
from collections.abc import Callable
from math import exp, lgamma, log

import numpy as np

from sweep.stats.exact import ALPHA, fisher_p, mcnemar_p, paired_test

Rule = Callable[[int, int, int, int], float]
RULES: dict[str, Rule] = {
    "McNemar": lambda *counts: mcnemar_p(counts[1], counts[2]),
    "Fisher": lambda *counts: fisher_p(counts[0] + counts[2], counts[0] + counts[1], sum(counts)),
    "combined": lambda *counts: paired_test(*counts)[0],
}
RATES = np.linspace(0.01, 0.99, 99)
CORRELATIONS = (-0.25, 0.0, 0.25, 0.5, 0.75)


def rejected(rule: Rule, n: int) -> list[tuple[int, int, int, int]]:
    """Return all outcomes (both, gained, lost, neither) of n pairs that the rule rejects."""
    counts = (
        (both, gained, lost, n - both - gained - lost)
        for both in range(n + 1)
        for gained in range(n + 1 - both)
        for lost in range(n + 1 - both - gained)
    )
    return [c for c in counts if rule(*c) <= ALPHA]


def probability(counts: tuple[int, ...], cells: tuple[float, ...]) -> float:
    """Return the multinomial probability of these counts; 0 if an impossible outcome was counted."""
    total = lgamma(sum(counts) + 1)
    for count, cell in zip(counts, cells, strict=True):
        if count and cell <= 0:
            return 0.0
        total += (count * log(cell) if count else 0.0) - lgamma(count + 1)
    return exp(total)


def size(region: list[tuple[int, int, int, int]], correlation: float) -> tuple[float, float]:
    """Return the largest probability of rejecting over all rates, and the rate at which it is reached."""
    worst = (0.0, float("nan"))
    for rate in RATES.tolist():
        variance = rate * (1 - rate)
        split = variance * (1 - correlation)
        cells = (rate**2 + correlation * variance, split, split, (1 - rate) ** 2 + correlation * variance)
        if min(cells) >= 0:
            worst = max(worst, (sum(probability(c, cells) for c in region), rate))
    return worst


def size_if_stopped(looks: range, correlation: float) -> tuple[float, float]:
    """Return the largest probability over all rates that the look at any n rejects, and the rate that gives it."""
    worst = (0.0, float("nan"))
    for rate in RATES.tolist():
        variance = rate * (1 - rate)
        split = variance * (1 - correlation)
        cells = (rate**2 + correlation * variance, split, split, (1 - rate) ** 2 + correlation * variance)
        if min(cells) < 0:
            continue
        open_counts, rejected_share = {(0, 0, 0, 0): 1.0}, 0.0
        for n in range(1, looks.stop):
            grown: dict[tuple[int, int, int, int], float] = {}
            for counts, share in open_counts.items():
                for at, cell in enumerate(cells):
                    both, gained, lost, neither = (count + (at == i) for i, count in enumerate(counts))
                    key = (both, gained, lost, neither)
                    grown[key] = grown.get(key, 0.0) + share * cell
            out = {key for key in grown if n in looks and paired_test(*key)[0] <= ALPHA}
            rejected_share += sum(grown.pop(key) for key in out)
            open_counts = grown
        worst = max(worst, (rejected_share, rate))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-n", type=int, default=12)
    parser.add_argument("--stopping", action="store_true")
    args = parser.parse_args()
    if args.stopping:
        for last in (5, 8, 13, 20):
            found = [size_if_stopped(range(3, last + 1), correlation)[0] for correlation in CORRELATIONS]
            print(f"looks at n = 3 to {last}: " + ", ".join(f"{value:.4f}" for value in found))
        return
    print("| n | rule | " + " | ".join(f"correlation {c:g}" for c in CORRELATIONS) + " |")
    print("| --- | --- |" + " --- |" * len(CORRELATIONS))
    largest = dict.fromkeys(RULES, 0.0)
    for n in range(3, args.max_n + 1):
        for name, rule in RULES.items():
            region = rejected(rule, n)
            found = [size(region, correlation)[0] for correlation in CORRELATIONS]
            largest[name] = max(largest[name], *found)
            print(f"| {n} | {name} | " + " | ".join(f"{value:.4f}" for value in found) + " |")
    print("\nlargest size: " + ", ".join(f"{name} {value:.4f}" for name, value in largest.items()))


if __name__ == "__main__":
    main()
