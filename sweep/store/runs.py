"""Queries on runs: the attempts to execute a trial. The caller holds the transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from sweep.domain.states import FINISHED_STATES, LIVE_STATES, FailureClass, TrialState
from sweep.domain.trial import RunRecord
from sweep.domain.verdict import Judgement
from sweep.errors import NotFoundError, TransitionError
from sweep.store import trials as trial_queries
from sweep.store.prepared import Prepared
from sweep.store.records import ProcessColumns, run_record
from sweep.store.schema import runs, trials

PROCESS_COLUMNS = tuple(ProcessColumns.__annotations__)

_NO_PROCESS = dict.fromkeys(PROCESS_COLUMNS)
_HAS_PROCESS = LIVE_STATES | {TrialState.PAUSED}
_LIVE = [state.value for state in _HAS_PROCESS]
_BY_ID = select(runs).where(runs.c.id == bindparam("run_id"))
_STATE = Prepared(select(runs.c.state, runs.c.trial_id).where(runs.c.id == bindparam("run_id")))
_LAST_ATTEMPT = Prepared(select(func.max(runs.c.attempt)).where(runs.c.trial_id == bindparam("trial_id")))
_ADD = Prepared(
    insert(runs), ("trial_id", "attempt", "token", "dir", "state", "started_at", "last_step", "ingested_bytes")
)
_SWAP = Prepared(
    update(runs)
    .where(runs.c.id == bindparam("run_id"), runs.c.state == bindparam("old"))
    .values(state=bindparam("new"))
)
_LEARNT = {
    name: func.coalesce(bindparam(f"new_{name}", type_=runs.c[name].type), runs.c[name]) for name in PROCESS_COLUMNS
}
_STARTED = Prepared(update(runs).where(runs.c.id == bindparam("run_id")).values(_LEARNT))
_END = Prepared(
    update(runs)
    .where(runs.c.id == bindparam("run_id"), runs.c.state == bindparam("old"))
    .values(
        state=bindparam("new"),
        **{
            name: bindparam(f"new_{name}")
            for name in ("exit_code", "failure", "message", "stop_reason", "wall_s", "last_step", "ended_at")
        },
        **_LEARNT,
    )
)


def begin(
    conn: Connection,
    trial_id: int,
    folder: str,
    *,
    token: str,
    at: datetime,
    was: TrialState = TrialState.PENDING,
) -> RunRecord:
    """Record the intent to run a pending trial: a new attempt with its token, run and trial `launching`.

    `was` is paused for a paused trial whose process is gone. Raises NotFoundError, and TransitionError if the trial is
    in another state.
    """
    trial_queries.swap(conn, trial_id, was, TrialState.LAUNCHING, note="run begins", at=at)
    last = _LAST_ATTEMPT.first(conn, {"trial_id": trial_id})
    attempt = ((last and last[0]) or 0) + 1
    row = {
        "trial_id": trial_id,
        "attempt": attempt,
        "token": token,
        "dir": folder,
        "state": TrialState.LAUNCHING.value,
        "started_at": at,
        "last_step": 0,
        "ingested_bytes": 0,
    }
    return RunRecord(
        id=_ADD.add(conn, row),
        trial_id=trial_id,
        attempt=attempt,
        dir=folder,
        state=TrialState.LAUNCHING,
        host=None,
        pid=None,
        pid_started_at=None,
        device=None,
        exit_code=None,
        failure=None,
        message=None,
        stop_reason=None,
        started_at=at,
        ended_at=None,
        wall_s=None,
        ingested_bytes=0,
        token=token,
    )


def row_of(conn: Connection, run_id: int) -> Row[Any]:
    """Return the row of a run. Raises NotFoundError."""
    row = conn.execute(_BY_ID, {"run_id": run_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no run with id {run_id}")
    return row


def started(conn: Connection, run_id: int, process: ProcessColumns) -> None:
    """Record what is known about how a run was launched (PROCESS_COLUMNS); None changes nothing. Raises
    NotFoundError."""
    columns = {f"new_{name}": value for name, value in {**_NO_PROCESS, **process}.items()}
    if _STARTED.change(conn, {"run_id": run_id, **columns}) != 1:
        raise NotFoundError(f"there is no run with id {run_id}")


def mark_running(conn: Connection, run_id: int, *, at: datetime) -> None:
    """Change a launching run and its trial to running.

    Raises NotFoundError, and TransitionError if the run or its trial is not launching (another writer).
    """
    old, trial_id = live_state(conn, run_id, TrialState.RUNNING)
    if old is TrialState.PAUSED:
        raise TransitionError(f"run {run_id} of trial {trial_id} is paused: use continue_run")
    trial_queries.swap(conn, trial_id, old, TrialState.RUNNING, note="", at=at)
    swap(conn, run_id, old, TrialState.RUNNING)


def swap(conn: Connection, run_id: int, old: TrialState, new: TrialState) -> None:
    """Change the state of a run alone, not its trial's. Raises TransitionError if it is not in state `old`."""
    _change(conn, run_id, old, new, _SWAP, {})


def end_paused(
    conn: Connection,
    run_id: int,
    state: TrialState,
    *,
    failure: FailureClass | None,
    message: str | None,
    at: datetime,
) -> None:
    """End the run of a paused trial, which stays paused. Raises TransitionError."""
    ended = {"state": state.value, "failure": None if failure is None else failure.value, "message": message}
    is_paused = (runs.c.id == run_id) & (runs.c.state == TrialState.PAUSED.value)
    if conn.execute(update(runs).where(is_paused).values(ended_at=at, **ended)).rowcount != 1:
        raise TransitionError(f"run {run_id} is not paused; not changed to {state}")


