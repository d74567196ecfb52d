"""Which repair is recommended, which ones tie with it, and why it is preferred to the others."""

from collections.abc import Mapping, Sequence

from sweep.domain.axis import Toggle
from sweep.domain.effect import Choice, Effect, Question, Repair, SearchedPoint
from sweep.domain.plural import share_text
from sweep.domain.verdict import Verdict


def choose(
    question: Question, repairs: Sequence[Repair], searched: Sequence[SearchedPoint], effects: Sequence[Effect]
) -> Choice:
    """Return the choice: the best point of a search if it converged; else the first of the repairs (best first).

    Single changes tie if the ranking cannot tell them apart; larger sets of the same size, if their seeds converged
    equally often.
    """
    if searched:
        return Choice(overrides=searched[0].overrides) if searched[0].verdict == Verdict.CONVERGED else Choice()
    if not repairs or question is not Question.RESTORE:
        return Choice()
    by_toggle = {effect.toggle: effect for effect in effects}
    best, *others = repairs
    tied = [other for other in others if _ties(best, other, by_toggle)]
    reason = "" if tied or not others else _reason(best, others[0], by_toggle)
    return Choice(overrides=best.overrides, ties=tuple(other.overrides for other in tied), reason=reason)


def _ties(best: Repair, other: Repair, effects: Mapping[Toggle, Effect]) -> bool:
    if len(best.toggles) != len(other.toggles):
        return False
    if len(best.toggles) == 1:
        return effects[best.toggles[0]].rank == effects[other.toggles[0]].rank
    return best.outcome == other.outcome


def _reason(best: Repair, other: Repair, effects: Mapping[Toggle, Effect]) -> str:
    """Return why the first repair is preferred to the second; empty if nothing separates them."""
    mine, theirs = best.outcome, other.outcome
    if mine.mean > theirs.mean:
        counts = (share_text(each.converged, each.trials, "seed") for each in (mine, theirs))
        return f"it converges more often: {' against '.join(counts)}"
    if len(best.toggles) < len(other.toggles):
        return f"it changes less: {len(best.toggles)} against {len(other.toggles)}"
    if len(best.toggles) == 1:
        medians = [effects[each.toggles[0]].steps_to_target.median for each in (best, other)]
        if all(median is not None for median in medians):
            return f"it takes fewer steps: {' against '.join(f'{median:,.0f}' for median in medians)}"
    return ""
