"""Pausing and continuing runs: the ends of their slices, and the outcomes of trials in the order of their recording.

The caller holds the transaction.
"""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from sweep.domain.states import FINISHED_STATES, TrialState
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Judgement, Verdict
from sweep.store import outcomes, runs
from sweep.store import trials as trial_queries
from sweep.store.records import cell_of
from sweep.store.schema import events, slices, trials
from sweep.store.schema import runs as runs_table


def pause(conn: Connection, run_id: int, step: int, so_far: Judgement, *, at: datetime) -> None:
    """Pause a running run and its trial at `step`, with the judgement so far in the event's row.

    Raises NotFoundError, and TransitionError if the run is not running, or its trial is not (another writer).
    """
    old, trial_id = runs.live_state(conn, run_id, TrialState.PAUSED)
    note = f"paused at step {step}"
    event_id = trial_queries.swap(conn, trial_id, old, TrialState.PAUSED, note=note, at=at)
    runs.swap(conn, run_id, old, TrialState.PAUSED)
    conn.execute(runs_table.update().where(runs_table.c.id == run_id).values(last_step=step))
    row = {
        "event_id": event_id,
        "step": step,
        "verdict": so_far.verdict.value,
        "tau": so_far.tau,
        "best": so_far.best,
        "final": so_far.final,
    }
    conn.execute(insert(slices), row)


def resume(conn: Connection, run_id: int, until_step: int | None, *, at: datetime) -> None:
    """Record the intent to continue a paused run until a step, or to its end (None).

    Raises NotFoundError, and TransitionError if the run is not paused.
    """
    old, trial_id = runs.live_state(conn, run_id, TrialState.RUNNING)
    note = "continued to its end" if until_step is None else f"continued until step {until_step}"
    trial_queries.swap(conn, trial_id, TrialState.PAUSED, TrialState.RUNNING, note=note, at=at)
    runs.swap(conn, run_id, old, TrialState.RUNNING)
    trial_queries.set_until(conn, trial_id, until_step)


def history(conn: Connection, study_id: int) -> list[Outcome]:
    """Return the outcomes of a study's trials, in the order in which they were recorded.

    These are each end of a slice, as an outcome in state `paused`, and the outcome of each finished trial at its last
    change of state. Trials that wait or run appear only with their slices, retired ones not at all.
    """
    of_study = (trials.c.study_id == study_id) & trials.c.is_current
    found = dict(_parts(conn, study_id))
    last = (
        select(trials.c.number, func.max(events.c.id))
        .join(events, events.c.trial_id == trials.c.id)
        .where(of_study, trials.c.state.in_([state.value for state in FINISHED_STATES]))
        .group_by(trials.c.number)
    )
    ended = {outcome.number: outcome for outcome in outcomes.of_study(conn, study_id)}
    found.update((event_id, ended[number]) for number, event_id in conn.execute(last))
    return [found[event_id] for event_id in sorted(found)]


def abandoned(conn: Connection, study_id: int) -> set[int]:
    """Return the numbers of the trials that were cancelled while paused."""
    cancelled = select(trials.c.id).where(trials.c.study_id == study_id, trials.c.state == TrialState.CANCELLED.value)
    last = select(func.max(events.c.id)).where(events.c.trial_id.in_(cancelled)).group_by(events.c.trial_id)
    query = (
        select(trials.c.number)
        .join(events, events.c.trial_id == trials.c.id)
        .where(
            events.c.id.in_(last),
            events.c.old_state == TrialState.PAUSED.value,
            events.c.new_state == TrialState.CANCELLED.value,
        )
    )
    return set(conn.execute(query).scalars())


def _parts(conn: Connection, study_id: int) -> list[tuple[int, Outcome]]:
    query = (
        select(
            slices.c.event_id,
            trials.c.number,
            trials.c.cell,
            trials.c.seed,
            slices.c.step,
            slices.c.verdict,
            slices.c.tau,
            slices.c.best,
            slices.c.final,
        )
        .join(events, events.c.id == slices.c.event_id)
        .join(trials, trials.c.id == events.c.trial_id)
        .where(trials.c.study_id == study_id, trials.c.is_current)
    )
    return [
        (
            row.event_id,
            Outcome(
                number=row.number,
                cell=cell_of(row.cell),
                seed=row.seed,
                state=TrialState.PAUSED,
                verdict=Verdict(row.verdict),
                tau=row.tau,
                steps=row.step,
                wall_s=0.0,
                best=row.best,
                final=row.final,
            ),
        )
        for row in conn.execute(query)
    ]
