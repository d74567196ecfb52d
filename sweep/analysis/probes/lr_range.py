"""What the range tests of several seeds show together: a range, a point, and the overrides that set it."""

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sweep.analysis.lr_range import CurveReading, Floats, Refusal, read_curve
from sweep.domain.counts import figure_text
from sweep.domain.lr_range import FEWEST_STEPS, LOSSES, RATES
from sweep.domain.probe import ProbeContext, ProbeResult, ProbeTrial

WILD = 30.0
"""Seeds whose points differ by more than this factor (one and a half decades) do not agree."""
FURTHER = 100
"""How much further a range should reach whose end was not far enough."""
RATE_KEYS = ("lr", "learning_rate")
"""Keys of a task that may hold its base learning rate."""
SCALE_KEY = "lr_scale"
NAMES = ("valley", "steep", "low", "high", "diverge")
"""The rates read off a curve (CurveReading)."""

NO_OPTIMIZER = "no_optimizer"
NO_LOSS = "no_loss"
NO_TRIAL = "no_trial"
DISAGREE = "disagree"
FEW_FALL = "few_fall"


def read_probe(trials: Sequence[ProbeTrial], context: ProbeContext) -> ProbeResult:
    """Return range, point and overrides, or why there are none; points of seeds are combined by their median in log."""
    seeds = [_seed(trial) for trial in trials]
    facts: Mapping[str, Any] = next((t.findings for t in trials if t.findings.get("optimizer")), {})
    readable = [row for row in seeds if row["refusal"] is None]
    refusal = _refusal(seeds, readable)
    section: dict[str, Any] = {
        "refusal": refusal,
        **{name: None if refusal else _median(readable, name) for name in NAMES},
        "point": None,
        "overrides": [],
        "spread": _spread(readable),
        "base_lr": facts.get("base_lr"),
        "optimizer": facts.get("optimizer"),
        "scheduler": facts.get("scheduler"),
        "lr_min": float(context.probe.settings["lr_min"]),
        "lr_max": float(context.probe.settings["lr_max"]),
        "trials": seeds,
    }
    if refusal is not None:
        is_ok = refusal not in (NO_OPTIMIZER, NO_LOSS, NO_TRIAL)
        return ProbeResult(is_ok=is_ok, answer=_refusal_words(refusal, section), section=section, notes=_notes(section))
    section["point"] = rounded(float(section["valley"]))
    section["overrides"] = list(overrides_for(section["point"], facts.get("base_lr"), context.task))
    return ProbeResult(
        is_ok=True,
        answer=_answer(section),
        section=section,
        notes=_notes(section),
        overrides=tuple(section["overrides"]),
    )


