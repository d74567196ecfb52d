"""PostgreSQL: connecting, waiting for a restarted server, locking a study, and its errors in plain words.

As with SQLite, our own statement begins each transaction: it detects a connection that was lost between two
transactions, before anything was done, and reconnects.
"""

import hashlib
import os
import re
import time
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError

from sweep.clock import monotonic_s
from sweep.config.stores import store_option
from sweep.errors import StoreError, StudyLockedError

DRIVER = "postgresql+psycopg"
LOCK_TIMEOUT_S = 60
"""How long a statement waits for a lock of another session: as long as a writer of a SQLite file waits."""

SERVER_BACK_S = 60.0
"""How long an orchestrator waits for a server that went away between two transactions."""

_CONNECTION = {
    "connect_timeout": 10,
    # A server whose host vanished silently is given up after a minute.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

_RELEASED_S = 1.0
"""How long a server may take to notice that an orchestrator was killed, and to release its lock."""

_MAKING_TABLES = 0x5EEB_0000_0000_0001

# An orchestrator whose host vanished silently is noticed after a minute, and its lock released. These settings have no
# effect on a Unix socket.
_SETTINGS = (
    f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; "
    "SET tcp_keepalives_count = 3; SET bytea_output = 'hex'"
)
_HOLDER = (
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (l.classid::bigint << 32 | l.objid::bigint) = %s"
)


def is_postgres(conn: Connection) -> bool:
    """Return whether this is a connection to PostgreSQL."""
    return conn.dialect.name == "postgresql"


def make_engine(url: URL, name: str, *, read_only: bool, lock_study: str | None) -> Engine:
    """Return an engine whose connections follow the rules of the store; an orchestrator's hold its study's lock.

    Raises StoreError if psycopg is not installed. Connecting raises StudyLockedError if another process runs the study,
    StoreError for a database whose encoding is not UTF-8.
    """
    given = {**_CONNECTION, "application_name": f"sweep pid {os.getpid()} on {os.uname().nodename}"}
    try:
        engine = create_engine(
            url.set(drivername=DRIVER),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={key: value for key, value in given.items() if key not in url.query},
            execution_options={"waits_s": 0.0 if read_only else SERVER_BACK_S},
        )
    except (NoSuchModuleError, ImportError) as exc:
        raise StoreError(
            f"no database driver for store.url {name}: {exc}",
            hint='pip install "paddle-sweep[postgresql]"; from a checkout: pip install -e ".[postgresql]"',
        ) from exc

    def prepare(driver: Any, record: object) -> None:  # noqa: ARG001 - the hook's signature
        try:
            _require_utf8(driver)
            driver.autocommit = True
            driver.execute(_SETTINGS)
            if lock_study is not None:
                _hold(driver, lock_study, name)
        except BaseException:
            driver.close()
            raise

    event.listen(engine, "connect", prepare)
    return engine


def _require_utf8(driver: Any) -> None:
    encoding = driver.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"the database's encoding is {encoding}, which cannot store all texts", hint="createdb -E UTF8 -T template0"
        )


def _hold(driver: Any, study: str, name: str) -> None:
    """Take a study's lock in the database of this name; it ends with the connection.

    Raises StudyLockedError, naming the holder.
    """
    key = int.from_bytes(hashlib.sha256(f"sweep study {study}".encode()).digest()[:8], "big", signed=True)
    until_s = monotonic_s() + _RELEASED_S
    while not driver.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()[0]:
        if monotonic_s() > until_s:
            row = driver.execute(_HOLDER, (key,)).fetchone()
            # The names of another role's sessions are hidden from us.
            holder = ((row and row[0]) or "").removeprefix("sweep ") or "another process"
            option = store_option(name)
            raise StudyLockedError(
                f"study {study!r} is being run by {holder}, in the same store",
                hint=f"`python -m sweep status {study} --watch{option}` follows it, `python -m sweep stop {study}"
                f"{option}` stops it there, study=NAME runs this one under another name",
            )
        time.sleep(0.05)


