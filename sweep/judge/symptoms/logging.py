"""What a task logs: steps that are not optimizer steps, a metric in another unit than its target, missing results.

The cause is the task's code or the target, never a setting that a toggle could test.
"""

import re

import numpy as np

from sweep.domain.facts import LATE, RETURNED, STEPS
from sweep.domain.metric import Series, is_loss
from sweep.domain.metric_names import WATCH
from sweep.domain.states import StopReason
from sweep.domain.steps import CORRECTED, StepFinding, StepKind, findings_of
from sweep.domain.symptoms import LOGGING_RULES
from sweep.domain.target import HOLD_EVALUATIONS, Mode
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, as_float, finite, make_symptom

_SHARES = frozenset(
    {"acc", "accuracy", "top1", "top5", "auc", "auroc", "f1", "precision", "recall", "iou", "miou", "dice", "map"}
)
"""Words in the name of a metric that is a share, from 0 to 1 or in percent, higher being better."""

PERCENT = 100.0
_HOW = "log at optimizer steps: run.log(step, ...)"


def steps(evidence: Evidence) -> list[Symptom]:
    """Return series whose steps are not optimizer steps: findings of the step clock, and of the whole run.

    `value` is the last logged step, `threshold` its position or the budget.
    """
    found: dict[tuple[object, ...], list[StepFinding]] = {}
    for finding in findings_of(evidence.facts.get(STEPS)):
        is_one = finding.kind in (StepKind.RESTARTS, StepKind.BACK)
        key = (finding.kind,) if is_one else (finding.kind, finding.first, finding.last, finding.at_last)
        found.setdefault(key, []).append(finding)
    symptoms = [*_late(evidence), *(_of_clock(together, evidence) for together in found.values())]
    return [*symptoms, *(_beyond(evidence) if symptoms else _of_whole_run(evidence) or _beyond(evidence))]


def _late(evidence: Evidence) -> list[Symptom]:
    """Return that the deciding metric was logged only after the budget was used up."""
    step, budget = as_float(evidence.facts.get(LATE, 0)), evidence.target.budget_steps
    name = evidence.target.named_decider
    if not step > budget or name is None or evidence.state.evaluations:
        return []
    text = (
        f"{name} is logged only at step {step:,.0f}, beyond the budget of {budget:,}: "
        f"log it at step {budget:,} at the latest"
    )
    return [make_symptom("steps", name, int(step), step, budget, text)]


def _of_clock(together: list[StepFinding], evidence: Evidence) -> Symptom:
    """Return the symptom of series with the same finding."""
    one = min(together, key=lambda f: (f.series != evidence.state.metric, f.series))
    first, last, at_first, at_last = (f"{n:,}" for n in (one.first, one.last, one.at_first, one.at_last))
    more = len(together) - 1
    name = f"{one.series}{f' (and {more} more)' if more else ''}"
    where = f"at step {first}" if one.first == one.last else f"at steps {first} to {last}"
    run = f"is at {at_first}" if one.at_first == one.at_last else f"goes from {at_first} to {at_last}"
    counted = "each point is placed at the step reached"
    match one.kind:
        case StepKind.BEHIND:
            text = f"{name} is logged {where} while {one.leader} {run} (by epoch?): {counted}"
        case StepKind.BEHIND_OPTIMIZER:
            text = f"{name} is logged {where} while the watched optimizer {run} (by epoch?): {counted}"
        case StepKind.RESTARTS:
            times = "once" if one.times == 1 else f"{one.times} times"
            text = f"the steps of {name} restart {times} (first after {at_first}); counting continues, up to {at_last}"
        case StepKind.RESUMED:
            budget = f"{evidence.target.budget_steps:,}"
            text = f"the first logged step is {first}, beyond the budget of {budget}: steps are counted from there"
        case StepKind.BACK:
            text = f"the steps of {name} go back {one.times} times (first from {first} to {last}): left as logged"
        case StepKind.AHEAD:
            text = (
                f"the logged steps reach {last} while the watched optimizer has made {at_last} "
                "(samples or micro-batches?): left as logged"
            )
    return make_symptom("steps", one.series, one.at_first, one.last, one.at_last, f"{text}; {_HOW}")


def _of_whole_run(evidence: Evidence) -> list[Symptom]:
    """Return what the deciding metric's steps show compared with the budget, in a run that ended by itself."""
    name, budget = evidence.state.metric, evidence.target.budget_steps
    series = evidence.series.get(name or "")
    if name is None or series is None or not len(series) or evidence.is_held:
        return []
    if evidence.ended is not StopReason.RETURNED:
        return []
    first, last = int(series.steps.min()), int(series.steps.max())
    if len(series) >= HOLD_EVALUATIONS and first == last:
        text = f"all {len(series):,} values of {name} are logged at step {first}; {_HOW}"
        return [make_symptom("steps", name, first, last, budget, text)]
    if is_by_epoch(series, budget, evidence.thresholds.epochs_share):
        text = (
            f"only steps {first} to {last:,} of a budget of {budget:,} were logged (epochs?); {_HOW}, or count "
            f"evaluations only: converge.hold={HOLD_EVALUATIONS}"
        )
        return [make_symptom("steps", name, first, last, budget, text)]
    return []


