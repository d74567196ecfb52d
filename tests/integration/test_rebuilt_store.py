"""A store rebuilt from the folders says what the original said: rows, times, provenance, the order of studies."""

import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from sweep.cli.main import main

PROJECT = Path(__file__).parents[1] / "acceptance" / "nightly"
TASK = ("--config-dir", "my_conf", "task=moons", "watch=off", "launcher.slots=2")

QUERIES = {
    "studies": """select name, kind, task, command, config, provenance, status, created_at, active_at, ended_at
        from studies""",
    "trials": """select s.name, t.number, t.cell, t.seed, t.fingerprint, t.overrides, t.task, t.state, t.is_current,
        t.verdict, t.reason, t.rule, t.tau, t.last_step, t.best, t.final, b.number, c.name
        from trials t join studies s on s.id = t.study_id
        left join trials b on b.id = t.source_trial_id left join studies c on c.id = b.study_id""",
    "runs": """select s.name, t.number, r.attempt, r.dir, r.state, r.token, r.host, r.pid, r.device, r.failure,
        r.message, r.stop_reason, r.wall_s, r.last_step, r.ingested_bytes, r.started_at, substr(r.ended_at, 1, 16)
        from runs r join trials t on t.id = r.trial_id join studies s on s.id = t.study_id""",
    "symptoms": """select s.name, t.number, y.position, y.rule, y.step, y.value, y.threshold, y.metric, y.message
        from symptoms y join trials t on t.id = y.trial_id join studies s on s.id = t.study_id""",
    "nights": "select * from nights",
    "night_tasks": "select * from night_tasks",
    "baselines": "select * from baselines",
}


def rows(db, query):
    with sqlite3.connect(db) as connection:
        return sorted(connection.execute(query).fetchall(), key=repr)


def latest_first(db):
    with sqlite3.connect(db) as connection:
        return [name for (name,) in connection.execute("select name from studies order by active_at desc, id desc")]


def summaries(db):
    return {name: json.loads(text) for name, text in rows(db, "select name, summary from studies")}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Studies of every kind: plain, with reused trials, continued, a search, a check, a diagnosis, a night."""
    place = shutil.copytree(PROJECT, tmp_path_factory.mktemp("rebuilt") / "project")
    before, path = Path.cwd(), list(sys.path)
    os.chdir(place)
    sys.path.insert(0, str(place))
    try:
        assert main([*TASK, "seeds=2", "study=base"]) == 0
        assert main([*TASK, "seeds=2", "study=axes", "+axes.lr={levels: {low: [task.lr=0.4]}}"]) == 0
        assert main([*TASK, "seeds=3", "study=base"]) == 0  # continued: two sessions
        search = ("+search=tpe", "+params.task.lr=interval(0.1,1.0)", "driver.n_trials=3", "seeds=1", "study=search")
        assert main([*TASK, *search]) == 0
        main([*TASK, "+check=data", "study=check"])
        main([*TASK, "+diagnose=full", "seeds=1", "study=whole"])
        night = ("--config-dir", "my_conf", "+regression=small", "regression.night=2026-10-01", "seeds=10")
        assert main(night) == 0
        assert main(["baseline", "accept", "--last", "1"]) == 0
    finally:
        os.chdir(before)
        sys.path[:] = path
    return place / "results"


@pytest.fixture
def rebuilt(results, tmp_path):
    copy = shutil.copytree(results, tmp_path / "copy")
    for file in copy.glob("sweep.db*"):
        file.unlink()
    assert main(["rebuild", "--results", str(copy)]) == 0
    return copy


def test_every_row_that_a_reader_sees_comes_back(results, rebuilt):
    for name, query in QUERIES.items():
        assert rows(rebuilt / "sweep.db", query) == rows(results / "sweep.db", query), name
    assert latest_first(rebuilt / "sweep.db") == latest_first(results / "sweep.db")


def test_summaries_come_back(results, rebuilt):
    assert summaries(rebuilt / "sweep.db") == summaries(results / "sweep.db")


def test_folders_of_an_earlier_version_give_their_times_and_provenance_from_summary_and_results(results, tmp_path):
    copy = shutil.copytree(results, tmp_path / "old")
    for file in [*copy.glob("sweep.db*"), *copy.glob("*/record.json")]:
        file.unlink()
    assert main(["rebuild", "--results", str(copy)]) == 0
    query = "select name, created_at, substr(ended_at, 1, 16), provenance from studies"
    assert rows(copy / "sweep.db", query) == rows(results / "sweep.db", query)
    assert latest_first(copy / "sweep.db")[-1] == latest_first(results / "sweep.db")[-1]


def test_a_rebuilt_store_knows_its_folders_and_another_results_folder_needs_no_store_option(rebuilt, capsys):
    capsys.readouterr()
    assert main(["gc", "--keep-days", "0", "--dry-run", "--json", "--store", f"sqlite:///{rebuilt}/sweep.db"]) == 0
    folders = json.loads(capsys.readouterr().out)["folders"]
    assert folders["base"] == str(rebuilt / "base" / "trials")
    assert set(folders.values()) == {str(rebuilt / name / "trials") for name in folders}