def overrides_for(rate: float, base_lr: float | None, task: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the overrides with which the task trains at this rate, empty where no key of its sets it.

    `task.lr` where that is the rate its optimizer has; otherwise `task.lr_scale`, which multiplies whatever that is.
    """
    given = task.get(SCALE_KEY)
    scale = 1.0 if given is None else float(given)
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
    """Return a rate with as many digits as it deserves."""
    return float(f"{value:.{digits - 1}e}")


def _seed(trial: ProbeTrial) -> dict[str, Any]:
    """Return what one seed's range test shows, with its curve for drawing."""
    rates, losses = _curve(trial)
    row: dict[str, Any] = {"trial": trial.number, "seed": trial.seed, "message": trial.message}
    if trial.message or not len(losses):
        stepped = bool(trial.findings.get("optimizers"))
        why = NO_TRIAL if not trial.findings else NO_LOSS if stepped else NO_OPTIMIZER
        return {**row, "refusal": why, **_row(None), "rates": [], "losses": [], "smoothed": []}
    reading = read_curve(rates, losses)
    return {
        **row,
        "refusal": None if reading.refusal is None else str(reading.refusal),
        **_row(reading),
        "rates": [rounded(rate, 4) for rate in rates.tolist()],
        "losses": [_figure(loss) for loss in losses.tolist()],
        "smoothed": [_figure(loss) for loss in reading.smoothed.tolist()],
    }


def _row(reading: CurveReading | None) -> dict[str, Any]:
    found = {name: None if reading is None else getattr(reading, name) for name in NAMES}
    return {
        "ending": None if reading is None else str(reading.ending),
        **{name: None if value is None else rounded(value, 4) for name, value in found.items()},
    }


def _curve(trial: ProbeTrial) -> tuple[Floats, Floats]:
    """Return rates and losses of the range test itself; a task that ended by itself has made an attempt before it."""
    rates, losses = trial.series.get(RATES), trial.series.get(LOSSES)
    if rates is None or losses is None:
        return np.zeros(0), np.zeros(0)
    of_test = losses.steps >= int(trial.findings.get("first_step") or 0)
    return np.interp(losses.steps[of_test], rates.steps, rates.values), losses.values[of_test]


def _refusal(seeds: Sequence[Mapping[str, Any]], readable: Sequence[Mapping[str, Any]]) -> str | None:
    if not seeds:
        return NO_TRIAL
    if not readable:
        return str(Counter(row["refusal"] for row in seeds).most_common(1)[0][0])
    if 2 * len(readable) < len(seeds):
        return FEW_FALL
    points = [row["valley"] for row in readable]
    return DISAGREE if max(points) > WILD * min(points) else None


def _median(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Return the median, in the logarithm, of what at least half of the seeds have, None where fewer do."""
    values = [row[name] for row in rows if row[name] is not None]
    if not values or 2 * len(values) < len(rows):
        return None
    return rounded(float(10 ** np.median(np.log10(values))), 4)


def _spread(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    points = [row["valley"] for row in rows]
    if not points:
        return None
    return {"seeds": len(points), "lowest": min(points), "highest": max(points), "factor": max(points) / min(points)}


def _answer(section: Mapping[str, Any]) -> str:
    spread = section["spread"]
    words = (
        f"Suggested learning rate: {section['point']:g}. "
        f"The loss falls at rates from {figure_text(section['low'], 2)} to {figure_text(section['high'], 2)}"
    )
    diverge = section["diverge"]
    words += f" and blows up at {figure_text(diverge, 2)}." if diverge else ", and does not blow up after it."
    if section["base_lr"]:
        words += f" The task has {figure_text(section['base_lr'], 3)}."
    if spread["seeds"] > 1:
        lowest, highest = (figure_text(spread[end], 2) for end in ("lowest", "highest"))
        words += f" {spread['seeds']} seeds say {lowest} to {highest}."
    return words


def _refusal_words(refusal: str, section: Mapping[str, Any]) -> str:
    low, high, seeds = section["lr_min"], section["lr_max"], section["trials"]
    fewest = min((len(row["losses"]) for row in seeds), default=0)
    points = ", ".join(figure_text(row["valley"], 2) for row in seeds if row["valley"] is not None)
    further = shlex.join([f"probe.lr_max={high * FURTHER:g}"])
    return {
        Refusal.NON_FINITE: (
            f"No learning rate can be read off: the loss is NaN or infinite from the start ({low:g}). No rate fixes "
            "that; look at the data, the initial weights and the loss (+check=data)."
        ),
        Refusal.BLOWN_UP: (
            f"No learning rate can be read off: the loss rises within the first {fewest} steps. "
            f"Begin lower (probe.lr_min={low / FURTHER:g}), or take more steps."
        ),
        Refusal.TOO_FEW: (
            f"No learning rate can be read off {fewest} losses: at least {FEWEST_STEPS} are needed. The task must make "
            "more steps, or log its loss more often."
        ),
        Refusal.FLAT: (
            f"No learning rate can be read off: the loss falls clearly at no rate from {low:g} to {high:g}. "
            "Either something else keeps it from falling (strong dropout, labels, data: see +check=all), or its noise "
            "hides a slow fall (more steps show it: probe.steps=500)."
        ),
        Refusal.FALLING: (
            f"The loss still falls at {high:g}, where the range ends: it ends too early to say which rate is best. "
            f"Try {further}."
        ),
        FEW_FALL: (
            f"No learning rate can be read off: the loss falls on {sum(row['refusal'] is None for row in seeds)} of "
            f"{len(seeds)} seeds only. Try more steps (probe.steps=500)."
        ),
        DISAGREE: (
            f"The seeds do not agree on a learning rate: {points}. More steps (probe.steps=500) or more seeds may help."
        ),
        NO_OPTIMIZER: (
            "There is no learning rate to search: the task made no step of a Paddle optimizer, and the range test can "
            "set the rate of no other. Where task.lr is the rate, +search=tpe searches it."
        ),
        NO_LOSS: (
            "No learning rate can be read off: the task steps its optimizer, and shows no loss, neither to "
            "Tensor.backward() nor to run.log(...)."
        ),
        NO_TRIAL: "No range test has come to its end.",
    }[refusal]


def _notes(section: Mapping[str, Any]) -> tuple[str, ...]:
    seeds = section["trials"]
    notes = [f"Seed {row['seed']} failed: {row['message']}" for row in seeds if row["message"]]
    if section["refusal"] is None:
        other = [row for row in seeds if row["refusal"] is not None and not row["message"]]
        if other:
            listed = ", ".join(f"{row['seed']} ({row['refusal'].replace('_', ' ')})" for row in other)
            whose = "it: seed" if len(other) == 1 else "them: seeds"
            notes.append(f"Left out, because nothing can be read off {whose} {listed}.")
        if not section["overrides"]:
            notes.append(
                "The task has no key that sets this rate (task.lr, task.learning_rate or task.lr_scale): "
                "set it in its code."
            )
    return tuple(notes)


def _figure(value: float) -> float:
    return float(f"{value:.5g}")
