"""Findings of a check's runs, and its results.

Separate from sweep.domain.check, which every verb and trial imports, because importing the types of all figures takes
time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from sweep.domain.check import Check, CheckName
from sweep.domain.data_check import DataReport
from sweep.domain.data_figures import DataFindings
from sweep.domain.inventory import Inventory, InventoryReport
from sweep.domain.lr_range import RangeFindings, RateConfirmation, RateRange
from sweep.domain.overfit import OverfitFindings, OverfitReport
from sweep.domain.states import TrialState
from sweep.domain.target import Target

if TYPE_CHECKING:  # a report does not need NumPy
    from sweep.domain.metric import Series

Findings: TypeAlias = DataFindings | OverfitFindings | RangeFindings | Inventory
"""What one run of a check found."""

FINDINGS_OF: Mapping[CheckName, type[Findings]] = {
    CheckName.DATA: DataFindings,
    CheckName.OVERFIT: OverfitFindings,
    CheckName.LR_RANGE: RangeFindings,
    CheckName.INVENTORY: Inventory,
}
"""The type of FINDINGS by check."""

F = TypeVar("F", DataFindings, OverfitFindings, RangeFindings, Inventory)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTrial:
    """One ended trial of a check: what it logged and what it found.

    `findings` is the content of FINDINGS, None if the run did not get that far; `artifacts` is the folder of all its
    files, relative to the study's. `message` says why it failed, empty if it did not.
    """

    number: int
    seed: int
    state: TrialState
    message: str
    series: Mapping[str, "Series"] = field(hash=False)
    findings: Findings | None = field(hash=False)
    artifacts: str

    def found(self, kind: type[F]) -> F | None:
        """Return the findings if they are of this kind, None if the run left none."""
        return self.findings if isinstance(self.findings, kind) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """What all trials of a check share: its settings, the resolved task section and the target."""

    check: Check
    task: Mapping[str, object] = field(hash=False)
    target: Target


CheckReport: TypeAlias = DataReport | OverfitReport | RateRange | RateConfirmation | InventoryReport
"""The result of a check's trials, or of those that confirm a learning-rate range."""

REPORTS: Mapping[str, type[CheckReport]] = {
    "data": DataReport,
    "overfit": OverfitReport,
    "lr_range": RateRange,
    "lr_confirm": RateConfirmation,
    "inventory": InventoryReport,
}
"""For each stage that is a check: the type of its section in summary.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of a check, and what to do about it.

    `section` is what all reports show (`sweep.report.stages` has a view of each), None for several checks together.
    `is_ok` is False if something is broken, which ends the command with exit code 1. `overrides` are recommended, empty
    if there are none; `ties` are equally good ones, `choice_reason` says why these were chosen, if there is a reason.
    """

    is_ok: bool
    answer: str
    section: CheckReport | None
    notes: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    ties: tuple[tuple[str, ...], ...] = ()
    choice_reason: str = ""
