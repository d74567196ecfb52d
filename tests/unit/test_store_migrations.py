"""Older databases become current ones.

tests/data/store_v1.db was written by the store of commit 6809080, whose schema version was 1 (no `summary` in
`studies`), through its public methods: study `first` with a diverged trial (0, with NaN and infinities), a crashed
one (1), a converged one (2), one launching when the orchestrator died (3) and a pending one (4); study `second` whose
only trial reuses trial 2 of `first`.

tests/data/store_v2.db was written likewise by the store of commit e0a04e9 (version 2: no nights, no baselines): study
`first` with a summary, a diverged trial (0), a crashed one (1), a converged one (2) and a retired one (3); study
`second` whose only trial reuses trial 2 of `first`.

tests/data/store_v3.db is of version 3 (verdicts without a version of the rules): see test_rules_change.py.

tests/data/store_v4.db was written likewise by the store of commit e04047f (version 4: runs without handle and token):
study `first` with a diverged trial (0), one that was lost once and then converged (1), one running (2), one launching
without a process (3), one that could not be started (4) and a pending one (5); study `second`, a search, whose only
trial reuses trial 1 of `first`; one night.
"""

import json
import math
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.verdict import Verdict
from sweep.errors import StoreError
from sweep.store import Regressions, Store, migrations

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(DATA / "store_v1.db", tmp_path / "sweep.db"))


def schema_of(path: Path) -> dict[str, Any]:
    """Return all that matters of the tables in a file, whatever the order in which columns were added."""
    engine = create_engine(f"sqlite:///{path}")
    looked = inspect(engine)
    found = {}
    for table in sorted(looked.get_table_names()):
        columns = {c["name"]: (str(c["type"]), c["nullable"], c["primary_key"]) for c in looked.get_columns(table)}
        found[table] = (
            columns,
            sorted(str(sorted(key.items(), key=str)) for key in looked.get_foreign_keys(table)),
            sorted(str(sorted(key.items(), key=str)) for key in looked.get_unique_constraints(table)),
            sorted(str(sorted(index.items(), key=str)) for index in looked.get_indexes(table)),
            looked.get_pk_constraint(table)["name"],
        )
    engine.dispose()
    return found


def version_in(path: Path) -> int:
    conn = sqlite3.connect(path)
    (version,) = conn.execute("SELECT version FROM schema_version").fetchone()
    conn.close()
    return int(version)


def test_the_frozen_database_is_of_version_1(old: Path) -> None:
    assert version_in(old) == 1
    assert "summary" not in schema_of(old)["studies"][0]


def test_a_migrated_database_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Store.open(f"sqlite:///{old}").close()
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    assert schema_of(old) == schema_of(tmp_path / "new.db")
    assert version_in(old) == version_in(tmp_path / "new.db")


def test_a_migrated_database_keeps_everything(old: Path) -> None:
    with Store.open(f"sqlite:///{old}") as store:
        first, second = store.study("first"), store.study("second")
        assert (first.status, first.config.raw, second.command) == (
            "interrupted",
            {"seeds": 2},
            ("task=digits", "seeds=1"),
        )
        diverged, crashed, converged, launching, pending = store.outcomes(first.id)
        assert (diverged.verdict, diverged.symptoms[0].value) == (Verdict.DIVERGED, math.inf)
        assert diverged.final is not None
        assert math.isnan(diverged.final)
        assert (crashed.state, crashed.failure) == (TrialState.FAILED, FailureClass.CRASH)
        assert (converged.tau, converged.cell.key) == (20, "dropout=off")
        assert (launching.state, pending.state) == (TrialState.LAUNCHING, TrialState.PENDING)
        (reused,) = store.outcomes(second.id)
        assert (reused.reused, reused.verdict) == (True, Verdict.CONVERGED)
        curve = store.series(store.trial(first.id, 0).id)["train/loss"]
        assert curve.steps.tolist() == [0, 10, 20, 30]
        assert [str(value) for value in curve.values.tolist()] == ["2.3", "5.0", "inf", "nan"]
        assert store.trial(first.id, 0).task["clip"] == math.inf


def test_a_migrated_database_takes_what_the_new_version_brought(old: Path) -> None:
    with Store.open(f"sqlite:///{old}") as store:
        study = store.study("first")
        assert store.summary(study.id) is None
        store.save_summary(study.id, {"schema": 1})
        assert store.summary(study.id) == {"schema": 1}


def test_a_database_of_version_2_keeps_everything_and_takes_nights_and_baselines(tmp_path: Path) -> None:
    second = Path(shutil.copy(DATA / "store_v2.db", tmp_path / "second.db"))
    assert version_in(second) == 2
    with Store.open(f"sqlite:///{second}") as store:
        study = store.study("first")
        assert store.summary(study.id) == {"schema": 1, "answer": "x"}
        assert [o.verdict for o in store.outcomes(study.id)] == ["diverged", "undecided", "converged"]
        assert [trial.number for trial in store.trials(study.id, retired=True)] == [0, 1, 2, 3]
        assert store.outcomes(store.study("second").id)[0].reused
        Regressions(store).begin_night("nightly", "2026-11-23")
        assert [night.name for night in Regressions(store).nights()] == ["2026-11-23"]
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    assert schema_of(second) == schema_of(tmp_path / "new.db")


