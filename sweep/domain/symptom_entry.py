"""Types of the symptom catalogue (domain/symptoms.py)."""

from dataclasses import dataclass

from sweep.domain.enums import StrEnum

MAX_FACTOR = 5.0
"""Highest factor by which symptoms raise a toggle's prior odds: a wrong rule must not hide the true cause."""

ADVISORY_ABOVE = 0.01
"""Share of healthy runs with an alarm above which a rule is advisory: a hint, not a basis for conclusions."""


class Severity(StrEnum):
    """How strongly a finding suggests that the run cannot converge."""

    RED = "red"  # training cannot work like this
    AMBER = "amber"  # often a cause, but also seen in runs that converge


class Fault(StrEnum):
    """Where the cause of a finding lies, and so what removes it."""

    SETTING = "setting"  # a setting of the training: a toggle tests it
    CODE = "code"  # the program: a toggle can at most mask it
    DATA = "data"  # the training data
    LOGGING = "logging"  # what the task passes to run.log
    TARGET = "target"  # the section `converge` of the config


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """False alarms of a rule: `alarms` of `runs` healthy runs (results/benchmarks/symptoms.md)."""

    alarms: int
    runs: int

    @property
    def rate(self) -> float:
        """The share of healthy runs with an alarm, 0 to 1."""
        return self.alarms / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known about a rule, or about one kind of its findings.

    `fault` is where the cause lies. Unless that is a setting, `fix` says what to change (imperative, no full stop).
    `tests` are the toggles (axis=level) that test the causes, most promising first; an installation or task may lack an
    axis. `factor` is the gain in prior odds of the first toggle, 1 to MAX_FACTOR; later ones gain less.
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
        """Whether the rule has too many false alarms to be more than a hint."""
        return self.healthy.rate > ADVISORY_ABOVE
