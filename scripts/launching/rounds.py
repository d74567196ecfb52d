"""Candidates taken in turn, so that what else the machine does meets all of them, and what comes out of the rounds."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from launching.candidates import Candidate
from launching.measure import FailedError, Measured, run

LIMIT_S = 60.0
LIMIT_PER_TRIAL_S = 10.0
"""A candidate that takes longer than both together is given up."""


@dataclass(slots=True)
class Rounds:
    """What was measured of one candidate, by round; `reason` says why it stopped."""

    candidate: Candidate
    runs: list[Measured] = field(default_factory=list)
    reason: str = ""

    def each(self, figure: Callable[[Measured], float]) -> list[float]:
        """Return a figure of every round."""
        return [figure(one) for one in self.runs]


def in_turn(
    candidates: Sequence[Candidate], *, trials: Mapping[str, int] | int, kind: str, rounds: int
) -> dict[str, Rounds]:
    """Run each candidate once a round, the order turned by one each time; return what was measured by key."""
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
    """Return a figure of one candidate over that of another, by round: what both met cancels out."""
    return [figure(a) / figure(b) for a, b in zip(of.runs, to.runs, strict=False)]


def spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    """Return the median and, of several values, the range."""
    if not values:
        return ""
    middle = form.format(median(values))
    return middle if len(values) == 1 else f"{middle} ({form.format(min(values))} to {form.format(max(values))})"
