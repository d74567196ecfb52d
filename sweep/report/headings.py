"""The parts of a summary.json of any kind that lists of studies and `status` read.

It is separate from `documents`, whose dataclasses take 15 ms to import, so that `ls` and `status` start faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweep.domain.json_form import Json, JsonObject, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomDocument:
    """A symptom with its explanation: usual causes, toggles that test them, and what to change by hand.

    `fault` says what to fix (the code, the data, a setting), `fix` how; `fix` is empty if a toggle tests the cause. An
    `advisory` symptom also occurs in healthy runs.
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
    """The outcome of the base over its seeds. `interval` is the 95 % interval of the probability of converging."""

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
    """The overrides to use, those that tie with them, and the command that applies the first."""

    overrides: tuple[str, ...] = ()
    command: str | None = None
    ties: tuple[tuple[str, ...], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDocument:
    """The cost of a study. `planned` is None in files that lack it; then all trials have ended."""

    trials: int = 0
    planned: int | None = None
    steps: int = 0
    base_run_equivalents: float = 0.0
    wall_s: float = 0.0
    reused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceDocument:
    """The part of a study's provenance that reports name; all of it is kept as it was recorded."""

    git_sha: str | None = None
    dirty: bool | None = None
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    host: str | None = None
    gpus: tuple[Json, ...] = ()
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The part of a summary.json of any kind that is read without the rest; empty for a study without a summary."""

    answer: str = ""
    notes: tuple[str, ...] = ()
    base: BaseDocument = BaseDocument()
    recommended: Recommended = Recommended()
    cost: CostDocument = CostDocument()


def read_heading(data: JsonObject | None) -> Heading:
    """Return the heading of a summary.json of any kind. Raises ValueError if the data has another shape."""
    return from_json(Heading, data or {})
