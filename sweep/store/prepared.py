"""Statements that every trial needs: compiled once, and passed to SQLite's database driver without SQLAlchemy.

SQLAlchemy takes 0.1 ms of Python for a statement that takes SQLite 0.01 ms, and a trial needs a dozen. With any other
database they run through SQLAlchemy. The caller holds the transaction.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Select, Update
from sqlalchemy.dialects import sqlite

_DIALECT = sqlite.dialect(paramstyle="qmark")


class Prepared:
    """One statement. `columns` names the columns that an insert sets, if not all of the table's.

    `values` of its methods are by the names of its `bindparam`s; for an insert, of its columns.
    """

    def __init__(
        self, statement: "Insert | Update | Delete | Select[Any]", columns: Iterable[str] | None = None
    ) -> None:
        self._statement = statement
        compiled = statement.compile(dialect=_DIALECT, column_keys=None if columns is None else list(columns))
        self._sql = str(compiled)
        # Converts a value to what the column stores: a time to text, a float that may be NaN likewise.
        processors = {
            name: parameter.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
            for parameter, name in compiled.bind_names.items()
        }
        self._names = tuple(compiled.positiontup or ())
        self._processed = tuple((at, process) for at, name in enumerate(self._names) if (process := processors[name]))

    def change(self, conn: Connection, values: Mapping[str, Any]) -> int:
        """Execute it and return the number of rows changed."""
        driver = _driver(conn)
        if driver is None:
            return conn.execute(self._statement, dict(values)).rowcount
        return driver.execute(self._sql, self._bound(values)).rowcount

    def add(self, conn: Connection, values: Mapping[str, Any]) -> int:
        """Execute it, an insert into a table with a key `id`, and return the new row's id."""
        driver = _driver(conn)
        if driver is None:
            key = conn.execute(self._statement, dict(values)).inserted_primary_key
            assert key is not None
            return int(key[0])
        row_id = driver.execute(self._sql, self._bound(values)).lastrowid
        assert row_id is not None
        return row_id

    def first(self, conn: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Execute it, a select of plain columns (numbers and text), and return its first row, None if there is none."""
        driver = _driver(conn)
        if driver is None:
            row = conn.execute(self._statement, dict(values)).first()
            return None if row is None else tuple(row)
        found: tuple[Any, ...] | None = driver.execute(self._sql, self._bound(values)).fetchone()
        return found

    def _bound(self, values: Mapping[str, Any]) -> list[Any]:
        bound = [values[name] for name in self._names]
        for at, process in self._processed:
            bound[at] = process(bound[at])
        return bound


def _driver(conn: Connection) -> sqlite3.Connection | None:
    found = conn.connection.driver_connection
    return found if isinstance(found, sqlite3.Connection) else None
