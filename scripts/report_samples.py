"""Sample studies for trying the report: simulated curves, judged by simple rules, ranked by the real analysis.

Used by the report's tests and its benchmark; nothing here is a result.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from sweep.analysis import rank
from sweep.domain.axis import Axis, Cell, Level, Toggle
from sweep.domain.inert import InertToggle
from sweep.domain.kinds import StudyKind
from sweep.domain.metric import Series
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome, StudyRecord
from sweep.domain.verdict import Symptom, Verdict
from sweep.plan.designs import DESIGNS
from sweep.report import ReportData
from sweep.report.data import no_dir

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
STARTED = datetime(2026, 3, 2, 9, 30, tzinfo=timezone.utc)

REGULARIZATION = {
    "dropout": {"off": ["task.dropout=0.0"]},
    "weight_decay": {"off": ["task.weight_decay=0.0"]},
    "augmentation": {"off": ["task.augmentation=0.0"]},
}
TWELVE = {
    **REGULARIZATION,
    "init": {"xavier": ["task.init=xavier"], "kaiming": ["task.init=kaiming"]},
    "scheduler": {f: [f"task.scheduler={f}"] for f in ("constant", "cosine", "warmup")},
    "clip": {"on": ["task.clip=1.0"], "off": ["task.clip=null"]},
    "lr": {"x0.1": ["task.lr_scale=0.1"], "x0.01": ["task.lr_scale=0.01"], "x10": ["task.lr_scale=10"]},
    "optimizer": {"adam": ["task.optimizer=adam"]},
    "batch_size": {"x4": ["task.batch_scale=4"], "x0.25": ["task.batch_scale=0.25"]},
    "activation": {"leaky_relu": ["task.activation=leaky_relu"]},
    "input_normalisation": {"standardize_per_feature": ["task.input_norm=standardize"]},
    "loss": {"single_softmax": ["task.loss=single_softmax"], "mean": ["task.loss=mean"]},
}

Fate = Callable[[Cell, int], str]
"""Outcome of a cell on a seed: converged, diverged, stalled, not_converged or crash."""


def axes_of(levels: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[Axis, ...]:
    return tuple(
        Axis(name=name, levels=tuple(Level(name=level, overrides=tuple(words)) for level, words in by_level.items()))
        for name, by_level in levels.items()
    )


def curves_of(fate: str, rng: np.random.Generator, *, points: int = 120, budget: int = 600) -> dict[str, Series]:
    """Return losses and accuracy [points] of a run with this outcome; NaN from the point at which it diverged."""
    steps = np.linspace(budget / points, budget, points).round().astype(np.int64)
    share = steps / budget
    noise = rng.normal(0, 0.03, (3, points))
    if fate == "converged":
        speed = rng.uniform(4, 8)
        acc, loss = 0.97 - 0.87 * np.exp(-speed * share), 2.3 * np.exp(-speed * share * 0.8) + 0.08
    elif fate == "diverged":
        blow = rng.uniform(4, 14)
        acc, loss = np.full(points, 0.1), 2.3 * np.exp(blow * share * rng.uniform(2, 5))
    else:
        ceiling = 0.35 if fate == "stalled" else 0.82
        acc, loss = 0.1 + (ceiling - 0.1) * (1 - np.exp(-3 * share)), 2.3 - (2.3 - 2.4 * (1 - ceiling)) * share**0.5
    values = {
        "train/loss": loss * np.exp(noise[0]),
        "val/loss": loss * 1.1 * np.exp(noise[1]),
        "val/acc": acc + noise[2] / 2,
    }
    if fate == "diverged":
        dead = int(points * rng.uniform(0.2, 0.6))
        for series in values.values():
            series[dead:] = np.nan
    return {name: Series(steps, series.astype(np.float64)) for name, series in values.items()}


def outcome_of(number: int, cell: Cell, seed: int, fate: str, curves: Mapping[str, Series]) -> Outcome:
    budget = TARGET.budget_steps
    if fate == "crash":
        trace = (
            'Traceback (most recent call last):\n  File "train.py", line 41, in train\n    <b>loss</b>.backward()\n' * 3
        )
        return Outcome(
            number=number, cell=cell, seed=seed, state=TrialState.FAILED, verdict=Verdict.UNDECIDED, tau=None,
            steps=0, wall_s=0.4, failure=FailureClass.CRASH, reason=trace + "ValueError: shapes do not match",
        )  # fmt: skip
    acc = curves["val/acc"]
    good = acc.values[np.isfinite(acc.values)]
    reached = np.flatnonzero(acc.values >= 0.9)
    verdict = Verdict(fate)
    if verdict is Verdict.CONVERGED and not len(reached):
        verdict = Verdict.NOT_CONVERGED
    tau = int(acc.steps[reached[0]]) if verdict is Verdict.CONVERGED else None
    symptoms: tuple[Symptom, ...] = ()
    steps = budget
    reason = f"val/acc >= 0.9 not held by step {budget}: best {good.max():.4g} (the budget was used up)"
    if verdict is Verdict.DIVERGED:
        steps = int(acc.steps[np.isnan(acc.values)][0])
        reason = f"train/loss is not finite at step {steps}"
        symptoms = (
            Symptom(
                rule="non_finite", step=steps, value=math.nan, threshold=math.inf, metric="train/loss", message="NaN"
            ),
            Symptom(rule="blow_up", step=steps // 2, value=1.3e4, threshold=2300.0, metric="train/loss"),
        )
    elif verdict is Verdict.STALLED:
        text = "train/loss changes by +0.001 % per 10 steps from step 35 to the end"
        flat = Symptom(rule="flat", step=35, value=-1.034e-5, threshold=0.001, metric="train/loss", message=text)
        symptoms = (flat,)
    elif tau is not None:
        reason = f"val/acc >= 0.9 held for 3 evaluations from step {tau}"
    return Outcome(
        number=number, cell=cell, seed=seed, state=TrialState.COMPLETED, verdict=verdict, tau=tau, steps=steps,
        wall_s=steps * 0.0031, best=float(good.max()), final=float(good[-1]), symptoms=symptoms, reason=reason,
        reused=number % 17 == 16,
    )  # fmt: skip


def study(
    levels: Mapping[str, Mapping[str, Sequence[str]]],
    design: str,
    fate: Fate,
    *,
    seeds: Sequence[int] = range(5),
    name: str = "digits_cnn_overregularised-regularization",
    command: Sequence[str] = ("python", "-m", "sweep", "+ablation=regularization"),
    inert: Sequence[InertToggle] = (),
    curves: Callable[[str, np.random.Generator], dict[str, Series]] = curves_of,
    config: Mapping[str, Any] | None = None,
) -> ReportData:
    """Return a study of these axes; each trial's curve is drawn for its outcome."""
    axes = axes_of(levels)
    rng = np.random.default_rng(0)
    outcomes: list[Outcome] = []
    logged: dict[int, dict[str, Series]] = {}
    for cell in DESIGNS[design](axes):
        for seed in seeds:
            number, what = len(outcomes), fate(cell, seed)
            logged[number] = {} if what == "crash" else curves(what, rng)
            outcomes.append(outcome_of(number, cell, seed, what, logged[number]))
    ranking = rank(outcomes, axes, TARGET, inert=inert)
    record = StudyRecord(
        id=1, name=name, kind=StudyKind.ABLATION, task="digits_cnn_overregularised", command=tuple(command),
        config=RecordedConfig(config or {"task": {"dropout": 0.8, "lr": 0.01}, "seeds": list(seeds)}),
        provenance={"git_sha": "d4d07d6aa01f", "dirty": False, "packages": {"paddlepaddle": "3.3.0", "numpy": "2.4.6"},
                    "host": "bench-01", "gpus": [], "python": "3.11.7", "platform": "Linux",
                    "executable": "python", "folder": "."},
        created_at=STARTED, ended_at=STARTED + timedelta(seconds=131), status="ended",
    )  # fmt: skip
    return ReportData(
        study=record,
        axes=axes,
        target=TARGET,
        ranking=ranking,
        outcomes=tuple(outcomes),
        curves=logged,
        dir_of=lambda outcome: f"results/{name}/trials/{outcome.number}",
    )


