"""A PostgreSQL server of the tests' own: in a folder that goes away with it, reached by a socket in it alone."""

import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
}
INSTALL = (
    "these tests start a PostgreSQL server of their own, and no `initdb` and `postgres` were found on PATH or in "
    "/usr/lib/postgresql/*/bin: install PostgreSQL 12 or newer (Debian, Ubuntu: apt-get install postgresql)"
)


def binaries() -> Path:
    """Return the folder of the newest server installed here; without one, the test fails and says what to install."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    for folder in [*([Path(on_path).resolve().parent] if on_path else []), *found]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.fail(INSTALL)


class PostgresServer:
    """A server that can be stopped, killed and started again. Its role `sweep` needs no password, `guarded` does."""

    def __init__(self) -> None:
        self._bin = binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="sweep-pg-", dir="/tmp"))  # a socket's path has 107 bytes at most
        self._data = self.folder / "data"
        # The server refuses to run as root.
        self._as = {"user": _unprivileged(), "extra_groups": []} if os.getuid() == 0 else {}
        if self._as:
            shutil.chown(self.folder, self._as["user"])
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        # Sorted by a language's rules, where this server can: text that is sorted by the database comes out otherwise.
        help_text = subprocess.run([self._bin / "initdb", "--help"], capture_output=True, text=True, check=True).stdout
        rules = ["--locale-provider=icu", "--icu-locale=en-US"] if "--icu-locale" in help_text else []
        self._run("initdb", "-D", self._data, "-U", "sweep", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", *rules)
        rules = self._data / "pg_hba.conf"
        rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
        self.start()
        self.execute("CREATE ROLE guarded LOGIN PASSWORD 'sesame'")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self.folder, *options],
                stdout=log, stderr=log, cwd=self.folder, **self._as,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(host=str(self.folder), user="sweep", dbname="postgres").close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.02)
            else:
                return

    def stop(self, *, immediately: bool = True) -> None:
        """Stop it: at once, as `pg_ctl stop -m immediate` does, or in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def execute(self, sql: str, *values: object, database: str = "postgres") -> list[tuple]:
        """Run one statement and return its rows, none where it has none."""
        with psycopg.connect(host=str(self.folder), user="sweep", dbname=database, autocommit=True) as conn:
            done = conn.execute(sql, values or None)
            return done.fetchall() if done.description else []

    def new_database(self, options: str = "") -> str:
        """Make an empty database and return its URL."""
        name = f"db{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} {options}")
        return self.url(name)

    def new_schema(self) -> str:
        """Make an empty schema and return its URL: in a hundredth of the time that a database takes."""
        name = f"schema{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}&options=-csearch_path%3D{name}"

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql+psycopg://sweep@/{database}?host={self.folder}"

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [self._bin / program, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, **self._as
        )
        assert done.returncode == 0, done.stderr


def database_of(url: str) -> str:
    """Return the name of the database in a URL of `PostgresServer.url`."""
    found = re.search(r"@/(\w+)\?", url)
    assert found is not None
    return found[1]


def _unprivileged() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
