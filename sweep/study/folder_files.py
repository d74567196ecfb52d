"""plan.json and spec.json as `rebuild` reads them: what the store needs of a study's folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweep.domain.axis import Cell
from sweep.domain.json_form import Json, JsonObject, from_json
from sweep.domain.kinds import StudyKind, kind_in
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.trial import TrialSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStudy:
    """The study's record as plan.json keeps it. `kind` is None in files of earlier versions."""

    command: tuple[str, ...]
    config: JsonObject = field(hash=False)
    provenance: JsonObject = field(hash=False)
    created_at: str  # ISO 8601
    kind: StudyKind | None = None

    @property
    def study_kind(self) -> StudyKind:
        """The kind of the study; earlier versions kept only its config."""
        return self.kind or kind_in(self.config)

    @property
    def settings(self) -> RecordedConfig:
        """The config, to be read by name."""
        return RecordedConfig(self.config)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """A trial of the last plan."""

    cell: str
    seed: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell of the last plan, by its key."""

    cell: str
    toggles: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """The contents of plan.json. `trials` is None if the study decides them as it runs, or has none."""

    task: str
    record: RecordedStudy
    trials: tuple[PlannedTrial, ...] | None = None
    cells: tuple[PlannedCell, ...] = ()

    @classmethod
    def of(cls, data: object) -> "PlanFile":
        """Return the contents of a file. Raises ValueError for another shape, and for a kind of a later version."""
        return from_json(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFile:
    """The contents of a run's spec.json. `probe` has the settings of a check, None if the run trains."""

    seed: int
    fingerprint: str
    task: JsonObject = field(hash=False)
    target: JsonObject = field(hash=False)
    toggles: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    overrides: tuple[str, ...] = ()
    token: str | None = None
    begun: str | None = None  # ISO 8601
    probe: Json = None

    @classmethod
    def of(cls, data: Mapping[str, object]) -> "SpecFile":
        """Return the contents of a file. Raises ValueError for another shape."""
        return from_json(cls, data)

    @property
    def trial(self) -> TrialSpec:
        """The trial that the run belongs to."""
        return TrialSpec(
            cell=Cell(Cell.of(self.toggles).toggles, self.params),
            seed=self.seed,
            overrides=self.overrides,
            task=self.task,
            fingerprint=self.fingerprint,
        )
