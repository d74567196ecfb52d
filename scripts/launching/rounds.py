"""Runs candidates in turn, so that other load on the machine affects all of them, and compares the results."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from launching.candidates import Candidate
from launching.measure import FailedError, Measured, run

LIMIT_S = 60.0
LIMIT_PER_TRIAL_S = 10.0
"""A candidate that takes longer than the two together is stopped."""


@dataclass(slots=True)
class Rounds:
    """The measurements of one candidate, by round; `reason` says why it was stopped."""

    candidate: Candidate
    runs: list[Measured] = field(default_factory=list)
    reason: str = ""

    def each(self, figure: Callable[[Measured], float]) -> list[float]:
        """Return a figure of each round."""
        return [figure(one) for one in self.runs]


def in_turn(
    candidates: Sequence[Candidate], *, trials: Mapping[str, int] | int, kind: str, rounds: int
) -> dict[str, Rounds]:
    """Run each candidate once per round, rotating the order by one; return the measurements by key."""
    found = {candidate.key: Rounds(candidate, reason=candidate.missing()) for candidate in candidates}
    for number in range(rounds):
        at = number % len(candidates)
        for candidate in [*candidates[at:], *candidates[:at]]:
            each = found[candidate.key]
            if each.reason:
                continue
            count = trials if isinstance(trials, int) else trials[candidate.key]
            try:
                one = run(candidate.command(count, kind), trials=count, limit_s=LIMIT_S + LIMIT_PER_TRIAL_S * count)
            except FailedError as error:
                each.reason = str(error)
                each.runs.clear()
            else:
                each.runs.append(one)
                print(f"  {kind}, round {number + 1}, {candidate.name}: {one.wall_s * 1e3:,.1f} ms", file=sys.stderr)
    return found


def ratios(of: Rounds, to: Rounds, figure: Callable[[Measured], float]) -> list[float]:
    """Return the ratio of a figure of two candidates, by round, so that load that affects both cancels out."""
    return [figure(a) / figure(b) for a, b in zip(of.runs, to.runs, strict=False)]


def spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    """Return the median, with the range if there are several values."""
    if not values:
        return ""
    middle = form.format(median(values))
    return middle if len(values) == 1 else f"{middle} ({form.format(min(values))} to {form.format(max(values))})"
