"""What only a minority of trials showed, and why the trials of a change have no verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep.analysis.faults import REPORTED, lowered
from sweep.domain.effect import BaseSummary
from sweep.domain.plural import share_text
from sweep.domain.states import TrialState
from sweep.domain.symptom_entry import About, Fault
from sweep.domain.symptoms import about_of, urgency
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Symptom, Verdict

NAMED = 2
"""Number of exceptions named, the most telling first."""

SEEDS_NAMED = 5
"""Number of seeds named by their numbers."""

ALWAYS = frozenset({"non_finite", "rate_gone"})
"""Rules about settings that are named even if a single seed shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A finding of some seeds: where it was seen first, and the trials that show it."""

    about: About
    symptom: Symptom
    trials: tuple[Outcome, ...]


def exceptions(mine: Sequence[Outcome], base: BaseSummary) -> tuple[str, ...]:
    """Return sentences on what seeds of the base showed and its summary leaves out; at most NAMED.

    Reported are faults of code, data, logging or target, and values that became NaN, in fewer than half of the seeds.
    If the base converges, faults of code and data are reported for any number of seeds, and so are seeds that diverged.
    `mine` are the base's trials.
    """
    ended = [outcome for outcome in mine if not outcome.is_open]
    converges = 2 * base.converged > base.seeds
    sentences, covered = [], set[int]()
    for found in _findings(ended, base, converges=converges):
        seeds = {outcome.seed for outcome in found.trials}
        if seeds - covered:
            covered |= seeds
            sentences.append(_sentence(found, len(ended)))
    diverged = [o for o in ended if o.verdict is Verdict.DIVERGED and o.seed not in covered]
    if converges and diverged:
        whose = _seeds(diverged, is_diverged=False)
        sentences.append(f"{share_text(len(diverged), len(ended), 'seed')} diverged ({whose}): {diverged[0].reason}.")
    return tuple(sentences[:NAMED])


def why_silent(mine: Sequence[Outcome]) -> str:
    """Return why no ended trial of a cell has a verdict, if the reason is the same for all; otherwise empty."""
    ended = [outcome for outcome in mine if not outcome.is_open]
    if any(outcome.is_evidence or outcome.state is not TrialState.COMPLETED for outcome in ended):
        return ""
    reasons = {outcome.reason for outcome in ended}
    return reasons.pop() if len(reasons) == 1 else ""


def _findings(ended: Sequence[Outcome], base: BaseSummary, *, converges: bool) -> list[_Finding]:
    """Return the findings that are exceptions, most telling first."""
    common = {(symptom.rule, symptom.subject) for symptom in base.symptoms}
    trials: dict[tuple[str, str], list[Outcome]] = {}
    first: dict[tuple[str, str], Symptom] = {}
    for outcome in ended:
        for symptom in outcome.symptoms:
            key = symptom.rule, symptom.subject
            about = about_of(symptom.rule, symptom.metric)
            if about is None or about.advisory or (about.fault is Fault.SETTING and symptom.rule not in ALWAYS):
                continue
            if key in common and not (converges and about.fault in REPORTED):
                continue
            if outcome not in trials.setdefault(key, []):
                trials[key].append(outcome)
            if key not in first or symptom.step < first[key].step:
                first[key] = symptom
    order = sorted(first.values(), key=lambda s: (urgency(s.rule, s.metric), s.step, s.rule, s.metric))
    found = []
    for symptom in order:
        about = about_of(symptom.rule, symptom.metric)
        if about is not None:
            found.append(_Finding(about=about, symptom=symptom, trials=tuple(trials[symptom.rule, symptom.subject])))
    return found


def _sentence(found: _Finding, ended: int) -> str:
    place = f"step {found.symptom.step:,}" if found.symptom.step else ""
    where = ", ".join(filter(None, [place, found.symptom.layer and f"layer {found.symptom.layer}"]))
    seen = f"{lowered(found.about.title)}{f' ({where})' if where else ''}"
    fix = f": {found.about.fix}" if found.about.fix else ""
    whose = _seeds(found.trials, is_diverged=any(o.verdict is Verdict.DIVERGED for o in found.trials))
    return f"In {share_text(len(found.trials), ended, 'seed')} ({whose}) {seen}{fix}."


def _seeds(trials: Sequence[Outcome], *, is_diverged: bool) -> str:
    """Return the first seeds by number: `seed 0, diverged`."""
    numbers = [str(outcome.seed) for outcome in trials]
    named = ", ".join(numbers[:SEEDS_NAMED]) + (
        f" and {len(numbers) - SEEDS_NAMED} more" if len(numbers) > SEEDS_NAMED else ""
    )
    return f"seed{'s' * (len(numbers) > 1)} {named}{', diverged' * is_diverged}"
