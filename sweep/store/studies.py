"""Queries on studies. The caller holds the transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from sweep.domain.json_form import JsonObject
from sweep.domain.kinds import StudyKind
from sweep.domain.states import OPEN_STATES, TrialState
from sweep.domain.trial import StudyRecord
from sweep.domain.verdict import Verdict
from sweep.errors import NotFoundError, StoreError, nearest
from sweep.store import jsontext
from sweep.store.records import study_record
from sweep.store.schema import studies, trials

NEWEST_FIRST = (studies.c.active_at.desc(), studies.c.id.desc())


def create(
    conn: Connection,
    *,
    name: str,
    kind: StudyKind,
    task: str,
    command: Sequence[str],
    config: Mapping[str, object],
    provenance: Mapping[str, object],
    at: datetime,
) -> StudyRecord:
    """Add a study with status `running`. Raises StoreError if the name exists."""
    if find(conn, name) is not None:
        raise StoreError(f"a study named {name!r} already exists", hint="run the same command again to resume it")
    row = {
        "name": name,
        "kind": str(kind),
        "task": task,
        "command": jsontext.dumps(list(command)),
        "config": jsontext.dumps(config),
        "provenance": jsontext.dumps(provenance),
        "status": "running",
        "created_at": at,
        "active_at": at,
    }
    study_id = conn.execute(insert(studies), row).inserted_primary_key
    assert study_id is not None
    return by_id(conn, study_id[0])


def find(conn: Connection, name: str) -> StudyRecord | None:
    """Return the study of this name, None if there is none."""
    row = conn.execute(select(studies).where(studies.c.name == name)).one_or_none()
    return None if row is None else study_record(row)


def get(conn: Connection, name: str) -> StudyRecord:
    """Return the study of this name. Raises NotFoundError, listing existing names."""
    found = find(conn, name)
    if found is not None:
        return found
    names = list(conn.execute(select(studies.c.name).order_by(*NEWEST_FIRST)).scalars())
    if not names:
        raise NotFoundError(f"there is no study {name!r}: the store has no studies")
    near = nearest(name, names)
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    hint = None if near is None else f"did you mean {near!r}?"
    raise NotFoundError(f"there is no study {name!r}\n  studies: {shown}", hint=hint)


def by_id(conn: Connection, study_id: int) -> StudyRecord:
    """Return the study of this id. Raises NotFoundError."""
    row = conn.execute(select(studies).where(studies.c.id == study_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no study with id {study_id}")
    return study_record(row)


def all_studies(conn: Connection) -> list[StudyRecord]:
    """Return the studies, the most recently active first."""
    return [study_record(row) for row in conn.execute(select(studies).order_by(*NEWEST_FIRST))]


def latest(conn: Connection, store: str) -> StudyRecord:
    """Return the most recently active study. Raises NotFoundError.

    `store` is what makes a command run its study in this store (` store.url=URL`).
    """
    row = conn.execute(select(studies).order_by(*NEWEST_FIRST).limit(1)).one_or_none()
    if row is None:
        raise NotFoundError(
            "the store has no studies yet", hint=f"run one: python -m sweep +ablation=regularization{store}"
        )
    return study_record(row)


def change(conn: Connection, study_id: int, columns: Mapping[str, object]) -> None:
    """Set columns of a study. Raises NotFoundError."""
    if columns and conn.execute(update(studies).where(studies.c.id == study_id), dict(columns)).rowcount != 1:
        raise NotFoundError(f"there is no study with id {study_id}")


def summary(conn: Connection, study_id: int) -> JsonObject | None:
    """Return the summary.json saved last, None if there is none. Raises NotFoundError."""
    row = conn.execute(select(studies.c.summary).where(studies.c.id == study_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no study with id {study_id}")
    found: JsonObject | None = None if row.summary is None else jsontext.loads(row.summary)
    return found


def counts(conn: Connection, study_id: int) -> dict[TrialState, int]:
    """Return the number of trials in each state, without retired ones, and without states that have none."""
    query = (
        select(trials.c.state, func.count())
        .where(trials.c.study_id == study_id, trials.c.is_current)
        .group_by(trials.c.state)
    )
    return {TrialState(state): count for state, count in conn.execute(query)}


def verdict_counts(conn: Connection, study_id: int) -> dict[Verdict, int]:
    """Return the number of trials with each verdict, without retired and stopped ones."""
    query = (
        select(trials.c.verdict, func.count())
        .where(trials.c.study_id == study_id, trials.c.is_current, trials.c.verdict.is_not(None))
        .where(or_(trials.c.state.not_in(OPEN_STATES), trials.c.verdict != Verdict.UNDECIDED))
        .group_by(trials.c.verdict)
    )
    return {Verdict(verdict): count for verdict, count in conn.execute(query)}


def borrowers(conn: Connection, study_id: int) -> list[str]:
    """Return the names of the other studies whose trials reuse runs of this one, sorted."""
    user, source = trials.alias("user_"), trials.alias("source_")
    query = (
        select(studies.c.name)
        .distinct()
        .join(user, user.c.study_id == studies.c.id)
        .join(source, source.c.id == user.c.source_trial_id)
        .where(source.c.study_id == study_id, studies.c.id != study_id)
        .order_by(studies.c.name)
    )
    return list(conn.execute(query).scalars())


def remove(conn: Connection, study_id: int) -> None:
    """Delete a study with all its rows.

    Raises NotFoundError, and StoreError if trials of other studies reuse runs of this one.
    """
    study = by_id(conn, study_id)
    names = borrowers(conn, study_id)
    if names:
        raise StoreError(
            f"study {study.name!r} cannot be deleted: its trials are reused by {', '.join(names)}",
            hint="delete those studies first",
        )
    conn.execute(delete(studies).where(studies.c.id == study_id))
