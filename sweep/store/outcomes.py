"""Outcomes: the table of a study that the analysis uses, in three queries for any number of trials."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from sweep.domain.kinds import StudyKind
from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import FINISHED_STATES, TrialState
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Symptom, Verdict
from sweep.errors import NotFoundError
from sweep.store.records import FIRST_RULES, cell_of, failure_of
from sweep.store.schema import runs, studies, trials
from sweep.store.trials import symptoms_of, symptoms_of_study

_TRIALS = select(
    trials.c.id,
    trials.c.number,
    trials.c.cell,
    trials.c.seed,
    trials.c.state,
    trials.c.source_trial_id,
    trials.c.verdict,
    trials.c.reason,
    trials.c.tau,
    trials.c.last_step,
    trials.c.best,
    trials.c.final,
    trials.c.rules_version,
    studies.c.kind,
).join(studies, studies.c.id == trials.c.study_id)
_RUNS = select(trials.c.id, runs.c.last_step, runs.c.wall_s, runs.c.failure, runs.c.message).join(
    runs, runs.c.trial_id == func.coalesce(trials.c.source_trial_id, trials.c.id)
)


def of_study(conn: Connection, study_id: int) -> list[Outcome]:
    """Return the outcome of every trial that is not retired, by number."""
    which = and_(trials.c.study_id == study_id, trials.c.is_current)
    return _outcomes(conn, which, symptoms_of_study(conn, study_id))


def of_trial(conn: Connection, trial_id: int) -> Outcome:
    """Return one trial's outcome. Raises NotFoundError."""
    found = _outcomes(conn, trials.c.id == trial_id, {trial_id: symptoms_of(conn, trial_id)})
    if not found:
        raise NotFoundError(f"there is no trial with id {trial_id}")
    return found[0]


def _outcomes(conn: Connection, which: ColumnElement[bool], symptoms: dict[int, tuple[Symptom, ...]]) -> list[Outcome]:
    last_runs = {row[0]: row for row in conn.execute(_RUNS.where(which).order_by(runs.c.attempt))}
    rows = conn.execute(_TRIALS.where(which).order_by(trials.c.number))
    return [_outcome(row, last_runs.pop(row[0], None), symptoms.get(row[0], ())) for row in rows]


def _outcome(trial: Sequence[Any], run: Sequence[Any] | None, symptoms: tuple[Symptom, ...]) -> Outcome:
    _, number, cell, seed, state_text, source, verdict, reason, tau, judged_step, best, final, rules, kind = trial
    state = TrialState(state_text)
    steps, wall_s, failure, message = 0, None, None, None
    if run is not None:
        _, steps, wall_s, failure, message = run
    return Outcome(
        number=number,
        cell=cell_of(cell),
        seed=seed,
        state=state,
        verdict=Verdict.UNDECIDED if verdict is None else Verdict(verdict),
        tau=tau,
        steps=max(steps, judged_step or 0),
        wall_s=wall_s or 0.0,
        best=best,
        final=final,
        symptoms=symptoms,
        # A trial that waits for its next attempt has not failed, even if the last attempt did.
        failure=failure_of(failure) if state in FINISHED_STATES else None,
        reason=reason or (message if state in FINISHED_STATES else None) or "",
        reused=source is not None,
        rules_version=RULES_VERSION if verdict is None else rules or FIRST_RULES,
        is_check=verdict is not None and StudyKind(kind).is_check,
    )