def three_axes() -> ReportData:
    """A full factorial in which dropout=off restores convergence, and augmentation=off with weight_decay=off does."""

    def fate(cell: Cell, seed: int) -> str:
        on = {str(toggle) for toggle in cell.toggles}
        if "dropout=off" in on or {"augmentation=off", "weight_decay=off"} <= on:
            return "converged"
        if "augmentation=off" in on:
            return "converged" if seed == 1 else "not_converged"
        return "stalled" if seed % 2 else "not_converged"

    return study(REGULARIZATION, "full_factorial", fate)


def twelve_axes() -> ReportData:
    """One change at a time over twelve axes: a base that diverges, a crash in one cell, long names."""

    def fate(cell: Cell, seed: int) -> str:
        key = cell.key
        if key in ("lr=x0.1", "clip=on") or (key == "scheduler=warmup" and seed < 3):
            return "converged"
        if key == "loss=mean":
            return "crash"
        if key in ("lr=x0.01", "optimizer=adam"):
            return "not_converged"
        return "stalled" if key == "base" and seed == 3 else "diverged"

    inert = (InertToggle.no_knob(Toggle("batch_size", "x0.25"), "task.batch_scale"),)
    command = ("python", "-m", "sweep", "task=digits_cnn", "+ablation=all", "task.lr=0.5", "seeds=5")
    return study(TWELVE, "one_at_a_time", fate, command=command, name="digits_cnn-all", inert=inert)


