"""Findings about the steps that a task logs (docs/tasks.md): kinds, findings, and their text as a fact.

Standard library only: trial processes import it.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sweep.domain.enums import StrEnum


class StepKind(StrEnum):
    """What was found about the steps of a series."""

    BEHIND = "behind"  # by epoch, while other series are by step: placed at the step reached
    BEHIND_OPTIMIZER = "behind_optimizer"  # likewise compared with the watched optimizer: placed at its steps
    RESTARTS = "restarts"  # the counter restarts: counting continues
    RESUMED = "resumed"  # begins beyond the budget: counted from there
    BACK = "back"  # out of order: left as logged
    AHEAD = "ahead"  # far more steps than the watched optimizer made: left as logged


CORRECTED = frozenset({StepKind.BEHIND, StepKind.BEHIND_OPTIMIZER, StepKind.RESTARTS, StepKind.RESUMED})
"""Kinds whose points are placed at a computed position; the points of others stay as logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinding:
    """A finding about one series: `first` and `last` are logged steps, `at_first` and `at_last` their positions.

    `leader` is the series that shows it (BEHIND), `times` how often it happened. For AHEAD, `at_last` is the number of
    optimizer steps; for BACK, `first` to `last` is the first step back.
    """

    kind: StepKind
    series: str
    first: int
    last: int
    at_first: int
    at_last: int
    times: int
    leader: str = ""


def findings_text(findings: Iterable[StepFinding]) -> str:
    """Return findings as one line of JSON; `findings_of` reads it back."""
    return json.dumps([asdict(finding) for finding in findings], separators=(",", ":"))


def findings_of(text: object) -> tuple[StepFinding, ...]:
    """Return the findings of a fact; none if it is missing or not in our format."""
    try:
        items = json.loads(text) if isinstance(text, str) else []
        return tuple(StepFinding(**{**item, "kind": StepKind(item["kind"])}) for item in items)
    except (ValueError, TypeError, KeyError):
        return ()
