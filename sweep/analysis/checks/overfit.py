"""The answer of the overfit gate: whether training overfits (memorizes) its few samples, and if not, how it fails."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from sweep.domain.checked import CheckContext, CheckResult, CheckTrial
from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH, is_loss
from sweep.domain.overfit import (
    HALF,
    GateCurve,
    GateState,
    GateTrial,
    GateVerdict,
    OverfitFindings,
    OverfitGate,
    OverfitReport,
    side_of,
)
from sweep.domain.target import Target

CURVE_POINTS = 240
EARLY = 0.95
"""Training that ends by itself before this share of its steps is not judged."""
UNMOVED = 0.01
GROWN = 1.5
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}
AS_A_GUESS = 0.05
"""Relative difference up to which a loss equals that of a guess that knows only how frequent each class is."""
FAR = 2 / 3
"""A loss has come down from far above if its last value is at most this share of its first."""
FLOW = "the fault is in the model, the head, the loss, the labels, the input scale or how the optimizer is called"


def read_check(trials: Sequence[CheckTrial], context: CheckContext) -> CheckResult:
    """Return the verdict of the gate; it is ok if every trial has learnt its samples."""
    steps, fraction = context.check.whole("steps"), context.check.number("loss_fraction")
    rows = tuple(_row(trial, steps, fraction, context.target) for trial in trials)
    learnt = [row for row in rows if row.verdict is GateVerdict.LEARNT]
    return CheckResult(
        is_ok=bool(rows) and len(learnt) == len(rows),
        answer=_answer(rows, learnt, steps),
        section=OverfitReport(
            verdict=_overall(rows),
            steps=steps,
            rule=f"every sample right; without an accuracy or an error, a loss of at most {fraction:.0%} of its first",
            trials=rows,
        ),
        notes=tuple(dict.fromkeys(row.note for row in rows if row.note)),
    )


def _row(trial: CheckTrial, steps: int, fraction: float, target: Target) -> GateTrial:
    state = _replay(trial.series, fraction, target)
    found = trial.found(OverfitFindings) or OverfitFindings()
    verdict = _verdict(trial, found, state, steps)
    return GateTrial(
        trial=trial.number,
        seed=trial.seed,
        verdict=verdict,
        why=_why(trial, found, state, verdict),
        note=_note(state, verdict),
        samples=found.samples,
        classes=found.classes,
        changed=found.changed,
        learnt_at=state.learnt_at if state.learnt_at is not None else state.last_step if state.is_learnt else None,
        last_step=state.last_step,
        metric=state.metric,
        right=state.right,
        loss=state.loss,
        first_loss=state.first_loss,
        loss_part=state.loss_part,
        curves=tuple(_curve(name, trial.series[name]) for name in _shown(trial.series)),
    )


def _replay(series: Mapping[str, Series], fraction: float, target: Target) -> GateState:
    """Return the final state of the gate: the rule that stops a run, applied to what the run logged."""
    at: dict[int, dict[str, float]] = defaultdict(dict)
    for name, points in series.items():
        if is_loss(name) or name == target.named_loss or side_of(name) is not None:
            for step, value in zip(points.steps.tolist(), points.values.tolist(), strict=True):
                at[step][name] = value
    gate = OverfitGate(fraction, target)
    for step in sorted(at):
        gate.update(step, at[step])
    return gate.state()


def _verdict(trial: CheckTrial, found: OverfitFindings, state: GateState, steps: int) -> GateVerdict:
    if found.not_checked:
        return GateVerdict.NOT_CHECKED
    if trial.message:
        return GateVerdict.CRASHED
    if state.is_learnt:
        return GateVerdict.LEARNT
    if state.bad_step is not None:
        return GateVerdict.DIVERGED
    if state.metric is None:
        return GateVerdict.NOTHING_LOGGED
    return GateVerdict.NOT_LEARNT if state.last_step >= EARLY * steps else GateVerdict.ENDED_EARLY


def _why(trial: CheckTrial, found: OverfitFindings, state: GateState, verdict: GateVerdict) -> str:
    """Return how training failed; empty if it did not."""
    if verdict is GateVerdict.NOT_CHECKED:
        return found.not_checked
    if verdict is GateVerdict.CRASHED:
        return trial.message
    if verdict is GateVerdict.DIVERGED:
        return f"values are NaN or infinite from step {state.bad_step} on: too high a learning rate, or an overflow"
    if verdict is GateVerdict.NOT_LEARNT:
        return _how_it_failed(state, found.classes)
    return ""


def _how_it_failed(state: GateState, classes: Sequence[str]) -> str:
    wrong = "" if state.right is None else f"{1 - state.right:.0%} of the samples are still wrong"
    part = state.loss_part
    if part is None and (state.first_loss is None or state.first_loss >= 0):
        return wrong
    if part is None:
        text = "the loss is negative from the start: check its sign (a loss without a lower bound cannot be judged)"
    elif abs(part - 1) <= UNMOVED:
        text = (
            "the loss does not move: look for frozen parameters, a learning rate of 0 or far too high, or a constant "
            "output"
        )
    elif part >= GROWN:
        text = "the loss grows: check its sign and the learning rate"
    elif part <= FAR and _is_guess(part * (state.first_loss or 0.0), classes):
        text = (
            f"the loss falls from {state.first_loss:.3g} to that of a guess: check the input scale, the learning rate, "
            "and how labels reach the loss"
        )
    elif part <= HALF and wrong:
        text = f"the loss falls to {part:.0%} of its first value: check how labels reach the loss and the metric"
    else:
        text = f"the loss falls to {part:.0%} of its first value: check the head, the loss and the learning rate"
    return f"{wrong}; {text}" if wrong else text


def _is_guess(loss: float, classes: Sequence[str]) -> bool:
    """Return whether a cross entropy in nats is that of a guess: the entropy of the samples' classes."""
    shares = [count / len(classes) for count in Counter(classes).values()]
    entropy = -sum(share * math.log(share) for share in shares)
    return entropy > 0 and abs(loss / entropy - 1) <= AS_A_GUESS


