"""Brings a run into the store: what it logged, how it ended, how it is judged."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from sweep.config import StudyConfig
from sweep.domain.check import CHECK_REASON
from sweep.domain.states import FailureClass, StopReason, TrialState
from sweep.domain.target import Target
from sweep.domain.task_ref import environment_of
from sweep.domain.trial import Outcome, RunRecord, TrialRecord
from sweep.domain.verdict import Judgement, Verdict
from sweep.judge import SymptomThresholds, judge
from sweep.launch import Exit, Launched, RunEnded, ending_of
from sweep.rundir import RunDir, read_json
from sweep.store import Store
from sweep.store.records import ProcessColumns
from sweep.study.live import LiveRun


def identity_of(run: RunRecord) -> dict[str, object]:
    """Return what identifies this run in spec.json, whichever database it is recorded in."""
    token = {} if run.token is None else {"token": run.token}  # a run of an earlier version has none
    return {"run_id": run.id, "begun": None if run.started_at is None else run.started_at.isoformat(), **token}


def spec_of(
    config: StudyConfig, trial: TrialRecord, run: RunRecord, code: Mapping[str, str | None]
) -> dict[str, object]:
    """Return the contents of spec.json: all that the worker needs, and all that `rebuild` needs.

    `code` maps the task's files, by path relative to its root, to their digests.
    """
    return {
        "schema": 1,
        **identity_of(run),
        "study": config.name,
        "trial": trial.number,
        "attempt": run.attempt,
        "seed": trial.seed,
        "cell": trial.cell.key,
        "toggles": [str(toggle) for toggle in trial.cell.sorted_toggles],
        "params": [list(pair) for pair in trial.cell.params],
        "overrides": list(trial.overrides),
        "fingerprint": trial.fingerprint,
        "task": dict(trial.task),
        **({"env": env} if (env := environment_of(trial.task)) else {}),
        "code": code,
        "target": _target_mapping(config.target),
        "memory_mb": config.launcher.memory_mb,
        "watch": config.watch,
        **({} if config.check is None else {"probe": config.check.to_mapping()}),
        **({} if trial.until_step is None else {"until_step": trial.until_step}),
    }


@lru_cache(maxsize=8)
def _target_mapping(target: Target) -> dict[str, object]:
    """Return a target as spec.json holds it; it is the same for all trials of a study."""
    return target.to_mapping()


def record_launched(store: Store, run_id: int, launched: Launched) -> None:
    """Record a run's launcher handle, and its process if that is known."""
    store.run_started(run_id, **process_of(launched))


def process_of(launched: Launched) -> ProcessColumns:
    """Return the columns of a run that say how it was launched."""
    started = launched.started
    if started is None:
        return {"handle": launched.handle}
    return {
        "handle": launched.handle,
        "pid": started.pid,
        "pid_started_at": started.pid_started_at,
        "host": started.host,
        "device": started.device,
    }


def ingest(store: Store, live: LiveRun, *, is_over: bool = False) -> None:
    """Move new points from a run's events file into the store, and mark it as running unless it `is_over`."""
    start = live.read_bytes
    points = live.read()
    if live.read_bytes > start:
        live.is_whole = is_over and start == 0
        store.ingest(live.run.id, from_byte=start, to_byte=live.read_bytes, points=points, is_whole=live.is_whole)
    if live.has_started and not live.is_marked_running and not is_over:
        store.mark_running(live.run.id)
        live.is_marked_running = True


def record_end(
    store: Store,
    live: LiveRun,
    ended: RunEnded,
    target: Target,
    *,
    thresholds: SymptomThresholds,
    launched: Launched | None = None,
    is_check: bool = False,
) -> Outcome:
    """Judge a run, record its end and that of its trial, and return the outcome.

    `launched` is how it was launched, if that is not recorded yet. A check is not judged: it did not train towards the
    target.
    """
    reason = StopReason(ended.stop_reason) if ended.stop_reason else None
    judgement = judge(live.series(), target, live.facts, ended=reason, state=ended.state, thresholds=thresholds)
    if is_check:
        judgement = replace(judgement, verdict=Verdict.UNDECIDED, reason=CHECK_REASON, tau=None, symptoms=())
    store.end_run(
        live.run.id,
        state=ended.state,
        exit_code=ended.exit_code,
        failure=ended.failure,
        message=ended.message,
        stop_reason=ended.stop_reason,
        wall_s=ended.wall_s,
        last_step=live.last_step,
        judgement=judgement,
        is_whole=live.is_whole,
        process=None if launched is None else process_of(launched),
    )
    return _outcome(live, ended, judgement, is_check=is_check)


def _outcome(live: LiveRun, ended: RunEnded, judgement: Judgement, *, is_check: bool) -> Outcome:
    """Return the same as `Store.outcome`, without its queries."""
    return Outcome(
        number=live.trial.number,
        cell=live.trial.cell,
        seed=live.trial.seed,
        state=ended.state,
        verdict=judgement.verdict,
        tau=judgement.tau,
        steps=max(live.last_step, judgement.last_step),
        wall_s=ended.wall_s or 0.0,
        best=judgement.best,
        final=judgement.final,
        symptoms=judgement.symptoms,
        failure=ended.failure,
        reason=judgement.reason or ended.message,
        rules_version=judgement.rules_version,
        is_check=is_check,
    )


def write_ending(folder: RunDir, ended: RunEnded, *, is_retried: bool) -> None:
    """Write what only the orchestrator knows into a run's folder, so that the store can be rebuilt from the folders."""
    words: Mapping[str, object] = {
        "schema": 1,
        "state": str(ended.state),
        "failure": None if ended.failure is None else str(ended.failure),
        "exit_code": ended.exit_code,
        "message": ended.message,
        "stop_reason": ended.stop_reason,
        "retried": is_retried,
    }
    with suppress(OSError):  # a full disk is often why it ended; the store, which decides, may be on another one
        folder.write_ending(words)


def read_ending(folder: RunDir, run_id: int) -> tuple[RunEnded, bool]:
    """Return how a run ended and whether its trial was requeued, read from its folder."""
    try:
        words = read_json(folder.ending)
        ended = RunEnded(
            run_id=run_id,
            state=TrialState(words["state"]),
            exit_code=words["exit_code"],
            failure=None if words["failure"] is None else FailureClass(words["failure"]),
            message=str(words["message"]),
            stop_reason=None if words["stop_reason"] is None else str(StopReason(words["stop_reason"])),
            wall_s=(folder.read_result() or {}).get("wall_s"),
        )
        return ended, bool(words["retried"])
    except (OSError, ValueError, KeyError, TypeError):
        return ending_of(run_id, folder, Exit()), False
