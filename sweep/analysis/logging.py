"""What comes before a study's answer: warnings that logged steps, metric and target do not fit each other."""

from collections import Counter
from collections.abc import Sequence

from sweep.domain.states import FailureClass
from sweep.domain.symptoms import LOGGING_RULES
from sweep.domain.trial import Outcome

NAMED = 2
"""Largest number of such warnings in an answer."""

RAISE_TIMEOUT = "Raise launcher.timeout_s, or lower converge.budget_steps."


def with_checks(answer: str, outcomes: Sequence[Outcome]) -> str:
    """Return the answer, preceded by warnings about logging that at least half of the base's trials share.

    Without a base, the trials of all cells count. A message that the answer already contains is not repeated.
    """
    ended = [outcome for outcome in outcomes if not outcome.is_open]
    mine = [outcome for outcome in ended if outcome.cell.is_base] or ended
    counts: Counter[tuple[str, str]] = Counter()
    messages: dict[tuple[str, str], str] = {}
    for outcome in mine:
        found = {(s.rule, s.subject): s.message for s in outcome.symptoms if s.rule in LOGGING_RULES}
        counts.update(found.keys())
        messages = {**found, **messages}
    common = [messages[key] for key, count in counts.most_common() if 2 * count >= len(mine)]
    said = [message for message in common if message not in answer][:NAMED]
    return f"Check first: {'; '.join(said)}. {answer}" if said else answer


def timeout_hint(outcomes: Sequence[Outcome]) -> str:
    """Return what to do if most of the trials that ended were stopped by the time limit; empty otherwise."""
    ended = [outcome for outcome in outcomes if not outcome.is_open]
    stopped = sum(outcome.failure is FailureClass.TIMEOUT for outcome in ended)
    return f" {RAISE_TIMEOUT}" if 2 * stopped > len(ended) else ""
