"""What the range tests of several seeds show together: a range, a point, and the overrides that set it."""

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from sweep.analysis.checks.lr_curve import Floats, read_curve
from sweep.domain.checked import CheckContext, CheckResult, CheckTrial
from sweep.domain.lr_range import FEWEST_STEPS, LOSSES, RATES, RangeFindings, RateRange, RateSpread, RateTest, Refusal
from sweep.domain.plural import figure_text

WILD = 30.0
"""Seeds whose points differ by more than this factor (one and a half decades) do not agree."""
FURTHER = 100
"""Factor by which to extend a range that is too short."""
RATE_KEYS = ("lr", "learning_rate")
"""Keys of a task that may hold its base learning rate."""
SCALE_KEY = "lr_scale"


def read_check(trials: Sequence[CheckTrial], context: CheckContext) -> CheckResult:
    """Return range, point and overrides, or why there are none; rates are medians over the seeds, in log."""
    seeds = tuple(_seed(trial) for trial in trials)
    tests = [trial.found(RangeFindings) for trial in trials]
    facts = next((test for test in tests if test is not None and test.optimizer), RangeFindings())
    readable = [row for row in seeds if row.refusal is None]
    refusal = _refusal(seeds, readable)
    found = RateRange(
        refusal=refusal,
        valley=_median(readable, "valley"),
        steep=_median(readable, "steep"),
        low=_median(readable, "low"),
        high=_median(readable, "high"),
        diverge=_median(readable, "diverge"),
        spread=_spread(readable),
        base_lr=facts.base_lr,
        optimizer=facts.optimizer,
        scheduler=facts.scheduler,
        lr_min=context.check.number("lr_min"),
        lr_max=context.check.number("lr_max"),
        trials=seeds,
    )
    if refusal is not None:
        found = replace(found, valley=None, steep=None, low=None, high=None, diverge=None)
        answer = _refusal_text(refusal, found)
        return CheckResult(is_ok=not refusal.is_missing, answer=answer, section=found, notes=_notes(found))
    assert found.valley is not None  # at least half of the seeds have one; otherwise there is a refusal
    point = rounded(found.valley)
    found = replace(found, point=point, overrides=overrides_for(point, found.base_lr, context.task))
    return CheckResult(
        is_ok=True, answer=_answer(found, point), section=found, notes=_notes(found), overrides=found.overrides
    )


def overrides_for(rate: float, base_lr: float | None, task: Mapping[str, object]) -> tuple[str, ...]:
    """Return the overrides with which the task trains at this rate; empty if the task has no key that sets it.

    `task.lr` (or `task.learning_rate`) if it equals the optimizer's rate; otherwise `task.lr_scale`, which multiplies
    the rate.
    """
    given = task.get(SCALE_KEY)
    scale = 1.0 if given is None else float(cast("float", given))
    for key in RATE_KEYS:
        own = task.get(key)
        if base_lr is None or scale != 1.0 or isinstance(own, bool) or not isinstance(own, int | float):
            continue
        if math.isclose(float(own), base_lr, rel_tol=1e-6):
            return (f"task.{key}={rate:g}",)
    if SCALE_KEY in task and base_lr:
        return (f"task.{SCALE_KEY}={rounded(scale * rate / base_lr, 3):g}",)
    return ()


def rounded(value: float, digits: int = 2) -> float:
    """Return a rate rounded to this number of significant digits."""
    return float(f"{value:.{digits - 1}e}")


def _seed(trial: CheckTrial) -> RateTest:
    """Return the result of one seed's range test, with its curve for drawing."""
    rates, losses = _curve(trial)
    row = RateTest(trial=trial.number, seed=trial.seed, message=trial.message)
    if trial.message or not len(losses):
        found = trial.found(RangeFindings)
        if found is None:
            return replace(row, refusal=Refusal.NO_TRIAL)
        return replace(row, refusal=Refusal.NO_LOSS if found.optimizers else Refusal.NO_OPTIMIZER)
    reading = read_curve(rates, losses)
    return replace(
        row,
        refusal=reading.refusal,
        ending=reading.ending,
        valley=_rate(reading.valley),
        steep=_rate(reading.steep),
        low=_rate(reading.low),
        high=_rate(reading.high),
        diverge=_rate(reading.diverge),
        rates=tuple(rounded(rate, 4) for rate in rates.tolist()),
        losses=tuple(_figure(loss) for loss in losses.tolist()),
        smoothed=tuple(_figure(loss) for loss in reading.smoothed.tolist()),
    )


def _rate(value: float | None) -> float | None:
    return None if value is None else rounded(value, 4)


def _curve(trial: CheckTrial) -> tuple[Floats, Floats]:
    """Return rates [T] and losses [T] of the range test, without an earlier attempt that the task ended too soon."""
    rates, losses = trial.series.get(RATES), trial.series.get(LOSSES)
    if rates is None or losses is None:
        return np.zeros(0), np.zeros(0)
    found = trial.found(RangeFindings)
    of_test = losses.steps >= (0 if found is None else found.first_step)
    return np.interp(losses.steps[of_test], rates.steps, rates.values), losses.values[of_test]


