"""What lists of studies and `status` read of a summary.json, whatever its kind, and the parts that this needs.

A module beside `documents`, whose dataclasses take 15 ms to import: `ls` and `status` do without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweep.domain.json_form import Json, JsonObject, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomDocument:
    """A symptom with what explains it: its usual causes, the toggles that test them, what to change by hand.

    `fault` says what is to be fixed as `fix` says (the code, the data, a setting); `fix` is empty if a toggle tests the
    cause. An `advisory` one is seen in healthy runs, too.
    """

    rule: str
    title: str = ""
    step: int = 0
    layer: str = ""
    value: float | None = None
    threshold: float | None = None
    metric: str = ""
    message: str = ""
    causes: str = ""
    fault: str = ""
    fix: str = ""
    tests: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    advisory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseDocument:
    """How the base did over its seeds. `interval` is of the probability of converging, at 95 %."""

    seeds: int = 0
    converged: int = 0
    verdict: str = ""
    symptoms: tuple[SymptomDocument, ...] = ()
    exceptions: tuple[str, ...] = ()
    trials: int = 0
    probability: float | None = None
    interval: tuple[float, float] | None = None
    verdicts: Mapping[str, int] = field(default_factory=dict, hash=False)
    median_steps_to_target: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """The overrides to use, those that nothing tells from them, and the command that applies the first."""

    overrides: tuple[str, ...] = ()
    command: str | None = None
    ties: tuple[tuple[str, ...], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDocument:
    """What the study cost. `planned` is None in files that do not say it: then all trials have ended."""

    trials: int = 0
    planned: int | None = None
    steps: int = 0
    base_run_equivalents: float = 0.0
    wall_s: float = 0.0
    reused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceDocument:
    """What the figures were made with, as far as a report names it; its whole is kept as it was recorded."""

    git_sha: str | None = None
    dirty: bool | None = None
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    host: str | None = None
    gpus: tuple[Json, ...] = ()
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What is read of a summary.json of any kind without the rest; a study that has none yet has an empty one."""

    answer: str = ""
    notes: tuple[str, ...] = ()
    base: BaseDocument = BaseDocument()
    recommended: Recommended = Recommended()
    cost: CostDocument = CostDocument()


def read_heading(data: JsonObject | None) -> Heading:
    """Return the heading of a summary.json of any kind. Raises ValueError if the data has another shape."""
    return from_json(Heading, data or {})
