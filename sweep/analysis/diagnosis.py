"""From what the stages of a diagnosis found to one paragraph to act on. Pure."""

from collections.abc import Sequence

from sweep.analysis.faults import fault_sentences, faults_seen, lowered
from sweep.analysis.findings import FAILED_GATE, NEAR, Findings, recommendation
from sweep.domain.by_hand import best_by_hand, by_hand_of
from sweep.domain.data_check import Severity
from sweep.domain.effect import Effect, EffectStatus, Question, Ranking, Repair, together
from sweep.domain.overfit import GateVerdict
from sweep.domain.plural import figure_text, share_text
from sweep.domain.result import Diagnosis
from sweep.domain.symptoms import LOGGING_RULES, about_of, kind_of, title_of
from sweep.domain.verdict import Verdict

MISSED = (Verdict.DIVERGED, Verdict.STALLED, Verdict.NOT_CONVERGED)
"""Verdicts of a trial that was judged and did not converge."""

FITS = 0.1
"""A loss on ten samples that falls to this share of its first value, or below, has fitted them."""

NO_AXES = (
    "No change was tried: the task has none of the knobs that the axes set (task.dropout, task.clip, ...), or already "
    "has the values that they would set. Add knobs to the task, or name another change: "
    "'+axes.NAME={levels: {LEVEL: [task.KEY=VALUE]}}'."
)

UNEXPLAINED = (
    "No check and no symptom rule found a cause. Compare the base's training and validation curves, and compare the "
    "target (converge.target) with what this task has reached before."
)

NO_VERDICT = (
    "The diagnosis stopped here: without a verdict on the base, it cannot show whether a change helps. Fix this "
    "first, then repeat the diagnosis."
)

NAMED = 8
"""Number of changes named in a sentence."""

WARNED = 2
"""Number of warnings of the data check that are named."""

TELLING = ("order of rows", "labels and inputs", "labels along the rows", "validation labels", "label range")
"""Data checks whose warnings are named first: what they find can keep any training from converging."""

BY_HAND = 3
"""Number of changes by hand that are named."""


def diagnose(found: Findings, *, has_axes: bool = True) -> Diagnosis:
    """Return what is wrong, how sure that is and what to change.

    `has_axes` is False if the ablation was not run because it had nothing to vary.
    """
    return Diagnosis(
        is_ok=found.is_judged,
        answer=_answer(found, has_axes=has_axes),
        recommended=recommendation(found),
    )


def _answer(found: Findings, *, has_axes: bool) -> str:
    """Return a diagnosis in one paragraph."""
    if found.is_data_broken and found.data is not None:
        return f"{found.data.answer} Fix the data first; no training was run."
    parts = [*_to_check(found), _base_words(found.base)] if found.base else []
    exceptions = found.base.base.exceptions if found.base else ()
    parts += exceptions
    if found.base_converges:
        last = "It converges nevertheless, so no change was tried." if exceptions else "No repair is needed."
        return " ".join([*parts, *_data_warnings(found), last])
    if not found.is_judged:
        return " ".join([*parts, *_data_warnings(found), NO_VERDICT])
    parts += [text for text in (_fault_words(found), _overfit_words(found), _lr_words(found)) if text]
    if found.ablation is not None:
        parts.append(_ablation_words(found.ablation, found.verify))
    parts += _data_warnings(found, TELLING if recommendation(found).overrides else None)
    if not recommendation(found).overrides and not _is_explained(found):
        parts.append(UNEXPLAINED)
    if not has_axes:
        parts.append(NO_AXES)
    return " ".join([*parts, *_by_hand(found)])


def _is_explained(found: Findings) -> bool:
    """Return whether anything points to a cause: a symptom, a seed that differs, the data, ten samples, or the rate."""
    base = found.base.base if found.base else None
    seen = base is None or base.symptoms or base.exceptions or not base.seeds
    return bool(seen or _data_warnings(found) or not found.learns or found.point)


def _to_check(found: Findings) -> list[str]:
    """Return a sentence on what is wrong with how the task logs; it comes before anything about training."""
    if not found.is_base_judged:
        return []  # the base's answer says so; it is quoted if the base has no verdict
    messages = [symptom.message for symptom in found.symptoms if symptom.rule in LOGGING_RULES]
    return [f"Check first: {'; '.join(messages)}."] if messages else []


def _base_words(ranking: Ranking) -> str:
    base, cell = ranking.base, ranking.base_cell
    if not base.seeds:
        return ranking.answer
    if base.converged:
        return f"The base converges on {share_text(base.converged, base.seeds, 'seed')}."
    covered = {fault.title for fault in faults_seen(base.symptoms)}  # another sentence says how to fix these
    titles = [title_of(s.rule, s.metric) for s in base.symptoms if s.rule not in LOGGING_RULES]
    seen = [title for title in titles if title not in covered][:2]
    missed = {word: count for word, count in (cell.verdicts if cell else ()) if word in MISSED}
    kinds = ", ".join(f"{count} {word}" for word, count in missed.items()) if len(missed) > 1 else base.verdict
    words = "" if kinds == Verdict.NOT_CONVERGED else f", {kinds}".replace("_", " ")
    because = f": {'; '.join(lowered(text) for text in seen)}" if seen else ""
    return f"The base does not converge ({share_text(0, base.seeds, 'seed')}{words}{because})."


def _data_warnings(found: Findings, among: Sequence[str] | None = None) -> list[str]:
    """Return a sentence with the warnings of the data check (only `among` these, if given), most telling first."""
    warned = [check for check in found.checks if check.severity is Severity.WARNING]
    warned = [check for check in warned if among is None or check.name in among]
    warned.sort(key=lambda check: TELLING.index(check.name) if check.name in TELLING else len(TELLING))
    texts = [f"{check.name}: {check.found}" for check in warned]
    return [f"The data check warns of {'; '.join(texts[:WARNED])}."] if texts else []