def end(
    conn: Connection,
    run_id: int,
    state: TrialState,
    columns: Mapping[str, Any],
    judgement: Judgement | None,
    *,
    at: datetime,
) -> None:
    """End a live run and its trial in `state`, and judge the trial.

    `columns` are exit_code, failure, message, stop_reason, wall_s, last_step and ended_at, and those of its process if
    they are not recorded yet. Raises NotFoundError, and TransitionError if `state` does not end a run, the run is not
    live, the table forbids the change, or run and trial are not in the same state (another writer).
    """
    if state not in FINISHED_STATES:
        raise TransitionError(f"run {run_id} cannot end as {state}")
    note = columns["message"] or columns["stop_reason"] or ""
    old, trial_id = live_state(conn, run_id, state)
    trial_queries.end(conn, trial_id, old, state, judgement, note=note, at=at)
    _change(conn, run_id, old, state, _END, {**_NO_PROCESS, **columns})


def live_state(conn: Connection, run_id: int, new: TrialState) -> tuple[TrialState, int]:
    """Return a live run's state and its trial's id. Raises NotFoundError, and TransitionError if it has ended."""
    found = _STATE.first(conn, {"run_id": run_id})
    if found is None:
        raise NotFoundError(f"there is no run with id {run_id}")
    old, trial_id = TrialState(found[0]), int(found[1])
    if old not in _HAS_PROCESS:
        raise TransitionError(f"run {run_id} of trial {trial_id} has ended ({old}); not changed to {new}")
    return old, trial_id


def _change(
    conn: Connection, run_id: int, old: TrialState, new: TrialState, swap: Prepared, columns: Mapping[str, Any]
) -> None:
    """Change the state of a run, with columns. Raises TransitionError if it is not in state `old` any more."""
    given = {f"new_{name}": value for name, value in columns.items()}
    if swap.change(conn, {"run_id": run_id, "old": old.value, "new": new.value, **given}) != 1:
        raise TransitionError(f"run {run_id}: another writer changed it; not changed to {new}")


def of_trial(conn: Connection, trial_id: int) -> list[RunRecord]:
    """Return a trial's own runs by attempt."""
    query = select(runs).where(runs.c.trial_id == trial_id).order_by(runs.c.attempt)
    return [run_record(row) for row in conn.execute(query)]


def live(conn: Connection, study_id: int) -> list[RunRecord]:
    """Return the runs of a study that are launching, running or paused, by id."""
    query = (
        select(runs)
        .join(trials, trials.c.id == runs.c.trial_id)
        .where(trials.c.study_id == study_id, trials.c.state.in_(_LIVE), runs.c.state.in_(_LIVE))
        .order_by(runs.c.id)
    )
    return [run_record(row) for row in conn.execute(query)]


def latest(conn: Connection, trial_id: int) -> RunRecord | None:
    """Return a trial's last run, the source's if it reuses one, None if it never ran."""
    query = (
        select(runs)
        .join(trials, runs.c.trial_id == func.coalesce(trials.c.source_trial_id, trials.c.id))
        .where(trials.c.id == trial_id)
        .order_by(runs.c.attempt.desc())
        .limit(1)
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else run_record(row)


def devices(conn: Connection, study_id: int) -> set[str]:
    """Return the devices of the runs of a study's trials, except retired trials; reuse is followed."""
    query = (
        select(runs.c.device)
        .join(trials, runs.c.trial_id == func.coalesce(trials.c.source_trial_id, trials.c.id))
        .where(trials.c.study_id == study_id, trials.c.is_current, runs.c.device.is_not(None))
        .distinct()
    )
    return set(conn.execute(query).scalars())


def devices_by_number(conn: Connection, study_id: int) -> dict[int, str]:
    """Return the device of each trial's own latest run by trial number; runs without one are left out."""
    query = (
        select(trials.c.number, runs.c.device)
        .join(runs, runs.c.trial_id == trials.c.id)
        .where(trials.c.study_id == study_id, runs.c.device.is_not(None))
        .order_by(trials.c.number, runs.c.attempt)
    )
    return {row.number: row.device for row in conn.execute(query)}


def latest_of(conn: Connection, trial_ids: Collection[int]) -> dict[int, int]:
    """Return the id of each trial's last run by the trial's id, reuse followed; without trials that never ran."""
    query = (
        select(trials.c.id, runs.c.id)
        .join(runs, runs.c.trial_id == func.coalesce(trials.c.source_trial_id, trials.c.id))
        .where(trials.c.id.in_(trial_ids))
        .order_by(trials.c.id, runs.c.attempt)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def latest_ids(conn: Connection, study_id: int) -> dict[int, int]:
    """Return the id of each trial's last run by trial number, reuse followed.

    Trials that never ran, and retired ones, are left out.
    """
    query = (
        select(trials.c.number, runs.c.id)
        .join(runs, runs.c.trial_id == func.coalesce(trials.c.source_trial_id, trials.c.id))
        .where(trials.c.study_id == study_id, trials.c.is_current)
        .order_by(trials.c.number, runs.c.attempt)
    )
    return {row[0]: row[1] for row in conn.execute(query)}