def _refusal(seeds: Sequence[RateTest], readable: Sequence[RateTest]) -> Refusal | None:
    if not seeds:
        return Refusal.NO_TRIAL
    if not readable:
        return Counter(row.refusal for row in seeds).most_common(1)[0][0]
    if 2 * len(readable) < len(seeds):
        return Refusal.FEW_FALL
    points = _points(readable)
    return Refusal.DISAGREE if max(points) > WILD * min(points) else None


def _points(rows: Sequence[RateTest]) -> list[float]:
    return [row.valley for row in rows if row.valley is not None]


def _median(rows: Sequence[RateTest], name: str) -> float | None:
    """Return the median, in the logarithm, of a rate that at least half of the seeds have; None if fewer do."""
    values = [value for row in rows if (value := getattr(row, name)) is not None]
    if not values or 2 * len(values) < len(rows):
        return None
    return rounded(float(10 ** np.median(np.log10(values))), 4)


def _spread(rows: Sequence[RateTest]) -> RateSpread | None:
    points = _points(rows)
    if not points:
        return None
    low, high = min(points), max(points)
    return RateSpread(seeds=len(points), lowest=low, highest=high, factor=high / low)


def _answer(found: RateRange, point: float) -> str:
    low, high = (figure_text(rate or 0.0, 2) for rate in (found.low, found.high))
    words = f"Suggested learning rate: {point:g}. The loss falls at rates from {low} to {high}"
    blows_up = f" and blows up at {figure_text(found.diverge, 2)}." if found.diverge else ""
    words += blows_up or ", and does not blow up above that."
    if found.base_lr:
        words += f" The task has {figure_text(found.base_lr, 3)}."
    spread = found.spread
    if spread is not None and spread.seeds > 1:
        words += f" {spread.seeds} seeds suggest {figure_text(spread.lowest, 2)} to {figure_text(spread.highest, 2)}."
    return words


def _refusal_text(refusal: Refusal, found: RateRange) -> str:
    low, high, seeds = found.lr_min, found.lr_max, found.trials
    fewest = min((len(row.losses) for row in seeds), default=0)
    points = ", ".join(figure_text(point, 2) for point in _points(seeds))
    further = shlex.join([f"probe.lr_max={high * FURTHER:g}"])
    return {
        Refusal.NON_FINITE: (
            f"No learning rate can be suggested: the loss is NaN or infinite from the start ({low:g}). No rate fixes "
            "that; check the data, the initial weights and the loss (+check=data)."
        ),
        Refusal.BLOWN_UP: (
            f"No learning rate can be suggested: the loss rises within the first {fewest} steps. "
            f"Start lower (probe.lr_min={low / FURTHER:g}), or take more steps."
        ),
        Refusal.TOO_FEW: (
            f"No learning rate can be suggested from {fewest} losses: at least {FEWEST_STEPS} are needed. The task "
            "must make more steps, or log its loss more often."
        ),
        Refusal.FLAT: (
            f"No learning rate can be suggested: the loss does not clearly fall at any rate from {low:g} to {high:g}. "
            "Either something else keeps it from falling (strong dropout, labels, data: see +check=all), or its noise "
            "hides a slow fall (more steps would show it: probe.steps=500)."
        ),
        Refusal.FALLING: (
            f"The loss still falls at {high:g}, the end of the range, so the best rate may be above it. Try {further}."
        ),
        Refusal.FEW_FALL: (
            "No learning rate can be suggested: the loss falls on only "
            f"{sum(row.refusal is None for row in seeds)} of {len(seeds)} seeds. Try more steps (probe.steps=500)."
        ),
        Refusal.DISAGREE: (
            f"The seeds do not agree on a learning rate: {points}. More steps (probe.steps=500) or more seeds may help."
        ),
        Refusal.NO_OPTIMIZER: (
            "There is no learning rate to test: the task made no step of a Paddle optimizer, and the range test cannot "
            "set the rate of any other. If task.lr is the rate, +search=tpe can search it."
        ),
        Refusal.NO_LOSS: (
            "No learning rate can be suggested: the task steps its optimizer, but passes no loss to "
            "Tensor.backward() or run.log(...)."
        ),
        Refusal.NO_TRIAL: "No range test has finished.",
    }[refusal]


def _notes(found: RateRange) -> tuple[str, ...]:
    notes = [f"Seed {row.seed} failed: {row.message}" for row in found.trials if row.message]
    if found.refusal is None:
        other = [row for row in found.trials if row.refusal is not None and not row.message]
        if other:
            listed = ", ".join(f"{row.seed} ({str(row.refusal).replace('_', ' ')})" for row in other)
            whose = "seed" if len(other) == 1 else "seeds"
            notes.append(f"Left out, because no rate can be suggested from it: {whose} {listed}.")
        if not found.overrides:
            notes.append(
                "The task has no key that sets this rate (task.lr, task.learning_rate or task.lr_scale): "
                "set it in its code."
            )
    return tuple(notes)


def _figure(value: float) -> float:
    return float(f"{value:.5g}")
