"""The result of a study: one value, with a type for each kind of study. Made by `analysis`, read by stages and
reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from sweep.domain.checked import CheckReport, CheckResult
from sweep.domain.effect import NO_CHOICE, Choice, Ranking
from sweep.domain.lr_range import RateConfirmation, RateRange
from sweep.domain.regression import NightResult
from sweep.domain.trial import Outcome

Report = TypeVar("Report", bound=CheckReport)


def report_of(kind: type[Report], found: CheckResult | None) -> Report | None:
    """Return the report of a check if it is of this kind."""
    return found.section if found is not None and isinstance(found.section, kind) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialsCost:
    """Cost of trials: the number ended and planned, their optimizer steps, the wall time.

    Reused ones are counted, but cost nothing. `planned` is None in files without it: all have ended then.
    """

    trials: int = 0
    planned: int | None = None
    steps: int = 0
    wall_s: float = 0.0
    reused: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], wall_s: float) -> "TrialsCost":
        """Return the cost of these trials, which took `wall_s` in total."""
        known = list(outcomes)
        ran = [outcome for outcome in known if not outcome.reused]
        return cls(
            trials=sum(not outcome.is_open for outcome in known),
            planned=len(known),
            steps=sum(outcome.steps for outcome in ran),
            wall_s=wall_s,
            reused=len(known) - len(ran),
        )

    def plus(self, other: "TrialsCost") -> "TrialsCost":
        """Return the sum of both costs."""
        return TrialsCost(
            trials=self.trials + other.trials,
            planned=(self.planned or 0) + (other.planned or 0),
            steps=self.steps + other.steps,
            wall_s=self.wall_s + other.wall_s,
            reused=self.reused + other.reused,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeTestResult:
    """The result of a learning-rate range test: its trials, and those that confirm the suggested rate.

    `confirmation` is None if nothing was confirmed. `whole` is the result of both together.
    """

    tests: CheckResult
    confirmation: CheckResult | None = None
    whole: CheckResult

    @property
    def is_ok(self) -> bool:
        """Whether the range tests could be made."""
        return self.whole.is_ok

    @property
    def range(self) -> RateRange | None:
        """The range and the suggested rate."""
        return report_of(RateRange, self.tests)

    @property
    def is_confirmed(self) -> bool:
        """Whether a tried rate converges on every seed."""
        found = report_of(RateConfirmation, self.confirmation)
        return found is not None and found.confirmed


StageResult: TypeAlias = Ranking | CheckResult | RangeTestResult
"""The result of a stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The result of a study with stages: a diagnosis, or several checks.

    `is_ok` is False if nothing could be judged, or if a check found something broken. `stages` are the ended stages, by
    name, in their order.
    """

    is_ok: bool
    answer: str
    recommended: Choice = NO_CHOICE
    notes: tuple[str, ...] = ()
    stages: tuple[tuple[str, StageResult], ...] = ()


StudyResult: TypeAlias = StageResult | Diagnosis | NightResult
"""The result of a study, or of a night of studies."""
