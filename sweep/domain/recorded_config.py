"""The recorded config of a study, with its values by name.

A record may come from an earlier version, or from a test of the store without a config: a missing section reads as
empty. Only `raw` uses the keys as written (docs/config.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from sweep.domain.axis import Axis, Level
from sweep.domain.inert import InertToggle
from sweep.domain.json_form import from_json
from sweep.domain.part import Part
from sweep.domain.target import Target

PLACE = "place"
"""Key of a study's results folder, relative to the store's file if that lies above it."""

PARTS = "parts"
"""Key of what a study's script has that its knobs could change."""

HOME = "home"
"""Key of where a study's script lies."""
ASKED = "asked"
"""Key of the target of a study on a script as it was given, without what follows from the script."""

Section = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of a script, absolute, and the digest of its code: two scripts of one name are not mixed by it."""

    folder: str
    code: str


@dataclass(frozen=True, slots=True)
class RecordedConfig:
    """A recorded config, read by name. `raw` is all of it, as plain data."""

    raw: Section = field(default_factory=dict, hash=False)

    @property
    def json_form(self) -> Section:
        """The config in JSON: as it is recorded."""
        return self.raw

    @property
    def task(self) -> Section:
        """The resolved task section: what the base runs with."""
        return self._section("task")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes with their levels."""
        return tuple(
            Axis(name=name, levels=tuple(Level(name=level, overrides=tuple(texts)) for level, texts in levels.items()))
            for name, levels in cast("Mapping[str, Mapping[str, list[str]]]", self._section("axes")).items()
        )

    @property
    def target(self) -> Target:
        """The target. Raises KeyError if the record has none."""
        return Target.from_mapping(cast("Section", self.raw["converge"]))

    @property
    def inert(self) -> tuple[InertToggle, ...]:
        """The toggles that change nothing, each with the reason."""
        return tuple(InertToggle.recorded(str(toggle), str(text)) for toggle, text in self._pairs("inert"))

    @property
    def params(self) -> Section:
        """The searched parameters by key; empty if it is not a search."""
        return self._section("params")

    @property
    def symptoms(self) -> Mapping[str, float]:
        """The recorded thresholds of the symptom rules."""
        return cast("Mapping[str, float]", self._section("symptoms"))

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that the study consists of, in order; empty if it has trials."""
        return tuple(str(stage) for stage in cast("list[str]", self.raw.get("stages") or ()))

    @property
    def probe(self) -> Section | None:
        """The settings of its check, None if its trials are trained."""
        return cast("Section | None", self.raw.get("probe"))

    @property
    def is_confirmed(self) -> bool:
        """Whether another study confirms the result (of a learning-rate range test)."""
        return self.raw.get("confirm") is not None

    @property
    def is_named(self) -> bool:
        """Whether the command named the study (`study=NAME`)."""
        return self.raw.get("study") is not None

    @property
    def compare_with(self) -> str | None:
        """The study that has the plain name, which this one could not take; None if it took the plain name."""
        found = self.raw.get("compare_with")
        return None if found is None else str(found)

    @property
    def home(self) -> Home | None:
        """Where the study's script lies; None for a task function."""
        found = cast("Section | None", self.raw.get(HOME))
        return None if found is None else Home(str(found["folder"]), str(found["code"]))

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the study's script has that its knobs could change; empty for a task function."""
        found = cast("list[Section]", self.raw.get(PARTS) or [])
        return tuple(from_json(Part, each) for each in found)

    @property
    def asked(self) -> Section | None:
        """The target as it was given; None for a task function, which has the whole target in its config."""
        return cast("Section | None", self.raw.get(ASKED))

    @property
    def reuses(self) -> bool:
        """Whether its trials reuse results of finished trials with the same fingerprint."""
        return bool(self.raw.get("reuse", True))

    @property
    def results(self) -> str:
        """The results folder as typed, or the default."""
        return str(self.raw.get("results", "results"))

    @property
    def place(self) -> str | None:
        """The results folder relative to the store; None in records of versions that did not store it."""
        found = self.raw.get(PLACE)
        return None if found is None else str(found)

    @property
    def store_url(self) -> str:
        """The store's URL as typed, or the default; empty if the record has none."""
        return str(self._section("store").get("url") or "")

    def _section(self, key: str) -> Section:
        return cast("Section", self.raw.get(key) or {})

    def _pairs(self, key: str) -> Iterator[tuple[object, object]]:
        yield from cast("list[tuple[object, object]]", self.raw.get(key) or ())
