"""From a study's data to its document, which summary.json holds (docs/summary.md) and all reports are made from."""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sweep.domain.adaptive import AdaptiveFindings
from sweep.domain.axis import Axis, Cell, Toggle
from sweep.domain.effect import (
    BaseSummary,
    CellSummary,
    Effect,
    Interaction,
    Proportion,
    Question,
    Ranking,
    Repair,
    SearchedPoint,
)
from sweep.domain.json_form import JsonObject, to_json
from sweep.domain.part_words import parts_text
from sweep.domain.script_words import folded
from sweep.domain.smoothing import is_smoothed
from sweep.domain.states import OPEN_STATES
from sweep.domain.target import Target
from sweep.domain.trial import Outcome, StudyRecord
from sweep.domain.verdict import Verdict
from sweep.report.commands import PROGRAM, arguments, fixed_command, key_of, overrides_of, study_command, verb_store
from sweep.report.data import ReportData
from sweep.report.documents import (
    AdaptiveDocument,
    AxisDocument,
    Beside,
    CellDocument,
    Decide,
    InteractionDocument,
    LevelDocument,
    PointDocument,
    RankingDocument,
    RepairDocument,
    SearchDocument,
    ShareDocument,
    StepsDocument,
    SuggestionDocument,
    TargetDocument,
    ToggleDocument,
)
from sweep.report.headings import BaseDocument, CostDocument, Recommended
from sweep.report.phrases import status_word
from sweep.report.symptom_text import described

_JUDGED = frozenset(str(verdict) for verdict in Verdict if verdict is not Verdict.UNDECIDED)

NO_PROVENANCE: JsonObject = {"git_sha": None, "dirty": None, "packages": {}, "host": None, "gpus": []}


def build_document(data: ReportData) -> RankingDocument:
    """Return the document of a study's findings."""
    study, ranking = data.study, data.ranking
    ranks = Counter(effect.rank for effect in ranking.effects)
    return RankingDocument(
        study=study.name,
        task=data.task,
        command=tuple(folded(study.command)),
        question=ranking.question,
        status=study.status,
        created_at=study.created_at.isoformat(timespec="seconds"),
        ended_at=study.ended_at.isoformat(timespec="seconds") if study.ended_at else None,
        answer=ranking.answer,
        notes=ranking.notes,
        target=_target(data.target),
        axes=tuple(_axis(axis) for axis in data.axes),
        base=_base(data),
        toggles=tuple(
            _with_finding(_toggle(effect, ranking.question, ranks[effect.rank] > 1), effect.toggle, ranking.adaptive)
            for effect in ranking.effects
        ),
        repairs=tuple(_repair(repair, ranking.question) for repair in ranking.repairs),
        interactions=tuple(_interaction(interaction) for interaction in ranking.interactions),
        cells=tuple(_cell(cell, data) for cell in ranking.cells),
        search=_search(ranking.searched),
        verdicts=_counts(outcome_word(outcome) for outcome in data.outcomes if not outcome.is_open),
        states=_counts(str(outcome.state) for outcome in data.outcomes),
        recommended=_recommended(data, ranking),
        decide=_decide(data),
        compare=_compare(data),
        cost=_cost(ranking),
        provenance=provenance_of(study, (outcome.seed for outcome in data.outcomes)),
        suggestion=_suggestion(ranking),
        isolate=None if ranking.adaptive is None else _adaptive(ranking.adaptive),
    )


def provenance_of(study: StudyRecord, seeds: Iterable[int]) -> JsonObject:
    """Return the provenance of a study's figures: what its record has, and the seeds of its trials."""
    found = {str(key): to_json(value) for key, value in study.provenance.items()}
    return {**NO_PROVENANCE, **found, "seeds": [*sorted(set(seeds))]}


def outcome_word(outcome: Outcome) -> str:
    """Return the outcome of a trial in one word: its failure class, its verdict, or "done" for a check's trial."""
    if outcome.failure is not None and not outcome.is_evidence:
        return str(outcome.failure)
    return "done" if outcome.is_check else str(outcome.verdict)


