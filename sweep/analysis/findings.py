"""What the stages of a diagnosis have found so far, and what follows for the next stage. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from sweep.domain.checked import CheckResult
from sweep.domain.data_check import DataCheck, DataReport, Severity
from sweep.domain.effect import NO_CHOICE, Choice, Ranking
from sweep.domain.overfit import GateVerdict, OverfitReport
from sweep.domain.result import RangeTestResult, StageResult, report_of
from sweep.domain.symptoms import kind_of
from sweep.domain.verdict import Symptom

Result = TypeVar("Result", bound=StageResult)

NEAR = 3.0
"""A learning rate within this factor of the one that the range test suggests is not the cause."""

FAR = 10.0
"""A learning rate off by this factor is the cause if the suggested one converges on every seed; no more is tried."""

FAILED_GATE = (GateVerdict.NOT_LEARNT, GateVerdict.DIVERGED)
"""Verdicts of the overfit gate that mean that the model cannot overfit ten samples."""

DATA_TOGGLES = {
    "order of rows": "shuffle=on",
    "input scale": "input_norm=standardize",
    "target scale": "target_norm=standardize",
}
"""For some warnings of the data check, the toggle that tests them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What each stage has found, None for a stage that was not run.

    `lacking` are the axes whose knobs the task lacks: their changes have to be made by hand.
    """

    data: CheckResult | None = None
    base: Ranking | None = None
    overfit: CheckResult | None = None
    lr_range: RangeTestResult | None = None
    ablation: Ranking | None = None
    verify: Ranking | None = None
    lacking: frozenset[str] = frozenset()

    @classmethod
    def of(cls, stages: Mapping[str, StageResult], lacking: frozenset[str]) -> "Findings":
        """Return the findings of these stages, given by name."""
        return cls(
            data=_of(CheckResult, stages.get("data")),
            base=_of(Ranking, stages.get("base")),
            overfit=_of(CheckResult, stages.get("overfit")),
            lr_range=_of(RangeTestResult, stages.get("lr_range")),
            ablation=_of(Ranking, stages.get("ablation")),
            verify=_of(Ranking, stages.get("verify")),
            lacking=lacking,
        )

    @property
    def checks(self) -> tuple[DataCheck, ...]:
        """The checks of the data."""
        found = report_of(DataReport, self.data)
        return () if found is None else found.checks

    @property
    def gate(self) -> OverfitReport | None:
        """What the overfit gate showed."""
        return report_of(OverfitReport, self.overfit)

    @property
    def is_data_broken(self) -> bool:
        """Whether a data check found something broken; checks that could not be made do not count."""
        return any(check.severity is Severity.BROKEN for check in self.checks)

    @property
    def is_base_judged(self) -> bool:
        """Whether a trial of the base has a verdict; true if the base has not run."""
        return self.base is None or bool(self.base.base.seeds)

    @property
    def is_judged(self) -> bool:
        """Whether a trial of the base or of the ablation has a verdict; true if the diagnosis ended before the base."""
        if self.is_base_judged:
            return True
        return self.ablation is not None and any(effect.sufficiency.trials for effect in self.ablation.effects)

    @property
    def base_converges(self) -> bool:
        """Whether every seed of the base converged."""
        base = self.base.base if self.base else None
        return base is not None and 0 < base.seeds == base.converged

    @property
    def symptoms(self) -> tuple[Symptom, ...]:
        """The symptoms of the base's trials, most telling first."""
        return self.base.base.symptoms if self.base else ()

    @property
    def learns(self) -> bool:
        """Whether the model can overfit ten samples; true if unknown."""
        return self.gate is None or self.gate.verdict not in FAILED_GATE

    @property
    def last(self) -> Ranking | None:
        """The ranking that decides: that of the fresh seeds, if there were any."""
        return self.verify or self.ablation

    @property
    def is_lr_near(self) -> bool:
        """Whether the learning rate is known to be near the one that the range test suggests."""
        ratio = self.lr_ratio
        return ratio is not None and 1 / NEAR <= ratio <= NEAR

    @property
    def point(self) -> tuple[str, ...]:
        """The overrides that set the suggested learning rate; empty without a suggestion, or if it is near."""
        return () if self.lr_range is None or self.is_lr_near else self.lr_range.whole.overrides

    @property
    def lr_ratio(self) -> float | None:
        """The suggested learning rate divided by the task's, None if either is unknown."""
        found = self.lr_range.range if self.lr_range else None
        if found is None or found.point is None or found.base_lr is None or found.base_lr <= 0:
            return None
        return found.point / found.base_lr

    @property
    def is_lr_decisive(self) -> bool:
        """Whether the learning rate is far off, and the suggested one converged on every seed that tried it."""
        ratio, confirmed = self.lr_ratio, self.lr_range is not None and self.lr_range.is_confirmed
        return bool(self.point) and confirmed and ratio is not None and abs(math.log10(ratio)) >= math.log10(FAR) - 1e-9


def _of(kind: type[Result], found: StageResult | None) -> Result | None:
    return found if isinstance(found, kind) else None


def recommendation(found: Findings) -> Choice:
    """Return the recommendation of the last ranking, with its ties; empty if there is none."""
    return NO_CHOICE if found.last is None else found.last.choice


def seen_kinds(found: Findings) -> list[str]:
    """Return the kinds of the base's symptoms (kind_of in domain/symptoms.py), most telling first."""
    return [kind_of(symptom.rule, symptom.metric) for symptom in found.symptoms]


def toggles_of_data(found: Findings) -> list[str]:
    """Return the toggles that the warnings of the data check point to, most telling first."""
    warned = {check.name for check in found.checks if check.severity is Severity.WARNING}
    return [toggle for name, toggle in DATA_TOGGLES.items() if name in warned]
