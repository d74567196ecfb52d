"""Makes a store smaller: deletes curves, and returns the space of deleted rows."""

import sqlite3
from pathlib import Path

from sqlalchemy import delete, func, select

from sweep.store import studies
from sweep.store.schema import metric_chunks, runs, trials
from sweep.store.store import Store


def borrowers(store: Store, study_id: int) -> list[str]:
    """Return the names of the other studies whose trials reuse runs of this one, sorted."""
    with store.transactions.reading() as conn:
        return studies.borrowers(conn, study_id)


def curve_points(store: Store, study_id: int) -> int:
    """Return the number of points in the curves of a study's own runs."""
    query = (
        select(func.coalesce(func.sum(metric_chunks.c.points), 0))
        .join(runs, runs.c.id == metric_chunks.c.run_id)
        .join(trials, trials.c.id == runs.c.trial_id)
        .where(trials.c.study_id == study_id)
    )
    with store.transactions.reading() as conn:
        return int(conn.execute(query).scalar_one())


def drop_curves(store: Store, study_id: int) -> None:
    """Delete the curves of a study's own runs; verdicts, steps to target and symptoms stay."""
    own = select(runs.c.id).join(trials, trials.c.id == runs.c.trial_id).where(trials.c.study_id == study_id)
    with store.transactions.writing() as conn:
        conn.execute(delete(metric_chunks).where(metric_chunks.c.run_id.in_(own)))


def vacuum(store: Store) -> None:
    """Return the space of deleted rows to the disk. Does nothing for a database that is not SQLite.

    Raises StoreError if another process writes, or the disk lacks the space for a second copy of the file.
    """
    with store.transactions.outside() as conn:
        driver = conn.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def file_bytes(path: Path | None) -> int:
    """Return the size of a SQLite database and its log in bytes, 0 for any other database."""
    if path is None:
        return 0
    parts = (path, path.with_name(path.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())