def _by_hand(found: Findings) -> list[str]:
    """Return a sentence with changes that the base's symptoms suggest and the task has no knob for.

    The most telling come first. If there is a repair, only the best suggestion for each symptom is named: the repair
    may hide that cause.
    """
    best: list[str] = []
    others: list[str] = []
    for symptom in found.symptoms:
        about = about_of(symptom.rule, symptom.metric)
        if about is None or about.advisory:
            continue
        texts = by_hand_of(about.tests, found.lacking)
        best.append(best_by_hand(kind_of(symptom.rule, symptom.metric), texts))
        others += texts
    texts = tuple(filter(None, [*best, *([] if recommendation(found).overrides else others)]))
    listed = list(dict.fromkeys(texts))[:BY_HAND]
    return [f"Not tried, because the task has no knob for it: {'; '.join(listed)}."] if listed else []


def _fault_words(found: Findings) -> str:
    """Return which faults of code or data to fix first, and which repairs only mask them."""
    last = found.last
    is_restored = last is not None and last.question is Question.RESTORE and recommendation(found).overrides
    masked_by = [_names(repair) for repair in last.repairs] if last is not None and is_restored else []
    return fault_sentences(faults_seen(found.symptoms), masked_by[:NAMED])


def _overfit_words(found: Findings) -> str:
    gate = found.gate
    if gate is None:
        return ""
    if gate.verdict is GateVerdict.CRASHED:
        return "Whether it can overfit ten samples is unknown: training fails on a set that small."
    parts = [(trial.loss_part, trial.note) for trial in gate.trials]
    if gate.verdict is GateVerdict.LEARNT:
        high = [part for part, note in parts if note and part is not None]
        if high:
            return (
                f"It gets all ten samples right, but its loss stays at {max(high):.0%} of its first value: "
                "check that the last layer matches the loss."
            )
        return "It can overfit ten samples, so model, head, loss and optimizer work."
    if gate.verdict not in FAILED_GATE:
        return ""
    fits = [part for part, _ in parts if part is not None and part <= FITS]
    if fits and gate.verdict is GateVerdict.NOT_LEARNT:
        return (
            f"On ten samples its loss falls to {max(fits):.0%} of its first value, but it gets them wrong: check how "
            "labels reach the loss and the metric, and check the evaluation."
        )
    if recommendation(found).overrides:
        return "As configured, it cannot even overfit ten samples."
    return (
        "It cannot even overfit ten samples: check the model, the head, the loss, the labels, the input scale and "
        "the optimizer."
    )


def _lr_words(found: Findings) -> str:
    ratio, known = found.lr_ratio, found.lr_range.range if found.lr_range else None
    if known is None or ratio is None or known.point is None or known.base_lr is None:
        return ""
    own, factor = figure_text(known.base_lr, 3), max(ratio, 1 / ratio)
    if factor <= NEAR:
        return f"Its learning rate ({own}) agrees with the learning-rate range test."
    if not found.point:
        return f"No other learning rate that was tried helps (the task has {own})."
    times = f"{factor:,.0f}" if factor >= 10 else figure_text(factor, 2)
    way = "higher" if ratio < 1 else "lower"
    point = figure_text(known.point, 3)
    return f"Its learning rate ({own}) is {times} times {way} than the learning-rate range test suggests ({point})."


def _ablation_words(ablation: Ranking, verify: Ranking | None) -> str:
    """Return what restores convergence, with the counts behind it; otherwise what was ruled out and what was not."""
    if ablation.question is not Question.RESTORE:
        return ablation.answer
    last = verify or ablation
    proven = [effect for effect in last.effects if effect.status is EffectStatus.RESTORES]
    if last.repairs and last.recommended and proven:
        against = f"against {last.base.converged} of {last.base_trials} for the base"
        return _repair_words(last.repairs, proven, f"{'fresh seeds' if verify else 'seeds'} {against}")
    tried = [effect for effect in ablation.effects if effect.sufficiency.trials]
    worse = [effect for effect in tried if effect.status is EffectStatus.HARMS or effect.makes_diverge]
    others = [effect for effect in tried if effect not in worse]
    without = [effect for effect in others if effect.status is EffectStatus.NO_EFFECT]
    open_ones = [effect for effect in others if effect.status in (EffectStatus.UNDECIDED, EffectStatus.HELPS)]
    words = ["No change is proven to restore convergence."]
    words += [f"No effect: {_listed(without)}."] if without else []
    words += [f"Worse: {_listed(worse)}."] if worse else []
    words += [f"Not decided: {_listed(open_ones)}."] if open_ones else []
    return " ".join(words)


def _repair_words(repairs: Sequence[Repair], proven: Sequence[Effect], counted: str) -> str:
    """Return the alternative repairs; `counted` says which seeds their counts are of, and gives the base's count."""
    ways = [f"{_names(r)} ({r.outcome.converged} of {r.outcome.trials} {counted})" for r in repairs]
    alone = ", each alone" if len(ways) > 1 and all(len(r.toggles) == 1 for r in repairs) else ""
    least = max(proven, key=lambda effect: effect.p_adjusted or 0.0)
    p = "" if least.p_adjusted is None else f"; exact test, p = {figure_text(least.p_adjusted, 2)}"
    adjusted = " after Holm" * (least.p_adjusted != least.p_value)
    return f"What restores convergence{alone}: {', or '.join(ways)}{p}{adjusted}."


def _names(repair: Repair) -> str:
    return together([str(toggle) for toggle in repair.toggles])


def _listed(effects: Sequence[Effect]) -> str:
    names = [str(effect.toggle) for effect in effects]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
