"""One check of what a task trains on: what was looked at, what was found, what is allowed, what to do."""

from dataclasses import dataclass

from sweep.domain.words import StrEnum


class Severity(StrEnum):
    """How bad it is, the worst first."""

    BROKEN = "broken"  # training on it cannot be right: the command ends with exit code 1
    WARNING = "warning"  # a usual cause of trouble, and sometimes meant
    NOT_CHECKED = "not_checked"  # could not be looked at: `found` says why
    OK = "ok"  # looked at, nothing found

    @property
    def word(self) -> str:
        """How a person reads it."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the table. `allowed` and `advice` are empty where there is nothing to say."""

    name: str
    severity: Severity
    found: str
    allowed: str = ""
    advice: str = ""

    @classmethod
    def ok(cls, name: str, found: str, allowed: str = "") -> "Check":
        """Return one that found nothing."""
        return cls(name=name, severity=Severity.OK, found=found, allowed=allowed)

    @classmethod
    def skipped(cls, name: str, why: str, advice: str = "") -> "Check":
        """Return one that could not be made."""
        return cls(name=name, severity=Severity.NOT_CHECKED, found=why, advice=advice)

    @classmethod
    def broken(cls, name: str, found: str, allowed: str = "", advice: str = "") -> "Check":
        """Return one that found something broken."""
        return cls(name=name, severity=Severity.BROKEN, found=found, allowed=allowed, advice=advice)

    @classmethod
    def warning(cls, name: str, found: str, allowed: str = "", advice: str = "") -> "Check":
        """Return one that found a usual cause of trouble."""
        return cls(name=name, severity=Severity.WARNING, found=found, allowed=allowed, advice=advice)
