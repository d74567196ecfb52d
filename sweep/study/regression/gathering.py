"""Reads the results of a night from recorded studies: runs with their verdicts, and loss digests of a fixed seed."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH, is_loss
from sweep.domain.nights import LossHash, NightRun
from sweep.domain.target import Target
from sweep.domain.trial import Outcome, StudyRecord
from sweep.domain.verdict import Verdict
from sweep.judge import SymptomThresholds
from sweep.store import Store
from sweep.study.rejudging import Rejudge


def runs_of(store: Store, record: StudyRecord) -> tuple[NightRun, ...]:
    """Return the base runs of a study that have ended, by trial number."""
    budget = record.target.budget_steps
    return tuple(
        NightRun(seed=o.seed, tau=o.tau, budget=budget, verdict=word_of(o), trial=f"{record.name}/{o.number}")
        for o in store.outcomes(record.id)
        if o.cell.is_base and (o.verdict is not Verdict.UNDECIDED or o.failure is not None)
    )


def run_again(store: Store, run: NightRun) -> NightRun | None:
    """Return a recorded run judged by the current rules, None if its curves are gone or an earlier rule ended it."""
    if not run.is_evidence:
        return run
    name, _, number = run.trial.rpartition("/")
    study = store.find_study(name)
    found = [] if study is None else [t for t in store.trials(study.id, retired=True) if str(t.number) == number]
    if study is None or not found or found[0].judgement is None:
        return None
    target = study.target
    rejudge = Rejudge(store, target, SymptomThresholds.recorded(study.config.symptoms))
    now = rejudge.again(found[0])
    if now is None or rejudge.was_cut(found[0], now):
        return None
    return replace(run, tau=now.tau, verdict=str(now.verdict))


def word_of(outcome: Outcome) -> str:
    """Return the verdict of a run, or its failure class if it has no verdict because it failed."""
    if outcome.verdict is Verdict.UNDECIDED and outcome.failure is not None:
        return str(outcome.failure)
    return str(outcome.verdict)


def target_text(target: Target) -> str:
    """Return what "converged" means in a study as text; if two are equal, their steps to target can be compared."""
    reached = "the rules for no target" if target.threshold is None else f"{target.mode} {target.threshold:g}"
    hold = "default" if target.hold is None else str(target.hold)
    smooth = "" if target.smooth is None else f", smoothed over {target.smooth:g} steps"
    metric = target.metric or target.loss or "loss"
    return f"{metric} {reached}, hold {hold}, within {target.budget_steps} steps{smooth}"


def hashes_of(store: Store, record: StudyRecord) -> tuple[LossHash, ...]:
    """Return the digest of the losses of each trial of a study that ran without failing."""
    steps = record.target.budget_steps
    found = []
    for trial, outcome in zip(store.trials(record.id), store.outcomes(record.id), strict=True):
        curves = {} if outcome.failure is not None else store.series(trial.id)
        if curves:
            found.append(LossHash(seed=trial.seed, steps=steps, digest=loss_digest(curves)))
    return tuple(found)


def loss_digest(curves: Mapping[str, Series]) -> str:
    """Return a hex digest (16 characters) of the losses' float32 bytes and steps; of all metrics if there is no loss.

    Training frameworks compute in float32: differences below its precision are ignored.
    """
    own = {name: series for name, series in curves.items() if not name.startswith(WATCH)}
    losses = {name: series for name, series in own.items() if is_loss(name)} or own
    state = hashlib.blake2b(digest_size=8)
    for name in sorted(losses):
        series = losses[name]
        state.update(name.encode())
        state.update(np.ascontiguousarray(series.steps, dtype="<i8").tobytes())
        with np.errstate(over="ignore"):
            state.update(np.ascontiguousarray(series.values, dtype="<f4").tobytes())
    return state.hexdigest()
