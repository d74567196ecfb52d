"""summary.json of a ranking as a value, and its parts: a key per field, in the order of the file.

`sweep.report.summary` makes it from a study, `to_json` writes it, `read_ranking` reads files of any version: a key that
a file lacks takes its default here. All reports are made from it. docs/summary.md explains each key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sweep.domain.adaptive import BaseFinding, Spent
from sweep.domain.effect_status import EffectStatus, Question
from sweep.domain.json_form import KEY, OPTIONAL, Json, JsonObject, from_json
from sweep.report.headings import BaseDocument, CostDocument, Recommended

if TYPE_CHECKING:
    from sweep.report.staged import StagedDocument

SCHEMA = 1
STAGES = "stages"
"""`kind` in summary.json of a study made of stages; a ranking has no kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDocument:
    """What "converged" means in this study. `smooth_steps` is None if the metric is compared as logged."""

    metric: str | None = None
    mode: str = "max"
    threshold: float | None = None
    hold: int | None = None
    budget_steps: int = 0
    stop_early: bool = True
    loss: str | None = None
    smooth_steps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDocument:
    """A level other than the baseline, with the Hydra overrides that set it."""

    level: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisDocument:
    """An axis of the study."""

    axis: str
    levels: tuple[LevelDocument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareDocument:
    """The share of some trials that converged."""

    converged: int
    trials: int
    probability: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsDocument:
    """Steps to target of a toggle against the base's; None if fewer than half converged."""

    median: float | None = None
    base: float | None = None
    saved: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleDocument:
    """The effect of one toggle compared with the base. `word` is its status as readers see it.

    Only an adaptive driver sets `posterior`, `verified` and `furthest` (domain/adaptive.ToggleFinding); only toggles of
    scripts have `where`, the lines that they act on.
    """

    toggle: str
    axis: str = ""
    level: str = ""
    rank: int = 0
    tied: bool = False
    status: EffectStatus = EffectStatus.UNDECIDED
    word: str = ""
    trials: int = 0
    converged: int = 0
    diverged: int = 0
    makes_diverge: bool = False
    repair_probability: float = 0.0
    interval: tuple[float, float] = (0.0, 1.0)
    necessity: ShareDocument | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    test: str = ""
    steps_to_target: StepsDocument = StepsDocument()
    more_seeds: int | None = None
    seeds: tuple[int, ...] = ()
    note: str = ""
    overrides: tuple[str, ...] = ()
    posterior: float | None = field(default=None, metadata={OPTIONAL: True})
    verified: bool | None = field(default=None, metadata={OPTIONAL: True})
    furthest: float | None = field(default=None, metadata={OPTIONAL: True})
    where: str = field(default="", metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveDocument:
    """The findings of an adaptive driver besides the ranking (domain/adaptive.AdaptiveFindings)."""

    p_single: float = 0.0
    p_pair: float = 0.0
    pairs_tried: int = 0
    pairs: int = 0
    questions: int = 0
    bre: Spent
    base: BaseFinding = BaseFinding.FAILS


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairDocument:
    """A minimal set of toggles that restores convergence; `probability` is that of breaking if the base converges."""

    toggles: tuple[str, ...]
    probability: float
    interval: tuple[float, float]
    verified: bool = False
    converged: int = 0
    seeds: int = 0
    p_value: float | None = None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionDocument:
    """What a pair of toggles does beyond the sum of its parts."""

    toggles: tuple[str, ...]
    value: float
    interval: tuple[float, float]
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDocument:
    """All trials of a cell; `cell` is its key."""

    cell: str
    toggles: tuple[str, ...] = ()
    converged: int = 0
    trials: int = 0
    interval: tuple[float, float] = (0.0, 1.0)
    verdicts: Mapping[str, int] = field(default_factory=dict, hash=False)
    median_steps_to_target: float | None = None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDocument:
    """One point that a search tried."""

    trial: int
    seed: int
    verdict: str
    steps_to_target: int | None = None
    value: float | None = None
    toggles: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict, hash=False)
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDocument:
    """The best points of a search, best first."""

    top: tuple[PointDocument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """The number of seeds that would decide all undecided toggles, and the command that runs them."""

    seeds: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The study whose name this one could not take, and the command that compares the two."""

    name: str = field(metadata={KEY: "with"})
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveDocument:
    """One trial's metric, thinned for drawing; `bad_step` is the first step at which it is not finite."""

    steps: tuple[int, ...]
    values: tuple[float, ...]
    bad_step: int | None = None
    word: str = ""
    label: str = ""
    tau: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCurves:
    """One metric of all trials of the base."""

    metric: str
    threshold: float | None = None
    last_step: int = 0
    curves: tuple[CurveDocument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionDocument:
    """The recommended repair of a script as a change of its files: a unified diff, and what it leaves to the user.

    Nothing applies it.
    """

    diff: str = ""
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingDocument:
    """summary.json of a study whose trials have verdicts. Only the base of a diagnosis has `curves`."""

    schema: int = SCHEMA
    study: str = ""
    task: str = ""
    command: tuple[str, ...] = ()
    question: Question = Question.RESTORE
    status: str = ""
    created_at: str = ""
    ended_at: str | None = None
    answer: str = ""
    notes: tuple[str, ...] = ()
    target: TargetDocument = TargetDocument()
    axes: tuple[AxisDocument, ...] = ()
    base: BaseDocument = field(default_factory=BaseDocument)
    toggles: tuple[ToggleDocument, ...] = ()
    repairs: tuple[RepairDocument, ...] = ()
    interactions: tuple[InteractionDocument, ...] = ()
    cells: tuple[CellDocument, ...] = ()
    search: SearchDocument | None = None
    verdicts: Mapping[str, int] = field(default_factory=dict, hash=False)
    states: Mapping[str, int] = field(default_factory=dict, hash=False)
    recommended: Recommended = field(default_factory=Recommended)
    decide: Decide | None = None
    compare: Beside | None = None
    cost: CostDocument = field(default_factory=CostDocument)
    provenance: Mapping[str, Json] = field(default_factory=dict, hash=False)
    curves: tuple[BaseCurves, ...] | None = field(default=None, metadata={OPTIONAL: True})
    isolate: AdaptiveDocument | None = field(default=None, metadata={OPTIONAL: True})
    suggestion: SuggestionDocument | None = field(default=None, metadata={OPTIONAL: True})


Document: TypeAlias = "RankingDocument | StagedDocument"
"""summary.json of a study whose trials have verdicts, or of one made of stages."""


def read_document(data: JsonObject) -> Document:
    """Return the document of a study's summary.json. Raises ValueError if the data has another shape."""
    if data.get("kind") != STAGES:
        return read_ranking(data)
    from sweep.report.staged import read_staged  # it imports the figures of all checks

    return read_staged(data)


def read_ranking(data: JsonObject) -> RankingDocument:
    """Return the document of a ranking's summary.json. Raises ValueError if the data has another shape."""
    return from_json(RankingDocument, data)
