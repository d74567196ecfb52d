"""Whole studies whose store is a PostgreSQL database: what goes wrong on the way, and what is promised then."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from killing import STUDY, Folder, Zygote, new_folder, wait_until
from postgres_server import PostgresServer, database_of


@dataclass
class PostgresFolder(Folder):
    """A folder whose studies are kept in a database on `server`."""

    server: PostgresServer | None = None
    url: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        return (*STUDY, f"store.url={self.url}")

    def query(self, sql: str, *values: object) -> list[tuple]:
        return self.server.execute(sql, *values, database=database_of(self.url))


@pytest.fixture
def folder(tmp_path: Path, zygote: Zygote, postgres_server: PostgresServer) -> Iterator[PostgresFolder]:
    with new_folder(tmp_path / "work", zygote) as made:
        yield PostgresFolder(made.path, zygote, server=postgres_server, url=postgres_server.new_database())


@pytest.mark.parametrize("at", ["process started", "end recorded", "reports written"])
def test_killed_with_its_store_in_postgresql_a_study_resumes_to_the_same_table(folder, undisturbed, at):
    folder.run(*folder.command, code=-signal.SIGKILL, SWEEP_KILL_AT_STEP=at)
    folder.run(*folder.command)
    assert folder.outcome() == undisturbed
    assert set(folder.starts().values()) == {1}


def test_a_server_killed_and_restarted_costs_a_study_nothing(folder, undisturbed):
    orchestrator = folder.start(*folder.command, "task.pause_s=0.1")
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    folder.server.stop(immediately=True)
    wait_until(lambda: len(list(folder.study.glob("trials/*/result.json"))) >= 1)
    folder.server.start()
    if orchestrator.wait() != 0:  # it was in the middle of a transaction
        assert "run the same command again" in orchestrator.text
        folder.run(*folder.command, "task.pause_s=0.1")
    assert folder.verdicts() == undisturbed["verdicts"]
    assert folder.ranking() == undisturbed["ranking"]
    assert set(folder.results().values()) == {1}
    assert folder.left() == []


def test_a_server_that_refuses_connections_ends_the_study_with_the_reason(folder, undisturbed):
    folder.server.execute("CREATE ROLE guest LOGIN SUPERUSER")
    command = (*STUDY, f"store.url={folder.url.replace('sweep@', 'guest@')}", "task.pause_s=0.1")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    folder.server.execute("ALTER ROLE guest NOLOGIN")
    folder.server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guest'")
    assert orchestrator.wait() == 1
    assert f"store postgresql+psycopg://guest@/{database_of(folder.url)}" in orchestrator.text
    assert "Traceback" not in orchestrator.text
    assert folder.left() == []
    folder.server.execute("ALTER ROLE guest LOGIN")
    folder.run(*command)
    assert folder.verdicts() == undisturbed["verdicts"]
    assert folder.ranking() == undisturbed["ranking"]


def test_a_second_orchestrator_of_a_study_in_postgresql_is_refused_and_so_is_another_folder(folder, undisturbed):
    first = folder.start(*folder.command, "task.pause_s=0.3")
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    elsewhere = folder.run(*folder.command, "results=elsewhere", code=2)
    assert "results: the study s is kept in results" in elsewhere.text
    second = folder.run(*folder.command, code=1)
    assert f"study 's' is being run by pid {first.pid} on " in second.text
    assert "`python -m sweep status s --watch --store 'postgresql+psycopg://" in second.text
    os.kill(first.pid, signal.SIGTERM)
    assert first.wait() == 130
    folder.run(*folder.command)
    assert folder.verdicts() == undisturbed["verdicts"]


def test_two_studies_in_one_postgresql_database_at_the_same_time_both_end(folder):
    orchestrators = [
        folder.start(*folder.command, f"study={name}", f"seeds={seeds}", "launcher.slots=1")
        for name, seeds in (("a", "[0,1,2]"), ("b", "[10,11,12]"))
    ]
    assert [each.wait() for each in orchestrators] == [0, 0], [each.text for each in orchestrators]
    found = folder.query(
        "select s.name, t.state, count(*) from trials t join studies s on t.study_id = s.id group by 1, 2 order by 1"
    )
    assert found == [("a", "completed", 6), ("b", "completed", 6)]
    assert folder.left() == []


def test_a_lost_postgresql_database_is_rebuilt_from_the_run_folders(folder, undisturbed):
    folder.run(*folder.command)
    folder.url = folder.server.new_database()
    refused = folder.run(*folder.command, code=2)  # its folders name the database that is gone
    assert "python -m sweep rebuild --store" in refused.text
    folder.run("rebuild", "--store", folder.url, "--results", "results")
    folder.run(*folder.command)
    assert folder.outcome() == undisturbed
    assert set(folder.starts().values()) == {1}


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        (("/db", "/no_such_db"), "does not exist", 1),
        (("host=", "host=/tmp/no/server/"), "no server answers there", 1),
        (("sweep:", "guarded:"), "user or password", 1),
        (("guarded:opensesame", "guarded"), "the server requires a password", 1),
        (("postgresql+psycopg", "postgresql+asyncpg"), "no store for 'postgresql+asyncpg'", 2),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(folder, change, said, code):
    url = folder.url.replace("sweep@", "sweep:opensesame@")
    if change[0].startswith("guarded"):
        url = url.replace("sweep:", "guarded:")
        change = (":opensesame", "")
    done = folder.run(*STUDY, f"store.url={url.replace(*change)}", code=code)
    assert said in done.text
    assert "opensesame" not in done.text
    assert "Traceback" not in done.text
    assert folder.left() == []


def test_a_password_in_the_store_url_is_written_nowhere(folder):
    url = folder.url.replace("sweep@", "sweep:opensesame@")
    first = folder.run(*STUDY, f"store.url={url}")
    again = folder.run("resume", "s", "--store", url)
    shown = [folder.run(*verb, "--store", url) for verb in (["show", "0"], ["status"], ["report"])]
    assert "sweep@" in first.text  # the command it recommends
    assert [done.text for done in (first, again, *shown) if "opensesame" in done.text] == []
    files = [path for path in folder.path.parent.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if b"opensesame" in path.read_bytes()] == []
    for table in ("studies", "trials", "runs", "events"):
        assert folder.query(f"select * from {table} t where t::text like '%%opensesame%%'") == []
    assert "sweep@" in folder.query("select command from studies")[0][0]
