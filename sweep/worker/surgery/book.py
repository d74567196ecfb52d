"""What surgery finds in a program and changes in it: the source of the inventory."""

from collections.abc import Callable
from dataclasses import replace

from sweep.domain.part import Part
from sweep.worker.callsite import CallSites


class Book:
    """Collects parts. Equal parts made at the same line are one part with a count."""

    def __init__(self, sites: CallSites) -> None:
        self.sites = sites
        self.seeding: list[str] = []
        self.limits: list[str] = []
        self._found: dict[Part, int] = {}
        self._changed: dict[Part, int] = {}
        self._at_end: list[Callable[[], None]] = []

    def found(self, knob: str, what: str, *, value: float | str | None = None, where: str | None = None) -> None:
        """Record a part that a knob would reach. `where` is the program's line, by default that of this call."""
        self._add(self._found, Part(knob=knob, what=what, value=value, where=where or self.sites.here()))

    def changed(self, knob: str, what: str, *, value: float | str | None = None, where: str | None = None) -> None:
        """Record a part that a knob has changed; `what` and `value` are as the program had it."""
        self._add(self._changed, Part(knob=knob, what=what, value=value, where=where or self.sites.here()))

    def limit(self, text: str) -> None:
        """Record what a knob cannot reach, and why, once."""
        if text not in self.limits:
            self.limits.append(text)

    def at_end(self, record: Callable[[], None]) -> None:
        """Call `record` each time before the parts or changes are read: for what is known only later."""
        self._at_end.append(record)

    def seeds(self, call: str) -> None:
        """Record that the program sets a seed itself: `paddle.seed(42)`."""
        text = f"{call} at {self.sites.here() or 'a line of a package'}"
        if text not in self.seeding:
            self.seeding.append(text)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the knobs would reach."""
        self._settle()
        return tuple(replace(part, count=count) for part, count in self._found.items())

    @property
    def changes(self) -> tuple[Part, ...]:
        """What the knobs have changed."""
        self._settle()
        return tuple(replace(part, count=count) for part, count in self._changed.items())

    def _settle(self) -> None:
        for record in self._at_end:
            record()

    @staticmethod
    def _add(parts: dict[Part, int], part: Part) -> None:
        parts[part] = parts.get(part, 0) + 1
