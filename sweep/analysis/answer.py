"""The answer of a study: a sentence or two, made from its figures."""

from collections import Counter
from collections.abc import Sequence

from sweep.analysis.effects import is_broken
from sweep.analysis.exceptions import why_silent
from sweep.analysis.faults import fault_sentences, faults_seen, lowered
from sweep.analysis.logging import timeout_hint
from sweep.domain.effect import (
    NOT_RUN_YET,
    BaseSummary,
    Effect,
    EffectStatus,
    Question,
    Repair,
    SearchedPoint,
    together,
)
from sweep.domain.failure import shown_failure
from sweep.domain.plural import count_text, share_text
from sweep.domain.states import LIVE_STATES, TrialState
from sweep.domain.symptoms import LOGGING_RULES, about_of
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict

SEEN = 2
"""Number of the base's symptoms named in the answer, most telling first."""
PLACED = 2
"""Number of alternative repairs whose lines of a script are named."""
NAMED = 4
"""Number of toggles named in a long list."""


def answer(
    outcomes: Sequence[Outcome],
    question: Question,
    base: BaseSummary,
    effects: Sequence[Effect],
    repairs: Sequence[Repair],
    unlogged: str = "",
) -> str:
    """Return a sentence or two to act on. They never claim more than the tests show.

    `unlogged` says that no trial logged the target's metric; it comes first, and is empty if one did.
    """
    if not outcomes:
        return "No trial was run."
    if unlogged:
        diverged = sum(o.verdict is Verdict.DIVERGED for o in outcomes)
        return f"{unlogged} {share_text(diverged, len(outcomes), 'trial')} diverged." if diverged else unlogged
    if all(outcome.is_open for outcome in outcomes):
        return f"No trial has a verdict yet: {silent_counts(outcomes)}."
    if not any(outcome.is_evidence for outcome in outcomes):
        return f"No trial reached a verdict: {_causes(outcomes)}.{timeout_hint(outcomes)}"
    if not base.seeds:
        mine = [o for o in outcomes if o.cell.is_base]
        if mine and all(o.is_open for o in mine):
            return f"Nothing can be compared yet: no base trial has a verdict ({silent_counts(mine)})."
        why = _causes([o for o in outcomes if o.cell.is_base])
        return f"Nothing can be compared: no base trial reached a verdict ({why})."
    tried = [e for e in effects if e.status is not EffectStatus.INERT]
    silent = _silent(tried, outcomes)
    start = " ".join([_base_sentence(base, outcomes), *base.exceptions])
    if not tried and not any(o.cell.params for o in outcomes if o.is_evidence):
        return " ".join(filter(None, (start, _faults(base))))
    if repairs:
        named = f"{_places(repairs, effects)}{_repair_sentence(repairs, base, question)}"
        found = f"{named}{_needed(repairs[0], effects, question)} {start}"
        masked_by = [_repair(repair, alone=False) for repair in repairs]
        fault = _faults(base, masked_by[:NAMED]) if question is Question.RESTORE else ""
        return " ".join(filter(None, (fault, found, *list(silent.values())[:SEEN])))
    judged = [effect for effect in tried if effect not in silent]
    none_found = f"{_none_found(outcomes, question, judged)}{_diverging(judged)}" if judged or not tried else ""
    return " ".join(filter(None, (start, none_found, *list(silent.values())[:SEEN], _faults(base))))


def _silent(tried: Sequence[Effect], outcomes: Sequence[Outcome]) -> dict[Effect, str]:
    """Return the changes whose trials all lack a verdict for the same reason, each with a sentence that gives it."""
    found = {}
    for effect in tried:
        why = why_silent([o for o in outcomes if o.cell.toggles == {effect.toggle} and not o.cell.params])
        if why:
            found[effect] = f"{effect.toggle} cannot be judged: {why}."
    return found


def search_answer(outcomes: Sequence[Outcome], best: SearchedPoint) -> str:
    """Return the answer of a search over params: its best trial. A single run proves nothing about that point."""
    tried, count = count_text(len(outcomes), "trial"), sum(o.converged for o in outcomes)
    how = f"converged at step {best.tau}" if best.tau is not None else "did not converge"
    value = "" if best.best is None else f", best value {best.best:.4g}"
    return f"Best of {tried} ({count} converged): {best.cell}; it {how}{value}, on seed {best.seed}."