def _search(points: Sequence[SearchedPoint]) -> SearchDocument | None:
    """Return the best points of a search, None if the study searched no params."""
    top = tuple(
        PointDocument(
            trial=point.number,
            seed=point.seed,
            verdict=point.verdict,
            steps_to_target=point.tau,
            value=point.best,
            toggles=_names(point.cell.sorted_toggles),
            params=dict(point.cell.params),
            overrides=point.overrides,
        )
        for point in points
    )
    return SearchDocument(top=top) if top else None


def _counts(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _names(toggles: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(toggle) for toggle in toggles)


def _target(target: Target) -> TargetDocument:
    return TargetDocument(
        metric=target.metric,
        mode=target.mode,
        threshold=target.threshold,
        hold=target.hold,
        budget_steps=target.budget_steps,
        stop_early=target.stop_early,
        loss=target.loss,
        smooth_steps=target.smooth_steps if target.metric is None or is_smoothed(target, target.metric) else None,
    )


def _axis(axis: Axis) -> AxisDocument:
    levels = tuple(LevelDocument(level=level.name, overrides=tuple(level.overrides)) for level in axis.levels)
    return AxisDocument(axis=axis.name, levels=levels)


def _base(data: ReportData) -> BaseDocument:
    base: BaseSummary = data.ranking.base
    cell = next((cell for cell in data.ranking.cells if cell.cell.is_base), None)
    axes, knobs = {axis.name for axis in data.axes}, data.study.config.task or None
    return BaseDocument(
        seeds=base.seeds,
        converged=base.converged,
        verdict=base.verdict,
        symptoms=tuple(described(symptom, axes, knobs) for symptom in base.symptoms),
        exceptions=base.exceptions,
        trials=cell.outcome.trials if cell else base.seeds,
        probability=cell.outcome.mean if cell else None,
        interval=_interval(cell.outcome) if cell else None,
        verdicts=dict(cell.verdicts) if cell else {},
        median_steps_to_target=cell.median_tau if cell else None,
    )


def _interval(proportion: Proportion) -> tuple[float, float]:
    return proportion.low, proportion.high


def _share(proportion: Proportion) -> ShareDocument:
    return ShareDocument(
        converged=proportion.converged,
        trials=proportion.trials,
        probability=proportion.mean,
        interval=_interval(proportion),
    )


def _with_finding(document: ToggleDocument, toggle: Toggle, adaptive: AdaptiveFindings | None) -> ToggleDocument:
    """Return a toggle's document with the findings of an adaptive driver on it, unchanged if there are none."""
    found = None if adaptive is None else adaptive.of(toggle)
    if found is None:
        return document
    return replace(document, posterior=found.posterior, verified=found.verified, furthest=found.furthest)


def _adaptive(found: AdaptiveFindings) -> AdaptiveDocument:
    return AdaptiveDocument(
        p_single=found.p_single,
        p_pair=found.p_pair,
        pairs_tried=found.pairs_tried,
        pairs=found.pairs,
        questions=found.questions,
        bre=found.bre,
        base=found.base,
    )


def _suggestion(ranking: Ranking) -> SuggestionDocument | None:
    found = ranking.suggestion
    if found is None:
        return None
    return SuggestionDocument(diff=found.diff, by_hand=tuple(parts_text([part]) for part in found.left))


def _toggle(effect: Effect, question: Question, is_tied: bool) -> ToggleDocument:
    steps, share = effect.steps_to_target, effect.sufficiency
    word = status_word(
        effect.status, question, share.trials, makes_diverge=effect.makes_diverge, is_open=effect.is_open
    )
    return ToggleDocument(
        toggle=str(effect.toggle),
        axis=effect.toggle.axis,
        level=effect.toggle.level,
        rank=effect.rank,
        tied=is_tied,
        status=effect.status,
        word=word,
        trials=share.trials,
        converged=share.converged,
        diverged=effect.diverged,
        makes_diverge=effect.makes_diverge,
        repair_probability=share.mean,
        interval=_interval(share),
        necessity=_share(effect.necessity) if effect.necessity else None,
        p_value=effect.p_value,
        p_adjusted=effect.p_adjusted,
        test=effect.test,
        steps_to_target=StepsDocument(
            median=steps.median, base=steps.base_median, saved=steps.saved, p_value=steps.p_value
        ),
        more_seeds=effect.more_seeds,
        seeds=effect.seeds,
        note=effect.note,
        overrides=effect.overrides,
        where=effect.where,
    )


def _repair(repair: Repair, question: Question) -> RepairDocument:
    """Return a repair's document; if the base converges, `probability` is that of breaking it: 1 - converging."""
    outcome = repair.outcome
    probability, interval = outcome.mean, _interval(outcome)
    if question is Question.BREAK:
        probability, interval = 1 - outcome.mean, (1 - outcome.high, 1 - outcome.low)
    return RepairDocument(
        toggles=_names(repair.toggles),
        probability=probability,
        interval=interval,
        verified=repair.verified,
        converged=outcome.converged,
        seeds=outcome.trials,
        p_value=repair.p_value,
        overrides=repair.overrides,
    )


def _interaction(interaction: Interaction) -> InteractionDocument:
    return InteractionDocument(
        toggles=_names(interaction.toggles),
        value=interaction.value,
        interval=(interaction.low, interaction.high),
        seeds=interaction.seeds,
    )


def _cell(cell: CellSummary, data: ReportData) -> CellDocument:
    return CellDocument(
        cell=cell.cell.key,
        toggles=_names(cell.cell.sorted_toggles),
        converged=cell.outcome.converged,
        trials=cell.outcome.trials,
        interval=_interval(cell.outcome),
        verdicts=dict(cell.verdicts),
        median_steps_to_target=cell.median_tau,
        overrides=cell_overrides(cell.cell, data),
    )


def _recommended(data: ReportData, ranking: Ranking) -> Recommended:
    return Recommended(
        overrides=ranking.recommended,
        command=fixed_command(data.study, ranking.recommended) if ranking.recommended else None,
        ties=ranking.ties,
        reason=ranking.choice_reason,
    )


def _cost(ranking: Ranking) -> CostDocument:
    cost = ranking.cost
    return CostDocument(
        trials=cost.trials,
        planned=cost.planned,
        steps=cost.steps,
        base_run_equivalents=cost.base_run_equivalents,
        wall_s=cost.wall_s,
        reused=cost.reused,
    )


def cell_overrides(cell: Cell, data: ReportData) -> tuple[str, ...]:
    """Return the Hydra overrides that make this cell from the base."""
    return overrides_of(cell, data.axes, data.cell_overrides)


def _compare(data: ReportData) -> Beside | None:
    """Return the study whose name this one could not take, and the command that compares the two; else None."""
    before = data.study.config.compare_with
    if before is None:
        return None
    words = shlex.join([*PROGRAM, "compare", before, data.study.name])
    return Beside(name=before, command=words + verb_store(data.study))


def _decide(data: ReportData) -> Decide | None:
    """Return the number of seeds, and the command, that would decide if outcomes stay in the same proportions.

    None if trials are still to run: they may decide.
    """
    if any(outcome.state in OPEN_STATES for outcome in data.outcomes):
        return None
    more = max((effect.more_seeds or 0 for effect in data.ranking.effects), default=0)
    seeds = sorted({outcome.seed for outcome in data.outcomes})
    if not more or not seeds:
        return None
    is_list = any(key_of(word) == "seeds" and "[" in word for word in arguments(data.study.command))
    if seeds == list(range(len(seeds))) and not is_list:
        setting = f"seeds={len(seeds) + more}"
    else:
        wanted = [*seeds, *range(seeds[-1] + 1, seeds[-1] + 1 + more)]
        setting = f"seeds=[{','.join(map(str, wanted))}]"
    return Decide(seeds=len(seeds) + more, command=study_command(data, [setting]))
