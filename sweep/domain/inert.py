"""Toggles that change nothing in a task, with the reason. They are listed and cost no trial."""

from dataclasses import dataclass

from sweep.domain.axis import Toggle
from sweep.domain.enums import StrEnum

_NO_KNOB = "the task has no knob"
_NOTHING = "nothing to change"
_AT_BASELINE = "the task has this value already"


class InertReason(StrEnum):
    """Why a toggle changes nothing."""

    NO_KNOB = "no_knob"  # the task does not read what it sets
    AT_BASELINE = "at_baseline"  # the task has this value already
    NOTHING_THERE = "nothing_there"  # the program has nothing that it would change
    OTHER = "other"  # recorded by another version with a text that this one does not know

    @classmethod
    def of(cls, text: str) -> "InertReason":
        """Return the reason for this text of a record or a summary."""
        if text.startswith(_NO_KNOB):
            return cls.NO_KNOB
        if text.startswith(_NOTHING):
            return cls.NOTHING_THERE
        return cls.AT_BASELINE if text == _AT_BASELINE else cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class InertToggle:
    """A toggle that changes nothing. `text` is the reason as shown and as recorded."""

    toggle: Toggle
    reason: InertReason
    text: str

    @classmethod
    def no_knob(cls, toggle: Toggle, knob: str) -> "InertToggle":
        """Return a toggle whose knob (`task.clip`) the task lacks."""
        return cls(toggle=toggle, reason=InertReason.NO_KNOB, text=f"{_NO_KNOB} {knob}")

    @classmethod
    def at_baseline(cls, toggle: Toggle) -> "InertToggle":
        """Return a toggle whose values the task already has."""
        return cls(toggle=toggle, reason=InertReason.AT_BASELINE, text=_AT_BASELINE)

    @classmethod
    def nothing_there(cls, toggle: Toggle, why: str) -> "InertToggle":
        """Return a toggle that would change nothing in the program, for this reason."""
        return cls(toggle=toggle, reason=InertReason.NOTHING_THERE, text=f"{_NOTHING}: {why}")

    @classmethod
    def recorded(cls, toggle: str, text: str) -> "InertToggle":
        """Return a recorded toggle, which is stored as (toggle, text of the reason)."""
        return cls(toggle=Toggle.parse(toggle), reason=InertReason.of(text), text=text)
