"""Toggles that change nothing in a task, and why. They are listed, and cost no trial."""

from dataclasses import dataclass

from sweep.domain.axis import Toggle
from sweep.domain.words import StrEnum

_NO_KNOB = "the task has no knob"
_AT_BASELINE = "the task has this value already"


class InertReason(StrEnum):
    """Why a toggle changes nothing."""

    NO_KNOB = "no_knob"  # the task does not read what it sets
    AT_BASELINE = "at_baseline"  # the task has this value already
    OTHER = "other"  # a record of another version says it in words that this one does not know

    @classmethod
    def of(cls, text: str) -> "InertReason":
        """Return the reason that this text of a record or of a summary gives."""
        if text.startswith(_NO_KNOB):
            return cls.NO_KNOB
        return cls.AT_BASELINE if text == _AT_BASELINE else cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class InertToggle:
    """A toggle that changes nothing. `text` is the reason as a reader sees it; a record keeps that."""

    toggle: Toggle
    reason: InertReason
    text: str

    @classmethod
    def no_knob(cls, toggle: Toggle, knob: str) -> "InertToggle":
        """Return a toggle whose knob (`task.clip`) the task lacks."""
        return cls(toggle=toggle, reason=InertReason.NO_KNOB, text=f"{_NO_KNOB} {knob}")

    @classmethod
    def at_baseline(cls, toggle: Toggle) -> "InertToggle":
        """Return a toggle whose values the task has already."""
        return cls(toggle=toggle, reason=InertReason.AT_BASELINE, text=_AT_BASELINE)

    @classmethod
    def recorded(cls, toggle: str, text: str) -> "InertToggle":
        """Return the toggle of a record, which is kept as (toggle, reason in words)."""
        return cls(toggle=Toggle.parse(toggle), reason=InertReason.of(text), text=text)
