"""A probe: what a trial does with its task instead of plain training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sweep.domain.data_check import DataReport
from sweep.domain.lr_range import RateConfirmation, RateRange
from sweep.domain.overfit import OverfitReport
from sweep.domain.states import TrialState
from sweep.domain.target import Target
from sweep.domain.words import StrEnum

if TYPE_CHECKING:  # the config names a probe, and does without NumPy
    from sweep.domain.metric import Series


class CheckName(StrEnum):
    """The probes there are. The worker has one module of this name for each (worker/probes)."""

    DATA = "data"  # looks at what the task trains on
    OVERFIT = "overfit"  # trains on ten samples until they are learnt
    LR_RANGE = "lr_range"  # trains with a learning rate that rises step by step


CHECK_REASON = "a probe: not trained to the target"
"""Why a probe's trial has no verdict."""

FINDINGS = "findings.json"
"""The artifact that a probe's run leaves its findings in: one JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One probe with its settings: plain data, the keys of `probe:` in the config beside `name`."""

    name: CheckName
    settings: Mapping[str, Any] = field(hash=False)

    def to_mapping(self) -> dict[str, Any]:
        """Return the `probe` section of spec.json."""
        return {"name": str(self.name), **self.settings}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> "Check":
        """Return the probe of a `probe` section. Raises KeyError, ValueError for one that is none."""
        return cls(name=CheckName(data["name"]), settings={k: v for k, v in data.items() if k != "name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTrial:
    """One trial of a probe that has ended: what it logged and what it found.

    `findings` is what the run wrote as FINDINGS, empty where it did not come to that; `artifacts` is the folder of all
    it wrote, relative to the study's. `message` says why it failed, empty where it did not.
    """

    number: int
    seed: int
    state: TrialState
    message: str
    series: Mapping[str, "Series"] = field(hash=False)
    findings: Mapping[str, Any] = field(hash=False)
    artifacts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """What the trials of a probe had in common: its settings, the resolved task section and the target."""

    probe: Check
    task: Mapping[str, Any] = field(hash=False)
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