def _beyond(evidence: Evidence) -> list[Symptom]:
    """Return that the task logged a step beyond the budget, further than the next evaluation may be."""
    budget = evidence.target.budget_steps
    own = [series for name, series in evidence.series.items() if len(series) and not name.startswith(WATCH)]
    reached = max((int(series.steps.max()) for series in own), default=0)
    is_whole = evidence.ended in (StopReason.RETURNED, StopReason.BUDGET, StopReason.CONVERGED)
    if not is_whole or reached <= evidence.thresholds.beyond * budget:
        return []
    before = max((int(series.steps[series.steps < reached].max(initial=0)) for series in own), default=0)
    text = (
        f"step {reached:,} was logged{f' after step {before:,}' if before else ''}, beyond the budget of {budget:,}: "
        "pass the number of steps to the task (task.steps: ${converge.budget_steps}), or raise converge.budget_steps"
    )
    name = evidence.state.metric or evidence.target.metric or ""
    return [make_symptom("steps", name, reached, reached, budget, text)]


def is_by_epoch(series: Series, budget: int, share: float) -> bool:
    """Return whether steps rise one by one from 0 or 1 and end at a small fraction of the budget."""
    logged = np.unique(series.steps)
    is_dense = len(logged) >= HOLD_EVALUATIONS and int(logged[-1] - logged[0]) == len(logged) - 1
    return is_dense and int(logged[0]) <= 1 and int(logged[-1]) <= share * budget


def units(evidence: Evidence) -> list[Symptom]:
    """Return a share above 1 for a target of at most 1, one below 1 for a target in percent, or an unlikely mode.

    `value` is the largest logged value, `threshold` the target.
    """
    target, name = evidence.target, evidence.target.metric
    if name is None or target.threshold is None or name not in evidence.series:
        return []
    series = finite(evidence.series[name])
    if not len(series):
        return []
    goal, most = target.threshold, float(series.values.max())
    at = int(series.steps[int(np.argmax(series.values))])
    text = ""
    if is_share(name) and 0 < goal <= 1 < most <= PERCENT:
        text = (
            f"{name} is {most:.4g}, above 1, and its target is {goal:.4g}. If it is in percent, set converge.target="
            f"{goal * PERCENT:.4g}, or log it from 0 to 1"
        )
    elif is_share(name) and 1 < goal <= PERCENT and float(series.values.min()) >= 0 and most <= 1:
        text = (
            f"{name} is at most {most:.4g}, and its target is {goal:.4g}. If that is in percent, set converge.target="
            f"{goal / PERCENT:.4g}, or log it in percent"
        )
    elif target.mode is Mode.MIN and is_share(name):
        text = f"converge.mode=min means that a low {name} is better; for an accuracy or score set converge.mode=max"
    elif target.mode is Mode.MAX and is_loss(name):
        text = f"converge.mode=max means that a high {name} is better; for a loss set converge.mode=min"
    return [make_symptom("units", name, at, most, goal, text)] if text else []


def is_share(metric: str) -> bool:
    """Return whether a metric is a share by its name, such as val/acc or val/f1_macro; error rates are not."""
    words = re.split(r"[^a-z0-9]+", metric.rpartition("/")[2].lower())
    return not _SHARES.isdisjoint(words) and not is_loss(metric) and "error" not in words and "err" not in words


def is_other_unit(symptom: Symptom) -> bool:
    """Return whether a finding of `units` says that the metric cannot be compared with its target."""
    value, goal = symptom.value, symptom.threshold
    return symptom.rule == "units" and (goal <= 1 < value or value <= 1 < goal)


def returned(evidence: Evidence) -> list[Symptom]:
    """Return that the deciding metric was never logged and `train` returned something instead."""
    value = evidence.facts.get(RETURNED)
    if not isinstance(value, str) or evidence.state.evaluations or evidence.state.divergence is not None:
        return []
    name = evidence.target.metric or "loss"
    text = f"train returned {value} and did not log {name}; only logged results count: run.log(step, ...)"
    return [make_symptom("returned", name, 0, 0.0, 0.0, text)]


def doubt(evidence: Evidence, symptoms: tuple[Symptom, ...], *, converged: bool) -> str:
    """Return why no verdict can be given although the metric was logged; empty if one can.

    The metric and its target have different units; or the target was met beyond the budget; or the target was met at
    the last evaluations, and whether it was held depends on steps that cannot be interpreted.
    """
    other = next((s for s in symptoms if is_other_unit(s)), None)
    if other is not None:
        return other.message
    beyond = next((s for s in symptoms if s.rule == "steps" and s.step > evidence.target.budget_steps), None)
    if converged and beyond is not None and (evidence.state.tau or 0) > evidence.target.budget_steps:
        return f"{evidence.state.metric} met its target only beyond the budget: {beyond.message}"
    unread = next((s for s in symptoms if s.rule == "steps" and not _is_corrected(s, evidence)), None)
    if converged or unread is None or not _is_met_at_the_end(evidence):
        return ""
    return f"{evidence.state.metric} meets its target at the last evaluations, but {unread.message}"


def with_messages(reason: str, symptoms: tuple[Symptom, ...]) -> str:
    """Return a verdict's reason with the findings about the logging that it does not contain yet."""
    said = [s.message for s in symptoms if s.rule in LOGGING_RULES and s.message not in reason]
    return "; ".join([reason, *said])


def _is_corrected(symptom: Symptom, evidence: Evidence) -> bool:
    kinds = {f.kind for f in findings_of(evidence.facts.get(STEPS)) if f.series == symptom.metric}
    return bool(kinds) and kinds <= CORRECTED


def _is_met_at_the_end(evidence: Evidence) -> bool:
    state = evidence.state
    series = evidence.series.get(state.metric or "")
    need = evidence.target.hold or HOLD_EVALUATIONS
    if state.level is None or series is None or len(series) < need:
        return False
    last = series.values[-need:]
    return bool(np.all(last >= state.level if state.mode is Mode.MAX else last <= state.level))