def sixty_four_cells() -> ReportData:
    """A full factorial of six axes: 64 cells, 128 trials."""
    levels = {name: dict([next(iter(TWELVE[name].items()))]) for name in list(TWELVE)[:6]}

    def fate(cell: Cell, _seed: int) -> str:
        return "converged" if cell.level_of("clip") == "on" else "diverged"

    return study(levels, "full_factorial", fate, seeds=range(2), name="six_axes")


def everything(fate: str) -> ReportData:
    """Every trial has this outcome."""
    return study(REGULARIZATION, "one_at_a_time", lambda _cell, _seed: fate, seeds=range(3), name=f"all_{fate}")


def breaking() -> ReportData:
    """The base converges, and removing one thing breaks it."""
    return study(
        REGULARIZATION,
        "one_at_a_time",
        lambda cell, _seed: "diverged" if cell.key == "weight_decay=off" else "converged",
        seeds=range(6),
        name="what_carries_it",
    )


def search() -> ReportData:
    """A search over two values: forty points, one seed each, no base."""
    draw = np.random.default_rng(3)
    points = [10 ** draw.uniform(-4, 1) for _ in range(40)]
    cells = [Cell(params=(("task.lr", f"{lr:.6g}"), ("task.width", str(draw.integers(8, 256))))) for lr in points]
    fates = ["diverged" if lr > 1 else "converged" if lr > 0.01 else "not_converged" for lr in points]
    made = [curves_of(fate, draw) for fate in fates]
    outcomes = tuple(outcome_of(k, cells[k], 0, fates[k], made[k]) for k in range(40))
    data = breaking()
    return replace(
        data,
        study=replace(data.study, name="digits_mlp-tpe", command=("+search=tpe", "+params.task.lr=interval(1e-4, 10)")),
        axes=(),
        outcomes=outcomes,
        curves=dict(enumerate(made)),
        dir_of=no_dir,
        ranking=rank(outcomes, (), TARGET),
    )


SAMPLES = {
    "three_axes": three_axes,
    "twelve_axes": twelve_axes,
    "sixty_four_cells": sixty_four_cells,
    "all_diverged": lambda: everything("diverged"),
    "all_crashed": lambda: everything("crash"),
    "breaking": breaking,
    "search": search,
}
