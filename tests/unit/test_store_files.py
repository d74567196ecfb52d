"""What the store says of files and URLs that it cannot use, and what it leaves behind."""

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from sweep.domain.axis import Cell
from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.trial import TrialSpec
from sweep.errors import NotFoundError, StoreError, SweepError
from sweep.store import Store, engine, migrations
from sweep.store.schema import SCHEMA_VERSION, metadata


def spec(seed: int = 0) -> TrialSpec:
    return TrialSpec(cell=Cell(), seed=seed, overrides=(), task={"text": "x" * 2000}, fingerprint=f"f{seed}")


def filled(path: Path, trials: int = 1) -> str:
    """Make a store with one study at `path`; return its URL."""
    url = f"sqlite:///{path}"
    with Store.open(url) as store:
        study = store.create_study(name="s", task="t", command=[], config={}, provenance={})
        store.add_trials(study.id, [spec(seed) for seed in range(trials)])
    return url


def test_reading_a_store_that_is_not_there_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no store at .*sweep\.db"):
        Store.open(f"sqlite:///{tmp_path}/results/sweep.db", read_only=True)
    with pytest.raises(NotFoundError, match="no store at"):
        Store.open("sqlite://", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_no_file_behind_and_changes_no_byte(tmp_path: Path) -> None:
    url = filled(tmp_path / "sweep.db")
    before = (tmp_path / "sweep.db").read_bytes()
    with Store.open(url, read_only=True) as store:
        assert len(store.outcomes(store.latest_study().id)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.db"]
    assert (tmp_path / "sweep.db").read_bytes() == before


def test_a_store_in_a_folder_that_may_not_be_written_is_read() -> None:
    # As root nothing is forbidden, so a child process gives its rights up; its folder must be one it may enter.
    code = (
        "import os, sys\nfrom sweep.store import Store\nStore.open('sqlite://').close()\n"  # all imports done
        "if os.getuid() == 0: os.setuid(65534)\n"
        "with Store.open(sys.argv[1], read_only=True) as store: print(store.latest_study().name)"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = filled(folder / "sweep.db")
        (folder / "sweep.db").chmod(0o444)
        folder.chmod(0o555)
        done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=False)
        folder.chmod(0o755)
        assert (done.stdout.strip(), done.stderr) == ("s", "")
        assert [path.name for path in folder.iterdir()] == ["sweep.db"]


def test_a_store_opened_for_reading_refuses_to_write(tmp_path: Path) -> None:
    with Store.open(filled(tmp_path / "sweep.db"), read_only=True) as store:
        with pytest.raises(StoreError, match="opened for reading only"):
            store.save_summary(1, {})
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            store.transactions.conn.connection.driver_connection.execute("DELETE FROM studies")  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ['a b\'s "store".db', "μέτρα 收敛.db", "100%25 #1;x.db", ":memory:.db"])
def test_any_file_name_is_that_file(tmp_path: Path, name: str) -> None:
    url = filled(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with Store.open(url, read_only=True) as store:
        assert store.latest_study().name == "s"


def test_a_closed_store_may_be_closed_again(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/sweep.db")
    store.close()
    store.close()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 40, b"\x00\xff" * 700])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path, content: bytes, read_only: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"notes\.txt: the file is not a SQLite database"):
        Store.open(f"sqlite:///{path}", read_only=read_only)
    assert path.read_bytes() == content


@pytest.mark.parametrize("kept", [0.3, 0.9])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_truncated_database_is_named(tmp_path: Path, kept: float, read_only: bool) -> None:
    path = tmp_path / "sweep.db"
    url = filled(path, trials=200)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(StoreError, match=r"sweep\.db: the file is damaged or truncated"):
        Store.open(url, read_only=read_only)


def test_a_database_damaged_inside_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sweep.db"
    url = filled(path, trials=200)
    content = bytearray(path.read_bytes())
    content[20 * 4096 : 60 * 4096] = b"\xff" * (40 * 4096)
    path.write_bytes(content)
    # Where the schema itself is hit, it is opening that fails.
    with pytest.raises(StoreError, match=r"sweep\.db: .*damaged"), Store.open(url, read_only=True) as store:
        store.outcomes(1)


def test_a_damaged_series_is_an_error_not_a_wrong_curve() -> None:
    with Store.open("sqlite://") as store:
        study = store.create_study(name="s", task="t", command=[], config={}, provenance={})
        run = store.begin_run(store.add_trials(study.id, [spec()])[0].id, "d")
        store.ingest(run.id, from_byte=0, to_byte=1, points={"loss": Series.of([(i, i**0.5) for i in range(99)])})
        store.end_run(run.id, state=TrialState.COMPLETED, judgement=None)
        with store.transactions.writing() as conn:
            conn.execute(text("UPDATE metric_chunks SET value_words = substr(value_words, 1, 30)"))
        with pytest.raises(StoreError, match=r"metric chunk of 99 points is damaged(?s:.*)sweep rebuild"):
            store.series(1)


