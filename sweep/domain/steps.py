"""What a run found of the steps that its task logs (docs/tasks.md): kinds, findings, and their text as a fact.

Standard library only: a trial process reads this.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sweep.domain.words import StrEnum


class StepKind(StrEnum):
    """What was found of the steps of a series."""

    BEHIND = "behind"  # by epoch, while other series go by step: placed at the step reached
    BEHIND_OPTIMIZER = "behind_optimizer"  # the same against the watched optimizer: placed at its steps
    RESTARTS = "restarts"  # the counter starts again: counted on
    RESUMED = "resumed"  # begins beyond the budget: counted from there
    BACK = "back"  # out of order: left as logged
    AHEAD = "ahead"  # far more steps than the watched optimizer made: left as logged


CORRECTED = frozenset({StepKind.BEHIND, StepKind.BEHIND_OPTIMIZER, StepKind.RESTARTS, StepKind.RESUMED})
"""Kinds whose points stand at the position that was worked out; those of the others stand as they were logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinding:
    """What was found of one series: `first` and `last` are logged steps, `at_first` and `at_last` their positions.

    `leader` is the series that shows it (BEHIND), `times` how often it happened. For AHEAD, `at_last` is the number of
    steps that the optimizer made; for BACK, `first` to `last` is the first step back.
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
    """Return the findings that a fact holds; none if it is not there or is not ours."""
    try:
        items = json.loads(text) if isinstance(text, str) else []
        return tuple(StepFinding(**{**item, "kind": StepKind(item["kind"])}) for item in items)
    except (ValueError, TypeError, KeyError):
        return ()
