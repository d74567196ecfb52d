"""summary.json: the answer of a study as data, documented key by key in docs/summary.md."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sweep.domain.axis import Axis, Cell
from sweep.domain.effect import CellSummary, Effect, Interaction, Proportion, Question, Repair, SearchedPoint
from sweep.domain.smoothing import is_smoothed
from sweep.domain.states import OPEN_STATES
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.report.commands import PROGRAM, arguments, fixed_command, key_of, overrides_of, study_command, verb_store
from sweep.report.data import ReportData
from sweep.report.phrases import status_word
from sweep.report.seen import told
from sweep.rundir.events import number_text

SCHEMA = 1

_JUDGED = frozenset(str(verdict) for verdict in Verdict if verdict is not Verdict.UNDECIDED)

NO_PROVENANCE: dict[str, Any] = {"git_sha": None, "dirty": None, "packages": {}, "host": None, "gpus": []}


def build_summary(data: ReportData) -> dict[str, Any]:
    """Return the summary as plain data for strict JSON: non-finite numbers are "NaN", "Infinity", "-Infinity"."""
    ranking = data.ranking
    ranks = Counter(effect.rank for effect in ranking.effects)
    summary = {
        "schema": SCHEMA,
        "study": data.study.name,
        "task": data.task,
        "command": list(data.study.command),
        "question": ranking.question,
        "status": data.study.status,
        "created_at": data.study.created_at.isoformat(timespec="seconds"),
        "ended_at": data.study.ended_at.isoformat(timespec="seconds") if data.study.ended_at else None,
        "answer": ranking.answer,
        "notes": list(ranking.notes),
        "target": _target(data),
        "axes": [_axis(axis) for axis in data.axes],
        "base": _base(data),
        "toggles": [_toggle(effect, ranking.question, ranks[effect.rank] > 1) for effect in ranking.effects],
        "repairs": [_repair(repair, ranking.question) for repair in ranking.repairs],
        "interactions": [_interaction(interaction) for interaction in ranking.interactions],
        "cells": [_cell(cell, data) for cell in ranking.cells],
        "search": _search(ranking.searched),
        "verdicts": _counts(outcome_word(outcome) for outcome in data.outcomes if not outcome.is_open),
        "states": _counts(str(outcome.state) for outcome in data.outcomes),
        "recommended": {
            "overrides": list(ranking.recommended),
            "command": fixed_command(data.study, ranking.recommended) if ranking.recommended else None,
            "ties": [list(overrides) for overrides in ranking.ties],
            "reason": ranking.choice_reason,
        },
        "decide": _decide(data),
        "compare": _compare(data),
        "cost": {
            "trials": ranking.cost.trials,
            "planned": ranking.cost.planned,
            "steps": ranking.cost.steps,
            "base_run_equivalents": ranking.cost.base_run_equivalents,
            "wall_s": ranking.cost.wall_s,
            "reused": ranking.cost.reused,
        },
        "provenance": {
            **NO_PROVENANCE,
            **data.study.provenance,
            "seeds": sorted({outcome.seed for outcome in data.outcomes}),
        },
    }
    plain: dict[str, Any] = strict(summary)
    return plain


def is_judged(summary: Mapping[str, Any]) -> bool:
    """Return whether a trial of this study has a verdict. Of a check or a diagnosis, `ok` says so, and this is true."""
    verdicts = summary.get("verdicts")
    return verdicts is None or "toggles" not in summary or any(word in verdicts for word in _JUDGED)


def outcome_word(outcome: Outcome) -> str:
    """Return the one word that says most of a trial: its failure class, its verdict; "done" for a check's."""
    if outcome.failure is not None and not outcome.is_evidence:
        return str(outcome.failure)
    return "done" if outcome.is_check else str(outcome.verdict)


