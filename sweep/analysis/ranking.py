"""The ranking of a study, from all its outcomes."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sweep.analysis.answer import answer, search_answer, silent_counts
from sweep.analysis.choice import choose
from sweep.analysis.compare import compare_toggles
from sweep.analysis.effects import build_effects, inert_effects
from sweep.analysis.exceptions import exceptions, why_silent
from sweep.analysis.logging import with_checks
from sweep.analysis.repairs import build_repairs, find_interactions, find_necessities, passing_sets
from sweep.analysis.table import Table
from sweep.analysis.unlogged import unlogged_sentences
from sweep.domain.axis import Axis, Cell, Toggle
from sweep.domain.effect import (
    BaseSummary,
    CellSummary,
    Cost,
    Effect,
    EffectStatus,
    Proportion,
    Question,
    Ranking,
    SearchedPoint,
)
from sweep.domain.inert import InertToggle
from sweep.domain.plural import count_text, share_text
from sweep.domain.roles import loss_note
from sweep.domain.symptoms import urgency
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Symptom, Verdict

SHOWN_POINTS = 10
"""Number of search points listed, best first."""


def rank(
    outcomes: Sequence[Outcome],
    axes: Sequence[Axis],
    target: Target,
    *,
    question: Question | None = None,
    inert: Sequence[InertToggle] = (),
    wall_s: float | None = None,
    logged: Collection[str] | None = None,
    places: Mapping[Toggle, str] | None = None,
) -> Ranking:
    """Return the ranking of the toggles of `axes` from these outcomes; the order of outcomes does not matter.

    `question` None asks what restores convergence unless the base converges on most of its seeds, then what breaks
    it. `inert` are toggles that change nothing and were not tried. `wall_s` is the wall time of the study, None for the
    sum over its trials. `logged` are the names of the metrics that its trials logged, None if unknown.
    `places` has what toggles act on in a script, with the lines (analysis/places).
    """
    outcomes = sorted(outcomes, key=lambda o: o.number)
    table = Table.of(outcomes, target.budget_steps)
    if question is None:
        question = Question.BREAK if table.is_mostly_converged(table.base) else Question.RESTORE
    overrides = {Toggle(axis.name, level.name): level.overrides for axis in axes for level in axis.levels}
    left_out = {each.toggle for each in inert}
    comparisons = compare_toggles(table, [toggle for toggle in overrides if toggle not in left_out])
    effects = build_effects(table, comparisons, question, overrides)
    passed = passing_sets(table, effects, question)
    needed = find_necessities(table, passed, question)
    effects = [_completed(effect, needed.get(effect.toggle), outcomes) for effect in effects]
    effects = [replace(effect, where=(places or {}).get(effect.toggle, "")) for effect in effects]
    effects += inert_effects(inert, len(effects) + 1)
    repairs = build_repairs(table, passed, question, overrides)
    base = _base(table, outcomes)
    searched = _searched(outcomes, target, overrides)
    chosen = choose(question, repairs, searched, effects)
    unlogged = "" if logged is None else unlogged_sentences(outcomes, target, logged)
    said = search_answer(outcomes, searched[0]) if searched else answer(
        outcomes, question, base, effects, repairs, unlogged
    )  # fmt: skip
    return Ranking(
        question=question,
        base=base,
        effects=tuple(effects),
        repairs=tuple(repairs),
        interactions=tuple(find_interactions(table)),
        cells=_cells(table, outcomes),
        cost=_cost(outcomes, target, wall_s),
        answer=with_checks(said, outcomes),
        notes=_notes(table, outcomes, effects, "" if logged is None else loss_note(target, logged)),
        recommended=chosen.overrides,
        ties=chosen.ties,
        choice_reason=chosen.reason,
        searched=searched,
    )


def _completed(effect: Effect, necessity: Proportion | None, outcomes: Sequence[Outcome]) -> Effect:
    """Return an effect with its necessity, and why its trials have no verdict; it is open if all of them are."""
    mine = [o for o in outcomes if o.cell.toggles == {effect.toggle} and not o.cell.params]
    if mine and all(o.is_open for o in mine):
        return replace(effect, necessity=necessity, is_open=True, note="")
    why = why_silent(mine)
    return replace(effect, necessity=necessity, note=f"its trials have no verdict: {why}" if why else effect.note)


def _base(table: Table, outcomes: Sequence[Outcome]) -> BaseSummary:
    """Return the summary of the base: seeds with a verdict, and symptoms of at least half of its trials.

    The most telling symptoms come first.
    """
    mine = [o for o in outcomes if o.cell.is_base]
    found = table.proportion(table.base)
    words = Counter(str(o.verdict) for o in mine if o.is_evidence) or Counter(str(o.verdict) for o in mine)
    earliest: dict[tuple[str, str], Symptom] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in mine:
        counts.update({(s.rule, s.subject) for s in outcome.symptoms})
        for symptom in outcome.symptoms:
            key = symptom.rule, symptom.subject
            if key not in earliest or symptom.step < earliest[key].step:
                earliest[key] = symptom
    common = [earliest[key] for key, count in counts.items() if 2 * count >= len(mine)]
    base = BaseSummary(
        seeds=found.trials,
        converged=found.converged,
        verdict=min(words, key=lambda word: (-words[word], word), default=str(Verdict.UNDECIDED)),
        symptoms=tuple(sorted(common, key=lambda s: (urgency(s.rule, s.metric), s.step, s.rule, s.metric))),
    )
    return replace(base, exceptions=exceptions(mine, base))


def _cells(table: Table, outcomes: Sequence[Outcome]) -> tuple[CellSummary, ...]:
    words: dict[Cell, Counter[str]] = {cell: Counter() for cell in table.cells}
    for outcome in outcomes:
        if not outcome.is_open:
            words[outcome.cell][_word(outcome)] += 1
    order = sorted(
        range(len(table.cells)), key=lambda row: (len(table.cells[row].toggles), bool(table.cells[row].params), row)
    )
    return tuple(
        CellSummary(
            cell=table.cells[row],
            outcome=table.proportion(row),
            verdicts=tuple(sorted(words[table.cells[row]].items(), key=lambda item: (-item[1], item[0]))),
            median_tau=table.median(row),
        )
        for row in order
    )


def _word(outcome: Outcome) -> str:
    """Return the verdict; without evidence, the failure class if there is one."""
    if outcome.is_evidence:
        return str(outcome.verdict)
    return str(outcome.failure or outcome.verdict)


def _cost(outcomes: Sequence[Outcome], target: Target, wall_s: float | None) -> Cost:
    """Return the cost of the study so far; reused trials count as trials, but cost nothing."""
    ran = [o for o in outcomes if not o.reused]
    steps = sum(o.steps for o in ran)
    return Cost(
        trials=sum(not o.is_open for o in outcomes),
        planned=len(outcomes),
        steps=steps,
        base_run_equivalents=steps / target.budget_steps,
        wall_s=sum(o.wall_s for o in ran) if wall_s is None else wall_s,
        reused=len(outcomes) - len(ran),
    )


def _notes(table: Table, outcomes: Sequence[Outcome], effects: Sequence[Effect], on_loss: str) -> tuple[str, ...]:
    notes = [on_loss] if on_loss else []
    silent = [o for o in outcomes if not o.is_evidence and not o.is_open]
    still_open = [o for o in outcomes if o.is_open]
    if still_open:
        have = "has" if len(still_open) == 1 else "have"
        about = share_text(len(still_open), len(outcomes), "trial")
        notes.append(f"{about} {have} no verdict yet: {silent_counts(still_open)}.")
    if silent:
        give = "gives" if len(silent) == 1 else "give"
        about = share_text(len(silent), len(outcomes), "trial")
        notes.append(f"{about} {give} no evidence about convergence: {silent_counts(silent)}.")
    if table.base is None and any(e.p_value is None for e in effects):
        notes.append("The design has no base cell, so nothing is compared with the task as configured.")
    if (
        any(o.is_evidence for o in outcomes)
        and len(table.seeds) < 4
        and any(e.status is EffectStatus.UNDECIDED for e in effects)
    ):
        seeds = count_text(len(table.seeds), "seed")
        notes.append(f"With {seeds} no exact test against the base can pass; at least 4 are needed.")
    return tuple(notes)


def _searched(
    outcomes: Sequence[Outcome], target: Target, overrides: Mapping[Toggle, tuple[str, ...]]
) -> tuple[SearchedPoint, ...]:
    """Return the best trials of a search over params: converged first, then fewest steps, then best metric."""
    sign = -1.0 if target.mode is Mode.MAX and target.threshold is not None else 1.0

    def key(o: Outcome) -> tuple[bool, float, float, int]:
        soonest = float(target.budget_steps if o.tau is None else o.tau)
        return not o.converged, soonest, float("inf") if o.best is None else sign * o.best, o.number

    def point(o: Outcome) -> SearchedPoint:
        changes = [text for toggle in o.cell.sorted_toggles for text in overrides.get(toggle, ())]
        return SearchedPoint(
            number=o.number,
            cell=o.cell,
            seed=o.seed,
            verdict=str(o.verdict),
            tau=o.tau,
            best=o.best,
            overrides=(*changes, *(f"{name}={value}" for name, value in o.cell.params)),
        )

    if not any(o.cell.params for o in outcomes):
        return ()
    judged = [o for o in outcomes if o.is_evidence and o.verdict is not Verdict.DIVERGED]
    return tuple(point(o) for o in sorted(judged, key=key)[:SHOWN_POINTS])