def test_an_empty_file_is_no_store_to_read_and_a_new_one_to_write(tmp_path: Path) -> None:
    path = tmp_path / "sweep.db"
    path.touch()
    with pytest.raises(NotFoundError, match=r"sweep\.db: .*no studies yet"):
        Store.open(f"sqlite:///{path}", read_only=True)
    assert path.stat().st_size == 0
    filled(path)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_of_another_program_is_refused(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "optuna.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE alembic_version (version_num TEXT)")
    other.close()
    with pytest.raises(StoreError, match=r"optuna\.db: .*\(alembic_version\)(?s:.*)store\.url"):
        Store.open(f"sqlite:///{path}", read_only=read_only)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_of_a_newer_sweep_is_refused(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "sweep.db"
    url = filled(path)
    newer = sqlite3.connect(path)
    newer.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION + 1,))
    newer.commit()
    newer.close()
    expected = rf"sweep\.db: .* version {SCHEMA_VERSION + 1}\b.* up to {SCHEMA_VERSION}\b"
    with pytest.raises(StoreError, match=expected):
        Store.open(url, read_only=read_only)


@pytest.mark.parametrize("url", ["results/sweep.db", "", "sqlite:///a.db?mode=ro", "nosuch://host/db"])
def test_a_url_that_cannot_be_used_is_shown(url: str) -> None:
    with pytest.raises(StoreError, match=r"store\.url"):
        Store.open(url)


def test_messages_never_show_a_password() -> None:
    assert "secret" not in engine.name_of(engine.parse_url("postgresql://me:secret@host/db"))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(StoreError, match="cannot create the store's folder"):
        Store.open(f"sqlite:///{tmp_path}/results/sub/sweep.db")


def test_a_lock_that_another_process_keeps_is_an_error_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 20)
    path = tmp_path / "sweep.db"
    url = filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    with Store.open(url) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"sweep\.db: another process .* lock"):
            store.save_summary(1, {"n": 1})
        assert store.summary(1) is None
        other.execute("ROLLBACK")
        store.save_summary(1, {"n": 2})
        assert store.summary(1) == {"n": 2}
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("DELETE FROM studies")  # from now on no other process reads, either
    with pytest.raises(StoreError, match=r"another process .* lock"):
        Store.damage(url)
    other.close()


def test_a_failure_in_one_transaction_is_none_of_the_next_ones(tmp_path: Path) -> None:
    with Store.open(filled(tmp_path / "sweep.db")) as store:
        with pytest.raises(StoreError), store.transaction(), store.transactions.writing() as conn:
            conn.execute(text("INSERT INTO no_such_table VALUES (1)"))
        with store.transaction():
            store.save_summary(1, {"n": 1})
        assert store.summary(1) == {"n": 1}


def test_a_full_disk_loses_the_whole_transaction_and_nothing_before_it(tmp_path: Path) -> None:
    with Store.open(filled(tmp_path / "sweep.db")) as store:
        pages = store.transactions.conn.connection.driver_connection  # type: ignore[union-attr]
        assert pages is not None
        limit = pages.execute("PRAGMA page_count").fetchone()[0] + 5
        pages.execute(f"PRAGMA max_page_count={limit}")

        def write_on_after_the_failure() -> None:
            with store.transaction():
                store.save_summary(1, {"kept": False})
                with pytest.raises(StoreError, match=r"sweep\.db: the disk is full"):
                    store.add_trials(1, [spec(seed) for seed in range(100)])
                with pytest.raises(StoreError, match="none of it is kept"):
                    store.save_summary(1, {"kept": "alone"})

        with pytest.raises(StoreError, match="none of it is kept"):
            write_on_after_the_failure()
        assert store.summary(1) is None
        assert len(store.trials(1)) == 1
        pages.execute("PRAGMA max_page_count=100000")
        store.add_trials(1, [spec(seed) for seed in range(100)])
        assert len(store.trials(1)) == 101


def test_every_constraint_has_a_name() -> None:
    for table in metadata.sorted_tables:
        assert all(constraint.name for constraint in table.constraints)


def test_importing_the_store_brings_none_of_the_slow_libraries() -> None:
    code = (
        "import sys, sweep.store; print([m for m in "
        "('scipy', 'alembic', 'optuna', 'hydra', 'jinja2', 'sqlalchemy.orm', 'paddle') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("content", [b"no database at all, but text " * 40, b""])
def test_a_store_that_cannot_be_opened_leaves_no_connection_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, read_only: bool
) -> None:
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: made.append(connect(*args, **named)) or made[-1])
    (tmp_path / "s.db").write_bytes(content)
    monkeypatch.setattr(migrations, "upgrade", migrations.require_current)  # as for one of a later version
    with pytest.raises(SweepError):
        Store.open(f"sqlite:///{tmp_path}/s.db", read_only=read_only)
    assert made
    for each in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            each.execute("SELECT 1")