def strict(value: Any) -> Any:
    """Return `value` as what strict JSON can say: text keys, lists, non-finite numbers as names, the rest as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)  # the plain text of an enum member
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return number_text(float(value))
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [strict(item) for item in value]
    return strict(value.item()) if hasattr(value, "item") else str(value)


def _search(points: Sequence[SearchedPoint]) -> dict[str, Any] | None:
    """Return the best points of a search, None where the study searched nothing."""
    top = [
        {
            "trial": point.number,
            "seed": point.seed,
            "verdict": point.verdict,
            "steps_to_target": point.tau,
            "value": point.best,
            "toggles": [str(toggle) for toggle in point.cell.sorted_toggles],
            "params": dict(point.cell.params),
            "overrides": list(point.overrides),
        }
        for point in points
    ]
    return {"top": top} if top else None


def _counts(words: Any) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _target(data: ReportData) -> dict[str, Any]:
    target = data.target
    return {
        "metric": target.metric,
        "mode": target.mode,
        "threshold": target.threshold,
        "hold": target.hold,
        "budget_steps": target.budget_steps,
        "stop_early": target.stop_early,
        "loss": target.loss,
        "smooth_steps": target.smooth_steps if target.metric is None or is_smoothed(target, target.metric) else None,
    }


def _axis(axis: Axis) -> dict[str, Any]:
    levels = [{"level": level.name, "overrides": list(level.overrides)} for level in axis.levels]
    return {"axis": axis.name, "levels": levels}


def _base(data: ReportData) -> dict[str, Any]:
    base = data.ranking.base
    cell = next((cell for cell in data.ranking.cells if cell.cell.is_base), None)
    return {
        "seeds": base.seeds,
        "converged": base.converged,
        "verdict": base.verdict,
        "symptoms": [
            told(symptom, {axis.name for axis in data.axes}, data.study.config.task or None)
            for symptom in base.symptoms
        ],
        "exceptions": list(base.exceptions),
        "trials": cell.outcome.trials if cell else base.seeds,
        "probability": cell.outcome.mean if cell else None,
        "interval": _interval(cell.outcome) if cell else None,
        "verdicts": dict(cell.verdicts) if cell else {},
        "median_steps_to_target": cell.median_tau if cell else None,
    }


def _interval(proportion: Proportion) -> list[float]:
    return [proportion.low, proportion.high]


def _proportion(proportion: Proportion) -> dict[str, Any]:
    return {
        "converged": proportion.converged,
        "trials": proportion.trials,
        "probability": proportion.mean,
        "interval": _interval(proportion),
    }


def _toggle(effect: Effect, question: Question, is_tied: bool) -> dict[str, Any]:
    steps = effect.steps_to_target
    return {
        "toggle": str(effect.toggle),
        "axis": effect.toggle.axis,
        "level": effect.toggle.level,
        "rank": effect.rank,
        "tied": is_tied,
        "status": effect.status,
        "word": status_word(
            effect.status,
            question,
            effect.sufficiency.trials,
            makes_diverge=effect.makes_diverge,
            is_open=effect.is_open,
        ),
        "trials": effect.sufficiency.trials,
        "converged": effect.sufficiency.converged,
        "diverged": effect.diverged,
        "makes_diverge": effect.makes_diverge,
        "repair_probability": effect.sufficiency.mean,
        "interval": _interval(effect.sufficiency),
        "necessity": _proportion(effect.necessity) if effect.necessity else None,
        "p_value": effect.p_value,
        "p_adjusted": effect.p_adjusted,
        "test": effect.test,
        "steps_to_target": {
            "median": steps.median,
            "base": steps.base_median,
            "saved": steps.saved,
            "p_value": steps.p_value,
        },
        "more_seeds": effect.more_seeds,
        "seeds": list(effect.seeds),
        "note": effect.note,
        "overrides": list(effect.overrides),
    }


def _repair(repair: Repair, question: Question) -> dict[str, Any]:
    """A repair; where the base converges, `probability` is that of breaking, the complement of converging."""
    outcome = repair.outcome
    probability, interval = outcome.mean, _interval(outcome)
    if question is Question.BREAK:
        probability, interval = 1 - outcome.mean, [1 - outcome.high, 1 - outcome.low]
    return {
        "toggles": [str(toggle) for toggle in repair.toggles],
        "probability": probability,
        "interval": interval,
        "verified": repair.verified,
        "converged": outcome.converged,
        "seeds": outcome.trials,
        "p_value": repair.p_value,
        "overrides": list(repair.overrides),
    }


def _interaction(interaction: Interaction) -> dict[str, Any]:
    return {
        "toggles": [str(toggle) for toggle in interaction.toggles],
        "value": interaction.value,
        "interval": [interaction.low, interaction.high],
        "seeds": interaction.seeds,
    }


def _cell(cell: CellSummary, data: ReportData) -> dict[str, Any]:
    return {
        "cell": cell.cell.key,
        "toggles": [str(toggle) for toggle in cell.cell.sorted_toggles],
        "converged": cell.outcome.converged,
        "trials": cell.outcome.trials,
        "interval": _interval(cell.outcome),
        "verdicts": dict(cell.verdicts),
        "median_steps_to_target": cell.median_tau,
        "overrides": list(cell_overrides(cell.cell, data)),
    }


def cell_overrides(cell: Cell, data: ReportData) -> tuple[str, ...]:
    """Return the Hydra overrides that make this cell from the base."""
    return overrides_of(cell, data.axes, data.cell_overrides)


def _compare(data: ReportData) -> dict[str, Any] | None:
    """The study that this one could not take the name of, and the command that compares the two; None without one."""
    before = data.study.config.compare_with
    if before is None:
        return None
    words = shlex.join([*PROGRAM, "compare", before, data.study.name])
    return {"with": before, "command": words + verb_store(data.study)}


def _decide(data: ReportData) -> dict[str, Any] | None:
    """The seeds, and the command, that would decide every undecided toggle if they came out like those seen.

    None where trials are still to run: those may decide it.
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
    return {"seeds": len(seeds) + more, "command": study_command(data, [setting])}
