"""The data check: one line for each check of a task's data, and the whole report."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sweep.domain.data_figures import DataFindings
from sweep.domain.enums import StrEnum


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    BROKEN = "broken"  # training on it cannot be right: the command ends with exit code 1
    WARNING = "warning"  # a usual cause of trouble, but sometimes intended
    NOT_CHECKED = "not_checked"  # could not be checked: `found` says why
    OK = "ok"  # checked, nothing found

    @property
    def word(self) -> str:
        """The severity as shown."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """One line of the table: what was found, what is allowed, what to do. The last two may be empty."""

    name: str
    severity: Severity
    found: str
    allowed: str = ""
    advice: str = ""

    @classmethod
    def ok(cls, name: str, found: str, allowed: str = "") -> "DataCheck":
        """Return a check that found nothing."""
        return cls(name=name, severity=Severity.OK, found=found, allowed=allowed)

    @classmethod
    def skipped(cls, name: str, why: str, advice: str = "") -> "DataCheck":
        """Return a check that was not possible."""
        return cls(name=name, severity=Severity.NOT_CHECKED, found=why, advice=advice)

    @classmethod
    def broken(cls, name: str, found: str, allowed: str = "", advice: str = "") -> "DataCheck":
        """Return a check that found an error."""
        return cls(name=name, severity=Severity.BROKEN, found=found, allowed=allowed, advice=advice)

    @classmethod
    def warning(cls, name: str, found: str, allowed: str = "", advice: str = "") -> "DataCheck":
        """Return a check that found a usual cause of trouble."""
        return cls(name=name, severity=Severity.WARNING, found=found, allowed=allowed, advice=advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityCounts:
    """The number of checks of each severity."""

    broken: int = 0
    warning: int = 0
    not_checked: int = 0
    ok: int = 0

    @classmethod
    def of(cls, checks: Iterable[DataCheck]) -> "SeverityCounts":
        """Return the counts of these checks."""
        levels = [check.severity for check in checks]
        return cls(**{str(level): levels.count(level) for level in Severity})


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No figures: no trial of the check measured anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """The result of the data check: section `data` of summary.json.

    `picture` is a file below the study's folder, None if there is none; `measured` holds all figures.
    """

    checks: tuple[DataCheck, ...]
    counts: SeverityCounts = SeverityCounts()
    picture: str | None = None
    measured: DataFindings | Nothing = field(default=Nothing(), hash=False)
