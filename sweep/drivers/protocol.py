"""What a driver is: it decides what to try next, and learns from what came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sweep.domain.axis import Cell
from sweep.domain.trial import Outcome


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trial the driver wants: a cell and a seed."""

    cell: Cell
    seed: int


class Driver(Protocol):
    """Ask / tell.

    Rules: a driver is deterministic given its settings and the sequence of calls. On resume every finished trial of
    the study is told again, in trial-number order, before the first `ask`, and every trial that is still out (its run
    was adopted, or it is to be launched) is adopted; a driver never proposes a (cell, seed) it was told of, has adopted
    or has proposed before. `ask` never blocks; an empty answer while proposals are out means "wait", an
    empty answer with nothing out means that the driver is done. Every proposal is told exactly once, however its
    trial ended; a diverged or crashed trial is told like any other.
    """

    def ask(self, count: int) -> Sequence[Proposal]:
        """Return up to `count` trials to run next, all at once where the plan is fixed."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Take in a finished trial."""
        ...

    def adopt(self, proposal: Proposal) -> None:
        """Take a trial of an earlier session as proposed and still out: it will be told when it has finished."""
        ...

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:
        """Return whether a running trial, whose target metric is `value` (may be NaN) at `step`, is to be given up."""
        ...

    def expected_trials(self) -> int | None:
        """Return how many trials there will be in all, None where that is not known yet."""
        ...