def _base_sentence(base: BaseSummary, outcomes: Sequence[Outcome]) -> str:
    count = share_text(base.converged, base.seeds, "seed")
    if 2 * base.converged > base.seeds:
        return f"The base converges ({count})."
    covered = {fault.title for fault in faults_seen(base.symptoms)}  # another sentence says how to fix these
    known = [s for s in base.symptoms if s.rule not in LOGGING_RULES]
    entries = [about for s in known if (about := about_of(s.rule, s.metric)) is not None]
    titles = [title for title in dict.fromkeys(about.title for about in entries) if title not in covered][:SEEN]
    seen = f"; seen: {', '.join(map(lowered, titles))}" if titles else ""
    return f"The base does not converge ({count}{_misses(outcomes)}{seen})."


def _faults(base: BaseSummary, masked_by: Sequence[str] = ()) -> str:
    """Return which faults to fix before any setting is changed; empty if the base converges."""
    return "" if 2 * base.converged > base.seeds else fault_sentences(faults_seen(base.symptoms), masked_by)


def _misses(outcomes: Sequence[Outcome]) -> str:
    """Return how the base's trials missed, `; all diverged` or `; 3 diverged, 2 stalled`.

    Empty if all misses are `not_converged`: the sentence already says that.
    """
    verdicts = {o.seed: o.verdict for o in outcomes if o.cell.is_base and o.is_evidence}
    counts = Counter(v for v in verdicts.values() if v is not Verdict.CONVERGED)
    if set(counts) <= {Verdict.NOT_CONVERGED}:
        return ""
    if len(counts) == 1 and counts.total() == len(verdicts):
        return f"; {'all ' * (len(verdicts) > 1)}{next(iter(counts))}"
    return f"; {', '.join(f'{n} {verdict}' for verdict, n in counts.most_common())}".replace("_", " ")


def _repair_sentence(repairs: Sequence[Repair], base: BaseSummary, question: Question) -> str:
    verb = "restores" if question is Question.RESTORE else "breaks"
    shown = [_repair(repair, alone=len(repairs) > 1) for repair in repairs[:4]]
    rest = f", or {len(repairs) - 4} more" if len(repairs) > 4 else ""
    best = repairs[0]
    p = f", exact p = {best.p_value:.2g}" if best.p_value is not None else ""
    seen = share_text(best.outcome.converged, best.outcome.trials, "seed")
    evidence = f"{seen} against {base.converged} of {base.seeds}{p}"
    return f"{', or '.join(shown)}{rest} {verb} convergence ({evidence})."


def _places(repairs: Sequence[Repair], effects: Sequence[Effect]) -> str:
    """Return the lines of a script that the repairs named first act on: `Dropout(p=0.95) at train.py:23: `."""
    where = {effect.toggle: effect.where for effect in effects}
    toggles = dict.fromkeys(toggle for repair in repairs[:PLACED] for toggle in repair.toggles)
    named = [text for toggle in toggles if (text := where.get(toggle))]
    return f"{', '.join(dict.fromkeys(named))}: " if named else ""


def _repair(repair: Repair, *, alone: bool) -> str:
    names = together([str(toggle) for toggle in repair.toggles])
    return f"{names} alone" if alone and len(repair.toggles) == 1 else names


def _needed(repair: Repair, effects: Sequence[Effect], question: Question) -> str:
    """Return which toggles of an unverified set are needed, as cells without them show; empty for a verified set."""
    if repair.verified or len(repair.toggles) == 1:
        return ""
    needed = []
    for effect in effects:
        lacking = effect.necessity
        if effect.toggle in repair.toggles and lacking is not None:
            mostly = 2 * lacking.converged > lacking.trials
            if mostly is (question is Question.BREAK):
                needed.append(f"{effect.toggle} ({lacking.converged} of {lacking.trials} without it)")
    if not needed:
        return " None of these was shown to be needed when the others are on."
    return f" Of these, needed when the others are on: {', '.join(needed)}."


