"""Schema versions: an older database becomes the current version in one transaction, when a writer opens it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from sqlalchemy import Connection, inspect, select, text, update

from sweep.errors import DamagedStoreError, NotFoundError, OldStoreError, StoreError
from sweep.store.postgres import lock_making_tables
from sweep.store.schema import SCHEMA_VERSION, metadata, schema_version

STEPS: Mapping[int, Sequence[str]] = {
    2: (
        "ALTER TABLE studies ADD COLUMN summary TEXT",
        "ALTER TABLE trials ADD COLUMN is_current BOOLEAN NOT NULL DEFAULT TRUE",
        "DROP INDEX ix_trials_study_id_state_verdict",
        "CREATE INDEX ix_trials_study_id_is_current_state_verdict ON trials (study_id, is_current, state, verdict)",
    ),
    3: (
        "CREATE TABLE nights (regression VARCHAR NOT NULL, name VARCHAR NOT NULL, status VARCHAR NOT NULL, "
        "created_at VARCHAR NOT NULL, ended_at VARCHAR, CONSTRAINT pk_nights PRIMARY KEY (regression, name))",
        "CREATE TABLE night_tasks (regression VARCHAR NOT NULL, night VARCHAR NOT NULL, task VARCHAR NOT NULL, "
        "verdict VARCHAR NOT NULL, studies TEXT NOT NULL, data TEXT NOT NULL, "
        "CONSTRAINT pk_night_tasks PRIMARY KEY (regression, night, task), CONSTRAINT fk_night_tasks_regression "
        "FOREIGN KEY(regression, night) REFERENCES nights (regression, name) ON DELETE CASCADE)",
        "CREATE TABLE baselines (regression VARCHAR NOT NULL, task VARCHAR NOT NULL, number INTEGER NOT NULL, "
        "device VARCHAR NOT NULL, accepted_at VARCHAR NOT NULL, data TEXT NOT NULL, "
        "CONSTRAINT pk_baselines PRIMARY KEY (regression, task, number))",
    ),
    4: (
        "ALTER TABLE trials ADD COLUMN rules_version INTEGER",
        "ALTER TABLE studies ADD COLUMN kind VARCHAR DEFAULT 'ablation' NOT NULL",
    ),
    5: (
        "ALTER TABLE runs ADD COLUMN token VARCHAR",
        "ALTER TABLE runs ADD COLUMN handle TEXT",
        "ALTER TABLE trials ADD COLUMN until_step BIGINT",
        "CREATE TABLE slices (event_id INTEGER NOT NULL, step BIGINT NOT NULL, verdict VARCHAR NOT NULL, tau BIGINT, "
        "best VARCHAR, final VARCHAR, CONSTRAINT pk_slices PRIMARY KEY (event_id), "
        "CONSTRAINT fk_slices_event_id FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE)",
    ),
}
"""The statements of each version that upgrade from the one before, in plain SQL for SQLite and PostgreSQL. Frozen
once released: later changes of schema.py must not change an old step."""


def _fill_kinds(conn: Connection) -> None:
    """Set the kind of each study from what version 3 recorded of it: its config."""
    for study_id, config in conn.execute(text("SELECT id, config FROM studies")).all():
        conn.execute(
            text("UPDATE studies SET kind = :kind WHERE id = :id"),
            {"kind": _kind_of_version_3(json.loads(config)), "id": study_id},
        )


def _kind_of_version_3(config: Mapping[str, object]) -> str:
    stages = cast("list[str]", config.get("stages") or [])
    probe, driver = (cast("Mapping[str, str]", config.get(key) or {}) for key in ("probe", "driver"))
    if stages:
        return "diagnosis" if "base" in stages else "checks"
    if probe:
        return str(probe["name"])
    return "search" if driver.get("name", "grid") != "grid" else "ablation"


def _fill_handles(conn: Connection) -> None:
    """Set the handle of each run whose process is recorded: the local launcher's, the only one then."""
    found = conn.execute(text("SELECT id, host, pid, pid_started_at FROM runs WHERE pid IS NOT NULL")).all()
    handles = [
        {"handle": f"{host or ''}:{pid}:{started_at!r}", "id": run_id} for run_id, host, pid, started_at in found
    ]
    if handles:
        conn.execute(text("UPDATE runs SET handle = :handle WHERE id = :id"), handles)


FILLS: Mapping[int, Callable[[Connection], None]] = {4: _fill_kinds, 5: _fill_handles}
"""What a version must fill in row by row, because SQL common to both databases cannot."""


def version_of(conn: Connection) -> int | None:
    """Return the schema version of a database, None if it has no tables.

    Raises StoreError if it has tables, but not ours.
    """
    tables = set(inspect(conn).get_table_names())
    if not tables:
        return None
    if schema_version.name not in tables:
        raise StoreError(
            f"it has other tables ({', '.join(sorted(tables)[:5])}), so it is not a store of sweep",
            hint="name another database in store.url (or --store); a new one is created",
        )
    found = conn.execute(select(schema_version.c.version)).scalar()
    if found is None:
        raise DamagedStoreError("its schema_version table is empty")
    return int(found)


def upgrade(conn: Connection) -> None:
    """Upgrade a database to the current version, or create the tables if it is empty. Call inside a transaction.

    Raises StoreError if the database is newer than this code.
    """
    lock_making_tables(conn)
    found = version_of(conn)
    if found is None:
        metadata.create_all(conn, checkfirst=False)
        conn.execute(schema_version.insert(), {"version": SCHEMA_VERSION})
        return
    _refuse_newer(found)
    if found == SCHEMA_VERSION:
        return
    for version in range(found + 1, SCHEMA_VERSION + 1):
        for statement in STEPS[version]:
            conn.execute(text(statement))
        if version in FILLS:
            FILLS[version](conn)
    conn.execute(update(schema_version).values(version=SCHEMA_VERSION))


def require_current(conn: Connection) -> None:
    """Check a database that is opened for reading only.

    Raises NotFoundError if it is empty, StoreError if its version is not this code's.
    """
    found = version_of(conn)
    if found is None:
        raise NotFoundError("it has no studies yet")
    _refuse_newer(found)
    if found < SCHEMA_VERSION:
        raise OldStoreError(
            f"it has schema version {found}; this version of sweep reads version {SCHEMA_VERSION}",
            hint="any command that writes (running, resuming a study) upgrades it in place",
        )


def _refuse_newer(found: int) -> None:
    if found > SCHEMA_VERSION:
        raise StoreError(
            f"it has schema version {found}; this version of sweep supports versions up to {SCHEMA_VERSION}",
            hint="use the newer version of sweep that wrote it, or another store.url",
        )
