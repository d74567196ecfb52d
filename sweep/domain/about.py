"""What is known of a symptom rule: the types of the catalogue in domain/symptoms.py."""

from dataclasses import dataclass

from sweep.domain.words import StrEnum

MAX_FACTOR = 5.0
"""Largest factor in prior odds that symptoms give a toggle: a wrong rule must not bury the truth."""

ADVISORY_ABOVE = 0.01
"""Share of healthy runs above which a rule is advisory: a hint, no ground for a conclusion."""


class Severity(StrEnum):
    """How much a finding says about whether the run can converge."""

    RED = "red"  # training cannot go well like this
    AMBER = "amber"  # often a cause, seen in runs that converge, too


class Fault(StrEnum):
    """Where the cause of a finding lies, and so what removes it."""

    SETTING = "setting"  # a setting of the training: a toggle tests it
    CODE = "code"  # the program: a toggle can at most mask it
    DATA = "data"  # what is trained on
    LOGGING = "logging"  # what the task hands to run.log
    TARGET = "target"  # the section `converge`


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """False alarms: healthy runs in which a rule spoke, of all healthy runs (results/benchmarks/symptoms.md)."""

    alarms: int
    runs: int

    @property
    def rate(self) -> float:
        """The share of healthy runs with an alarm, 0 to 1."""
        return self.alarms / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of one rule, or of one kind of its findings.

    `fault` says where the cause lies; unless that is a setting, `fix` says what to change (an imperative, no full
    stop). `tests` are the toggles (axis=level) that test the causes, most promising first; an axis may not be there in
    every installation or task. `factor` is what the first of them gains in prior odds, 1 to MAX_FACTOR; those after it
    less.
    """

    rule: str
    title: str
    causes: str
    tests: tuple[str, ...]
    factor: float
    severity: Severity
    healthy: Healthy
    fault: Fault = Fault.SETTING
    fix: str = ""

    @property
    def advisory(self) -> bool:
        """Whether the rule speaks in too many healthy runs to be more than a hint."""
        return self.healthy.rate > ADVISORY_ABOVE