def _none_found(outcomes: Sequence[Outcome], question: Question, tried: Sequence[Effect]) -> str:
    waiting = [e for e in tried if e.is_open]
    if waiting:
        rest = [e for e in tried if not e.is_open]
        seen = f"{_none_found(outcomes, question, rest)} " if rest else ""
        return f"{seen}Not run yet: {_named(waiting)}."
    verb = "restores" if question is Question.RESTORE else "breaks"
    if all(o.verdict is Verdict.DIVERGED for o in outcomes if o.is_evidence):
        return "Every trial with a verdict diverged, whatever was changed."
    decided = [e for e in tried if e.status is not EffectStatus.UNDECIDED]
    undecided = [e for e in tried if e.status is EffectStatus.UNDECIDED]
    if not undecided:
        partly = [str(e.toggle) for e in tried if e.status is EffectStatus.HELPS]
        helps = ""
        if partly and question is Question.RESTORE:
            does = "helps, but does" if len(partly) == 1 else "help, but do"
            helps = f" {', '.join(partly)} {does} not restore it."
        if len(tried) == 1:
            return f"The only change tried does not {verb.removesuffix('s')} convergence.{helps}"
        return f"None of the {len(tried)} changes {verb} convergence.{helps}"
    rest = undecided[1:]
    also = f"; {_some(rest)} {'is' if len(rest) == 1 else 'are'} also undecided" if rest else ""
    ruled_out = ""
    if decided and not any(is_broken(e) for e in decided):
        do_not = f"{'does' if len(decided) == 1 else 'do'} not {verb.removesuffix('s')} convergence"
        ruled_out = f"; {_some(decided)} {do_not}"
    return f"Not decided: {_undecided(undecided[0])}{also}{ruled_out}."


def _some(effects: Sequence[Effect]) -> str:
    """Return the names of one or two toggles, or the number of more."""
    return " and ".join(str(e.toggle) for e in effects) if len(effects) <= 2 else f"{len(effects)} others"


def _named(effects: Sequence[Effect]) -> str:
    """Return the names of the first toggles, and the number of the others."""
    names = ", ".join(str(e.toggle) for e in effects[:NAMED])
    return f"{names} and {len(effects) - NAMED} more" if len(effects) > NAMED else names


def _diverging(tried: Sequence[Effect]) -> str:
    """Return a sentence with the changes that make the training diverge; empty without one."""
    found = [e for e in tried if e.makes_diverge and e.status is EffectStatus.NO_EFFECT]
    return f" {_named(found)} make{'s' * (len(found) == 1)} it diverge." if found else ""


def _undecided(effect: Effect) -> str:
    seen = effect.sufficiency
    text = f"{effect.toggle} converged on {share_text(seen.converged, seen.trials, 'seed')}"
    if not seen.trials:
        return f"{effect.toggle} was not tried alone" if not effect.note else f"{effect.toggle} ({effect.note})"
    if effect.more_seeds is None:
        return f"{text}, too few to decide"
    return f"{text}, too few to decide; {effect.more_seeds} more with the same outcome would"


def _causes(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "none was run"
    reasons = {o.reason for o in outcomes if o.state is TrialState.COMPLETED}
    common = f", because {reasons.pop()}" if len(reasons) == 1 and reasons != {""} else ""
    return f"{silent_counts(outcomes)}{common}"


def silent_counts(outcomes: Sequence[Outcome]) -> str:
    """Return why trials have no verdict, most frequent first: `3 crash, 2 not run yet`."""
    words = Counter(_silent_word(o) for o in outcomes)
    return ", ".join(f"{count:,} {word}" for word, count in words.most_common())


def _silent_word(outcome: Outcome) -> str:
    if outcome.is_open:
        if outcome.state in LIVE_STATES:
            return "running"
        return "stopped" if outcome.state is TrialState.CANCELLED and outcome.steps else NOT_RUN_YET
    if outcome.state is TrialState.COMPLETED:
        return str(outcome.verdict)
    return shown_failure(str(outcome.failure or outcome.state))
