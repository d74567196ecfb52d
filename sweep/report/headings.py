"""The parts of a summary.json of any kind that lists of studies and `status` read.

It is separate from `documents`, whose dataclasses take 15 ms to import, so that `status` starts faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweep.domain.json_form import JsonObject, from_json
from sweep.report.symptom_document import SymptomDocument


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
