"""What the runs of a check found, and what that shows.

Apart from sweep.domain.check, which every verb and every trial imports: the types of all figures take their time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from sweep.domain.check import Check, CheckName
from sweep.domain.data_check import DataReport
from sweep.domain.data_figures import DataFindings
from sweep.domain.lr_range import RangeFindings, RateConfirmation, RateRange
from sweep.domain.overfit import OverfitFindings, OverfitReport
from sweep.domain.states import TrialState
from sweep.domain.target import Target

if TYPE_CHECKING:  # a report does without NumPy
    from sweep.domain.metric import Series

Findings: TypeAlias = DataFindings | OverfitFindings | RangeFindings
"""What one run of a check found."""

FINDINGS_OF: Mapping[CheckName, type[Findings]] = {
    CheckName.DATA: DataFindings,
    CheckName.OVERFIT: OverfitFindings,
    CheckName.LR_RANGE: RangeFindings,
}
"""What FINDINGS holds, by check."""

F = TypeVar("F", DataFindings, OverfitFindings, RangeFindings)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTrial:
    """One trial of a check that has ended: what it logged and what it found.

    `findings` is what the run wrote as FINDINGS, None if it did not come to that; `artifacts` is the folder of all it
    wrote, relative to the study's. `message` says why it failed, empty if it did not.
    """

    number: int
    seed: int
    state: TrialState
    message: str
    series: Mapping[str, "Series"] = field(hash=False)
    findings: Findings | None = field(hash=False)
    artifacts: str

    def found(self, kind: type[F]) -> F | None:
        """Return the findings of this kind, None if the run left none."""
        return self.findings if isinstance(self.findings, kind) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """What the trials of a check had in common: its settings, the resolved task section and the target."""

    check: Check
    task: Mapping[str, object] = field(hash=False)
    target: Target


CheckReport: TypeAlias = DataReport | OverfitReport | RateRange | RateConfirmation
"""What the trials of a check showed, or those that confirm a learning-rate range."""

REPORTS: Mapping[str, type[CheckReport]] = {
    "data": DataReport,
    "overfit": OverfitReport,
    "lr_range": RateRange,
    "lr_confirm": RateConfirmation,
}
"""Of each stage that is a check: what its section in summary.json is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check showed, and what is to be done about it.

    `section` is what all reports show (`sweep.report.stages` has a view of each), None for several checks together.
    `is_ok` is False if something is broken, which ends the command with exit code 1. `overrides` are what is
    recommended, empty for nothing; `ties` are others that nothing tells from them, `choice_reason` is why these, if
    there is one.
    """

    is_ok: bool
    answer: str
    section: CheckReport | None
    notes: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    ties: tuple[tuple[str, ...], ...] = ()
    choice_reason: str = ""