def _note(state: GateState, verdict: GateVerdict) -> str:
    if verdict is GateVerdict.LEARNT and state.learnt_at is None and state.loss_part is not None:
        return (
            f"Every sample is right, but the loss stays at {state.loss_part:.0%} of its first value: check that the "
            "loss gets what it expects (is there a softmax before a loss that applies softmax itself?)."
        )
    return ""


def _shown(series: Mapping[str, Series]) -> list[str]:
    names = [name for name in series if not name.startswith(WATCH) and (is_loss(name) or side_of(name) is not None)]
    return sorted(names, key=lambda name: (side_of(name) is not None, name))


def _curve(name: str, series: Series) -> GateCurve:
    """Return a curve for drawing: its finite points, evenly thinned, first and last kept."""
    good = np.isfinite(series.values)
    steps, values = series.steps[good], series.values[good]
    kept = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), CURVE_POINTS)).round().astype(int))
    bad = series.steps[~good]
    return GateCurve(
        metric=name,
        steps=tuple(steps[kept].tolist()),
        values=tuple(values[kept].tolist()),
        bad_step=int(bad.min()) if len(bad) else None,
    )


def _overall(rows: Sequence[GateTrial]) -> GateVerdict:
    """Return the verdict over all trials: the first that is not `learnt`."""
    verdicts = [row.verdict for row in rows]
    bad = (verdict for verdict in verdicts if verdict is not GateVerdict.LEARNT)
    return next(bad, verdicts[0] if verdicts else GateVerdict.NOT_CHECKED)


def _answer(rows: Sequence[GateTrial], learnt: Sequence[GateTrial], steps: int) -> str:
    if not rows:
        return "No trial has ended yet, so nothing is known."
    count = rows[0].samples or 0
    samples = f"{NUMBERS.get(count, f'{count:,}')} sample{'' if count == 1 else 's'}"
    if len(learnt) == len(rows):
        at = max(row.learnt_at or 0 for row in rows)
        if any(row.note for row in rows):
            return f"The model gets {samples} right within {at:,} steps, but its loss stays high (see the note)."
        return f"The model overfits {samples} after {at:,} steps, as it should: model, head, loss and optimizer work."
    row = next(row for row in rows if row.verdict is not GateVerdict.LEARNT)
    among = f" with {len(rows) - len(learnt)} of {len(rows)} seeds" if len(rows) > 1 else ""
    why = f" ({row.why})" if row.why else ""
    match row.verdict:
        case GateVerdict.NOT_CHECKED:
            return f"Not checked whether the model can overfit a few samples: {row.why}."
        case GateVerdict.CRASHED:
            return (
                f"Training on {samples} fails{among}: {row.why}. The check uses them in place of the task's own sets, "
                "so the training must work with sets of any length."
            )
        case GateVerdict.ENDED_EARLY:
            return (
                f"Not decided: the task's training ended by itself after {row.last_step:,} of {steps:,} steps, "
                f"before it had learnt {samples}. Let it train longer: an epoch of few samples is short "
                f"(`probe.length` lists the knobs that the check raises automatically)."
            )
        case GateVerdict.NOTHING_LOGGED:
            return "Not decided: the task logged no loss, accuracy or error."
        case GateVerdict.DIVERGED:
            return f"The model cannot overfit {samples}{among}: its training diverges{why}: {FLOW}."
    return (
        f"The model cannot overfit {samples} within {steps:,} steps{among}: {FLOW}; "
        f"augmentation, regularisation and too little data are unlikely causes.{_sentence(row.why)}"
    )


def _sentence(text: str) -> str:
    return f" {text[:1].upper()}{text[1:]}." if text else ""
