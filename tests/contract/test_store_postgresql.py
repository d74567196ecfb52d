"""What only a store in PostgreSQL does: it outlives its server, is locked per study, and says what keeps it away."""

import math
import re
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer, database_of
from recorded_study import end_trial, make_study, make_trial
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

import sweep
from sweep.domain.axis import Cell
from sweep.domain.kinds import StudyKind
from sweep.domain.trial import TrialSpec
from sweep.errors import NotFoundError, StoreError, StudyLockedError
from sweep.store import Store, migrations, postgres
from sweep.store.retention import file_bytes, vacuum

DATA = Path(__file__).parent.parent / "data"


def add_study(store: Store, name: str = "s") -> int:
    return store.create_study(name=name, task="t", command=[], config={}, provenance={}).id


def test_a_server_started_again_between_two_transactions_is_waited_for(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with Store.open(postgres_url) as store:
        study = add_study(store)
        postgres_server.stop()
        later = threading.Timer(0.5, postgres_server.start)
        later.start()
        try:
            store.save_summary(study, {"n": 1})
        finally:
            later.join()
        assert store.summary(study) == {"n": 1}


def test_a_server_that_stays_away_is_an_error_and_the_store_works_once_it_is_back(
    postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SERVER_BACK_S", 0.3)
    with Store.open(postgres_url) as store:
        study = add_study(store)
        postgres_server.stop()
        try:
            with pytest.raises(StoreError, match=r"(?s)store postgresql.*no server answers there.*same command again"):
                store.save_summary(study, {"n": 1})
        finally:
            postgres_server.start()
        assert store.summary(study) is None
        store.save_summary(study, {"n": 2})
        assert store.summary(study) == {"n": 2}


def test_a_server_killed_in_the_middle_of_a_transaction_keeps_nothing_of_it(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    def write_while_it_dies() -> None:
        with store.transaction():
            store.save_summary(study, {"kept": False})
            postgres_server.stop()
            postgres_server.start()
            with pytest.raises(StoreError, match="closed the connection"):
                store.save_summary(study, {"kept": "in part"})
            with pytest.raises(StoreError, match="none of it is kept"):
                store.save_summary(study, {"kept": "alone"})

    with Store.open(postgres_url) as store:
        study = add_study(store)
        with pytest.raises(StoreError, match="none of it is kept"):
            write_while_it_dies()
        assert store.summary(study) is None
        store.save_summary(study, {"kept": True})
        assert store.summary(study) == {"kept": True}


def test_a_reader_cannot_write_and_finds_no_store_in_an_empty_place(postgres_url: str) -> None:
    with pytest.raises(NotFoundError, match="no studies yet"):
        Store.open(postgres_url, read_only=True)
    Store.open(postgres_url).close()
    with Store.open(postgres_url, read_only=True) as store:
        with pytest.raises(StoreError, match="opened for reading only"):
            add_study(store)
        with pytest.raises(StoreError, match="read-only"), store.transactions.reading() as conn:
            conn.execute(text("DELETE FROM studies"))


def test_a_study_is_driven_by_one_process_at_a_time(postgres_url: str) -> None:
    with Store.open(postgres_url, lock_study="s"):
        with pytest.raises(StudyLockedError, match=r"study 's' is being run by pid \d+ on "):
            Store.open(postgres_url, lock_study="s")
        Store.open(postgres_url, lock_study="other").close()
        Store.open(postgres_url).close()
    Store.open(postgres_url, lock_study="s").close()


def test_a_study_is_held_again_after_the_server_was_restarted(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with Store.open(postgres_url, lock_study="s") as store:
        postgres_server.stop()
        postgres_server.start()
        store.studies()
        with pytest.raises(StudyLockedError):
            Store.open(postgres_url, lock_study="s")


def test_what_another_session_has_locked_is_waited_for_up_to_a_limit(
    postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_SETTINGS", "SET lock_timeout = '200ms'")
    with Store.open(postgres_url) as store, Store.open(postgres_url) as other, other.transactions.writing() as conn:
        conn.execute(text("LOCK TABLE studies"))
        with pytest.raises(StoreError, match=r"another session .* lock"):
            add_study(store)


def test_without_psycopg_it_says_what_to_install(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"(?s)driver for store\.url postgresql.*paddle-sweep\[postgresql\]"):
        Store.open(postgres_url)


def test_a_database_that_cannot_keep_every_text_is_refused(postgres_server: PostgresServer) -> None:
    has_providers = int(postgres_server.execute("SHOW server_version_num")[0][0]) >= 150000
    libc = "LOCALE_PROVIDER libc LOCALE 'C'" if has_providers else "LC_COLLATE 'C' LC_CTYPE 'C'"
    url = postgres_server.new_database(f"ENCODING 'LATIN1' {libc} TEMPLATE template0")
    with pytest.raises(StoreError, match="encoding is LATIN1"):
        Store.open(url)


def test_a_database_with_tables_of_others_is_left_alone(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    postgres_server.execute("CREATE TABLE customers (id int)", database=database_of(url))
    with pytest.raises(StoreError, match=r"other tables \(customers\)"):
        Store.open(url)
    found = postgres_server.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=database_of(url)
    )
    assert found == [("customers",)]


@pytest.mark.parametrize("written", ["postgresql://", "postgresql+psycopg://"])
def test_both_ways_to_write_its_url_mean_the_same_driver(postgres_url: str, written: str) -> None:
    with Store.open(re.sub(r"^\S+?://", written, postgres_url)) as store:
        add_study(store)


def test_a_study_is_read_from_python_and_the_password_not_shown(postgres_url: str, tmp_path: Path) -> None:
    with Store.open(postgres_url) as store:
        end_trial(store, make_trial(store, make_study(store, tmp_path)), values=(math.nan, math.inf, 0.5))
        assert (file_bytes(Store.file_of(postgres_url)), Store.damage(postgres_url)) == (0, None)
        vacuum(store)
    with sweep.open_store(postgres_url.replace("sweep@", "sweep:opensesame@")) as opened:
        [trial] = opened["s"].trials()
        assert [str(value) for value in trial.curve("val/acc").values] == ["nan", "inf", "0.5"]
        assert "sweep@" in opened.url
        assert "opensesame" not in repr(opened) + opened.url + opened._repr_html_()


def columns_of(url: str) -> dict[str, Any]:
    engine = create_engine(url, poolclass=NullPool)
    looked = inspect(engine)
    return {
        table: (
            {c["name"]: (str(c["type"]), c["nullable"]) for c in looked.get_columns(table)},
            sorted(str(index["name"]) for index in looked.get_indexes(table)),
            sorted(str(key["name"]) for key in looked.get_foreign_keys(table)),
            looked.get_pk_constraint(table)["name"],
        )
        for table in looked.get_table_names()
    }


def test_the_steps_from_the_first_schema_to_todays_run_there_too(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    old = postgres_server.new_schema()
    engine = create_engine(old, poolclass=NullPool)
    first = sqlite3.connect(DATA / "store_v1.db")
    with engine.begin() as conn:
        for (made,) in first.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"):
            its_own = made.replace("BLOB", "BYTEA").replace("\tid INTEGER", "\tid SERIAL").replace(" DOUBLE", " FLOAT")
            conn.execute(text(its_own))
        conn.execute(text("INSERT INTO schema_version VALUES (1)"))
        at, config = "2026-03-02T09:30:00.000000+00:00", '{"stages": ["data", "base"]}'
        conn.execute(
            text("INSERT INTO studies VALUES (1000, 'whole', 't', '[]', :config, '{}', 'ended', :at, :at, :at)"),
            {"config": config, "at": at},
        )
    first.close()
    with Store.open(old) as store:
        assert store.study("whole").kind is StudyKind.DIAGNOSIS
        study = add_study(store)
        store.add_trials(study, [TrialSpec(cell=Cell(), seed=0, overrides=(), task={}, fingerprint="f")])
        store.save_summary(study, {"schema": 1})
        assert store.transactions.conn.scalar(text("SELECT version FROM schema_version")) == migrations.SCHEMA_VERSION
        store.transactions.conn.rollback()
    Store.open(postgres_url).close()
    assert columns_of(old) == columns_of(postgres_url)