def begin(conn: Connection, *, writes: bool) -> None:
    """Begin a transaction: a reader's sees one state of the database and cannot write.

    If the connection was lost, reconnect; an orchestrator waits for the server for up to SERVER_BACK_S.
    """
    words = "BEGIN ISOLATION LEVEL " + ("READ COMMITTED" if writes else "REPEATABLE READ READ ONLY")
    until_s = monotonic_s() + float(conn.engine.get_execution_options().get("waits_s", 0.0))
    is_first = True
    while True:
        try:
            driver: Any = conn.connection.driver_connection
            driver.execute(words)
        except (OperationalError, conn.dialect.dbapi.OperationalError) as exc:  # type: ignore[union-attr]
            conn.invalidate(exc)
            if not is_first and (monotonic_s() > until_s or not _may_come_back(str(exc))):
                # SQLAlchemy wraps errors of connecting, but not of direct calls to its database driver.
                raise exc if isinstance(exc, OperationalError) else DBAPIError(None, None, exc) from exc
            time.sleep(0 if is_first else 0.2)
            is_first = False
        else:
            return


_TURNED_AWAY = ("authentication failed", "no password", "pg_hba.conf", "does not exist", "not permitted", "denied")


def _may_come_back(message: str) -> bool:
    return not any(sign in message for sign in _TURNED_AWAY)


def lock_making_tables(conn: Connection) -> None:
    """Let one session at a time create or change the tables, until the end of the transaction."""
    if is_postgres(conn):
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING_TABLES})")


_CONTINUES = "once this is fixed, run the same command again; it resumes"

EXPLANATIONS = (
    ("authentication failed", "the server rejects the user or password", "check them, ~/.pgpass and PGPASSWORD"),
    ("no password supplied", "the server requires a password", "put it into ~/.pgpass or PGPASSWORD"),
    ("no pg_hba.conf entry", "the server does not accept this user from this host", "its pg_hba.conf defines who may"),
    ("canceling statement due to lock timeout", f"another session has held its lock for {LOCK_TIMEOUT_S} s", None),
    ("could not translate host name", "the host is not known", "check the host in store.url"),
    ("failed to resolve host", "the host is not known", "check the host in store.url"),
    ("permission denied", "the user lacks a privilege", "GRANT it, or name another user, database or schema"),
    ("no schema has been selected", "its schema does not exist", "CREATE SCHEMA, or name another in store.url"),
    ("too many clients", "the server accepts no more connections", _CONTINUES),
    ("remaining connection slots", "the server accepts no more connections", _CONTINUES),
    ("No space left", "the server's disk is full", f"free some space there; {_CONTINUES}"),
    ("read-only transaction", "it is read-only", "name a writable server in store.url"),
    ("starting up", "the server is starting", _CONTINUES),
    ("not yet accepting", "the server is starting", _CONTINUES),
    ("not permitted to log in", "the server does not let this user log in", f"ALTER ROLE ... LOGIN; {_CONTINUES}"),
    ("refused", "no server answers there", f"start it, or check host and port in store.url; {_CONTINUES}"),
    ("No such file", "no server answers there", f"start it, or check host and port in store.url; {_CONTINUES}"),
    ("timed out", "the server does not answer", _CONTINUES),
    ("timeout expired", "no server answers there", f"check host and port in store.url; {_CONTINUES}"),
    ("terminating connection", "the server closed the connection", _CONTINUES),
    ("closed", "the server closed the connection", _CONTINUES),
    ("connection is lost", "the server closed the connection", _CONTINUES),
)
"""Part of a message of PostgreSQL or psycopg, what it means, and what to do."""


def explain(message: str) -> tuple[str, str | None]:
    """Return what is wrong, with the server's message, and what to do about it."""
    words = " ".join(message.split())
    if re.search('database ".*" does not exist', words):
        return f"the database does not exist ({words})", "createdb NAME, or name another in store.url"
    for sign, problem, hint in EXPLANATIONS:
        if sign in words:
            return f"{problem} ({words})", hint
    return words, None
