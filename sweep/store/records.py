"""Turns rows of the tables into the domain's records."""

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypedDict

from sqlalchemy import Row

from sweep.domain.axis import Cell
from sweep.domain.kinds import StudyKind
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord, TrialSpec
from sweep.domain.verdict import Judgement, Symptom, Verdict
from sweep.store import jsontext

FIRST_RULES = 1
"""Version of the rules of recorded verdicts without a version."""


class Event(NamedTuple):
    """One change of a trial's state."""

    at: datetime
    old: TrialState
    new: TrialState
    note: str


class ProcessColumns(TypedDict, total=False):
    """What is stored about how a run was launched: its launcher's handle, and what is known about its process."""

    handle: str | None
    pid: int | None
    pid_started_at: float | None  # seconds since the epoch
    host: str | None
    device: str | None


def study_record(row: Row[Any]) -> StudyRecord:
    """Return the study of a row of `studies`."""
    return StudyRecord(
        id=row.id,
        name=row.name,
        kind=StudyKind(row.kind),
        task=row.task,
        command=tuple(jsontext.loads(row.command)),
        config=RecordedConfig(jsontext.loads(row.config)),
        provenance=jsontext.loads(row.provenance),
        created_at=row.created_at,
        ended_at=row.ended_at,
        status=row.status,
    )


def trial_record(row: Row[Any], symptoms: tuple[Symptom, ...]) -> TrialRecord:
    """Return the trial of a row of `trials` with the symptoms of its judgement."""
    return TrialRecord(
        id=row.id,
        study_id=row.study_id,
        number=row.number,
        cell=cell_of(row.cell),
        seed=row.seed,
        fingerprint=row.fingerprint,
        overrides=tuple(jsontext.loads(row.overrides)),
        task=jsontext.loads(row.task),
        state=TrialState(row.state),
        source_trial_id=row.source_trial_id,
        judgement=judgement_of(row, symptoms),
        until_step=row.until_step,
    )


def new_trial_record(spec: TrialSpec, *, trial_id: int, study_id: int, number: int) -> TrialRecord:
    """Return the record of a trial that was just added."""
    return TrialRecord(
        id=trial_id,
        study_id=study_id,
        number=number,
        cell=spec.cell,
        seed=spec.seed,
        fingerprint=spec.fingerprint,
        overrides=spec.overrides,
        task=spec.task,
        state=TrialState.PENDING,
        source_trial_id=None,
        judgement=None,
    )


def judgement_of(row: Row[Any], symptoms: tuple[Symptom, ...]) -> Judgement | None:
    """Return the judgement in a row of `trials`, None if there is none yet."""
    if row.verdict is None:
        return None
    return Judgement(
        verdict=Verdict(row.verdict),
        reason=row.reason,
        rule=row.rule,
        tau=row.tau,
        last_step=row.last_step,
        best=row.best,
        final=row.final,
        symptoms=symptoms,
        rules_version=row.rules_version or FIRST_RULES,
    )


def symptom_of(row: Row[Any]) -> Symptom:
    """Return the symptom of a row of `symptoms`."""
    return Symptom(
        rule=row.rule,
        step=row.step,
        value=row.value,
        threshold=row.threshold,
        metric=row.metric,
        message=row.message,
    )


def run_record(row: Row[Any]) -> RunRecord:
    """Return the run of a row of `runs`."""
    return RunRecord(
        id=row.id,
        trial_id=row.trial_id,
        attempt=row.attempt,
        dir=row.dir,
        state=TrialState(row.state),
        host=row.host,
        pid=row.pid,
        pid_started_at=row.pid_started_at,
        device=row.device,
        exit_code=row.exit_code,
        failure=failure_of(row.failure),
        message=row.message,
        stop_reason=row.stop_reason,
        started_at=row.started_at,
        ended_at=row.ended_at,
        wall_s=row.wall_s,
        ingested_bytes=row.ingested_bytes,
        token=row.token,
        handle=row.handle,
    )


def failure_of(text: str | None) -> FailureClass | None:
    """Return the failure class of a column, None for NULL."""
    return None if text is None else FailureClass(text)


def cell_text(cell: Cell) -> str:
    """Return a cell as JSON text, equal for equal cells: `[["dropout=off"], [["task.lr", "0.1"]]]`."""
    return jsontext.dumps([[str(toggle) for toggle in cell.sorted_toggles], cell.params])


@lru_cache(maxsize=4096)  # seeds of one cell share the text, and cells are immutable
def cell_of(text: str) -> Cell:
    """Return the cell that `cell_text` wrote."""
    toggles, params = jsontext.loads(text)
    return Cell(Cell.of(toggles).toggles, tuple((key, value) for key, value in params))
