"""The target: what "converged" means in one study (METHOD 1)."""

from dataclasses import dataclass

from sweep.domain.words import StrEnum


class Mode(StrEnum):
    """Which way is better."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a trial must reach, and with how much.

    `threshold` None means that no target was given: the rules of METHOD 1.2 apply. `hold` is a number of evaluations,
    None for the default: at least 3 evaluations and at least 5 % of the budget. `budget_steps` is in optimizer steps.
    """

    metric: str | None
    mode: Mode
    threshold: float | None
    hold: int | None
    budget_steps: int
    stop_early: bool