def test_a_database_of_version_3_keeps_everything_and_takes_the_version_of_the_rules(tmp_path: Path) -> None:
    third = Path(shutil.copy(DATA / "store_v3.db", tmp_path / "third.db"))
    assert version_in(third) == 3
    with Store.open(f"sqlite:///{third}") as store:
        study = store.study("first")
        assert [o.verdict for o in store.outcomes(study.id)] == ["diverged", "converged", "diverged", "undecided"]
        assert store.outcomes(store.study("second").id)[0].reused
        trial = store.trials(study.id)[1]
        assert trial.judgement is not None
        assert trial.judgement.rules_version == 1
        store.save_judgement(trial.id, replace(trial.judgement, rules_version=RULES_VERSION))
        assert store.outcomes(study.id)[1].rules_version == RULES_VERSION
        assert [len(each.runs) for each in Regressions(store).baselines("nightly")] == [12]
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    assert schema_of(third) == schema_of(tmp_path / "new.db")


KINDS = {
    "checks": {"stages": ["data", "overfit"], "driver": {"name": "grid"}},
    "data": {"probe": {"name": "data", "limit": 5}},
    "diagnosis": {"stages": ["data", "base", "ablation"], "probe": None},
    "lr_range": {"probe": {"name": "lr_range"}, "confirm": {"seeds": 3}, "stages": []},
    "overfit": {"probe": {"name": "overfit"}},
    "search": {"driver": {"name": "optuna"}, "params": {"task.lr": "interval(0,1)"}, "limit": {"$float": "Infinity"}},
}


def test_a_database_of_version_3_gets_the_kind_of_each_study_from_its_config(tmp_path: Path) -> None:
    third = Path(shutil.copy(DATA / "store_v3.db", tmp_path / "third.db"))
    with sqlite3.connect(third) as conn:
        for name, config in KINDS.items():
            conn.execute(
                "INSERT INTO studies (name, task, command, config, provenance, status, created_at, active_at) "
                "SELECT ?, task, command, ?, provenance, status, created_at, active_at FROM studies WHERE id = 1",
                (name, json.dumps(config)),
            )
    with Store.open(f"sqlite:///{third}") as store:
        kinds = {study.name: str(study.kind) for study in store.studies()}
    assert kinds == {"first": "ablation", "second": "ablation", **{name: name for name in KINDS}}


def test_a_database_of_version_4_keeps_everything_and_has_handles_made_from_its_processes(tmp_path: Path) -> None:
    fourth = Path(shutil.copy(DATA / "store_v4.db", tmp_path / "fourth.db"))
    assert version_in(fourth) == 4
    with Store.open(f"sqlite:///{fourth}") as store:
        study = store.study("first")
        states = ["completed", "completed", "running", "launching", "failed", "pending"]
        assert [str(trial.state) for trial in store.trials(study.id)] == states
        assert store.outcomes(store.study("second").id)[0].reused
        lost, again = store.runs(store.trial(study.id, 1).id)
        assert [run.handle for run in (lost, again)] == ["vm-1:3999:1750000000.1", "host:4000:1750000000.0"]
        running, launching = store.live_runs(study.id)
        assert (running.handle, running.pid, running.device) == ("vm-1:4242:1764375000.37", 4242, "cpu")
        assert (launching.handle, launching.token, running.token) == (None, None, None)
        begun = store.begin_run(store.trial(study.id, 5).id, "first/trials/5")
        store.run_started(begun.id, handle="job 7")
        assert store.live_runs(study.id)[-1].handle == "job 7"
        assert begun.token
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    assert schema_of(fourth) == schema_of(tmp_path / "new.db")


def test_a_reader_does_not_migrate_but_says_what_would(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(StoreError, match=r"(?s)sweep\.db: it has schema version 1.*sweep rebuild --store sqlite"):
        Store.open(f"sqlite:///{old}", read_only=True)
    assert old.read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_database(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**migrations.STEPS, 2: (*migrations.STEPS[2], "ALTER TABLE no_such_table ADD COLUMN x TEXT")}
    monkeypatch.setattr(migrations, "STEPS", broken)
    before = schema_of(old)
    with pytest.raises(StoreError, match="no_such_table"):
        Store.open(f"sqlite:///{old}")
    assert schema_of(old) == before
    assert version_in(old) == 1


def test_there_is_a_step_to_every_version() -> None:
    assert list(migrations.STEPS) == list(range(2, migrations.SCHEMA_VERSION + 1))
