"""Opening the database: URLs, SQLite's settings, and database errors as messages with a way out.

PostgreSQL's counterparts are in postgres.py.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from sweep.clock import monotonic_s
from sweep.config.secrets import without_password
from sweep.config.stores import rebuild_command
from sweep.errors import DamagedStoreError, NotFoundError, StoreError, StoreUrlError
from sweep.store import postgres

BUSY_TIMEOUT_MS = 60_000
"""How long a writer waits for another one: longer than any transaction here, and than a backup of a large file."""

_FORMS = "sqlite:///results/sweep.db or postgresql+psycopg://user@host/database"


def parse_url(url: str) -> URL:
    """Return the parsed store URL. Raises StoreUrlError, also for an unsupported database."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:  # ValueError: the port is not a number
        shown = without_password(url)
        raise StoreUrlError(f"store.url is not a database URL: {shown!r}", hint=f"e.g. {_FORMS}") from exc
    if parsed.drivername in ("postgresql", postgres.DRIVER):
        return parsed.set(drivername=postgres.DRIVER)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreUrlError(f"store.url {name_of(parsed)}: no store for {parsed.drivername!r}", hint=f"use {_FORMS}")
    if parsed.query:
        # Otherwise a file name with a question mark would silently become another file.
        raise StoreUrlError(f"store.url {url!r}: a SQLite URL takes no options after '?'")
    # The file name as written: SQLAlchemy 2.1 decodes %25 in it, 2.0 does not.
    return parsed.set(database=url.partition(":///")[2])


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite URL, None for a database in memory and for other databases."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(url.database or "")


def name_of(url: URL) -> str:
    """Return the name of the database for messages: the file, or the URL without its password."""
    path = sqlite_path(url)
    return without_password(url.render_as_string(hide_password=False)) if path is None else str(path)


def make_engine(url: URL, *, read_only: bool, lock_study: str | None = None) -> Engine:
    """Return an engine whose one connection follows the rules of the store.

    Raises NotFoundError if a database to be read does not exist, StoreError if the folder cannot be created or the
    database driver is not installed. Only PostgreSQL uses `lock_study`.
    """
    if url.drivername == postgres.DRIVER:
        return postgres.make_engine(url, name_of(url), read_only=read_only, lock_study=lock_study)
    path = sqlite_path(url)
    if read_only and (path is None or not path.exists()):
        raise NotFoundError(
            f"there is no store at {name_of(url)}", hint="run a study first, or name another store: --store URL"
        )
    if path is not None and not read_only:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StoreError(f"cannot create the store's folder: {exc}") from exc
    return create_engine("sqlite://", creator=lambda: _connect_sqlite(path, read_only), poolclass=StaticPool)


def _connect_sqlite(path: Path | None, read_only: bool) -> sqlite3.Connection:
    if path is None:
        return _connect(":memory:")
    if read_only:
        return _connect_reader(path)
    conn = _connect(path.resolve().as_uri() + "?mode=rwc")
    with _closed_on_failure(conn):
        # WAL: readers see the last commit and never wait. NORMAL: a power failure may lose the last commits, which are
        # ingested again from the run folders, but does not damage the file.
        _switch_to_wal(conn)
        conn.execute("PRAGMA synchronous=NORMAL")
    return conn


@contextmanager
def _closed_on_failure(conn: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        conn.close()
        raise


def _switch_to_wal(conn: sqlite3.Connection) -> None:
    # SQLite does not wait here for another connection that also switches a new file (1 of 300 openings by five
    # processes at once failed), so we retry.
    deadline_s = monotonic_s() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            conn.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or monotonic_s() > deadline_s:
                raise
            time.sleep(0.01)
        else:
            return


def _connect_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that cannot write and leaves no file behind.

    Not `mode=ro`: such a connection creates the -wal and -shm files that reading needs, but may not remove them.
    """
    conn = _connect(path.resolve().as_uri() + "?mode=rw")
    try:
        with _closed_on_failure(conn):
            conn.execute("PRAGMA query_only=ON")
            conn.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            raise
        # A read-only folder without a write-ahead log: the file alone is the database.
        conn = _connect(path.resolve().as_uri() + "?immutable=1")
    return conn


def _connect(name: str) -> sqlite3.Connection:
    """Return a connection in autocommit mode: transactions begin when SQLAlchemy says so, not when pysqlite does."""
    conn = sqlite3.connect(
        name, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
    )
    with _closed_on_failure(conn):
        conn.execute("PRAGMA foreign_keys=ON")
    return conn


@contextmanager
def begun(conn: Connection, *, writes: bool) -> Iterator[None]:
    """Run the block in one transaction: committed at its end, rolled back if it raises."""
    if postgres.is_postgres(conn):
        postgres.begin(conn, writes=writes)
    with conn.begin():
        driver = conn.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            # A deferred transaction that reads and then writes can fail with "locked" at once, whatever the timeout.
            # Executed here, not in a "begin" event: any event listener slows down every statement of the engine.
            driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        yield


def integrity_problem(conn: Connection) -> str | None:
    """Return the first problem that SQLite finds in its file; None if there is none, or it is not SQLite."""
    driver = conn.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        return None
    found = [str(row[0]) for row in driver.execute("PRAGMA integrity_check(1)")]
    return None if found == ["ok"] else f"the file is damaged ({'; '.join(found)})"


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn the database's errors inside the block into a StoreError that names the database."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as exc:
        raise explained(name, exc) or exc from exc


def explained(name: str, error: BaseException) -> StoreError | None:
    """Return the database's error as a StoreError that names the database, None for any other error."""
    if not isinstance(error, SQLAlchemyError | sqlite3.Error):
        return None
    found = getattr(error, "orig", None) or error
    is_postgres = type(found).__module__.startswith("psycopg")
    problem, hint = postgres.explain(str(found)) if is_postgres else _explain(name, str(found))
    is_damaged = not is_postgres and any(sign in str(found) for sign in _DAMAGE)
    return (DamagedStoreError if is_damaged else StoreError)(f"store {name}: {problem}", hint=hint)


_DAMAGE = ("not a database", "malformed")
"""SQLite's message for a file that cannot be read again."""

_EXPLANATIONS = (
    ("not a database", "the file is not a SQLite database", "name another store.url, or: {rebuild}"),
    ("malformed", "the file is damaged or truncated", "{rebuild}"),
    ("locked", f"another process has held its lock for {BUSY_TIMEOUT_MS // 1000} s", "end that process"),
    ("disk is full", "the disk is full", "free some space and run the same command again; it resumes"),
    ("readonly", "the file may not be written", "check its permissions and its folder's"),
    ("unable to open", "the file cannot be opened", "check its permissions and its folder's"),
)


def _explain(file: str, message: str) -> tuple[str, str | None]:
    for sign, problem, hint in _EXPLANATIONS:
        if sign in message:
            return f"{problem} ({message})", hint.format(rebuild=rebuild_hint(file))
    return message, None


def rebuild_hint(file: str) -> str:
    """Return the command that rebuilds a SQLite store."""
    command = rebuild_command(f"sqlite:///{file}")
    return f"`{command}` rebuilds it from the run folders"
