"""A results folder that an earlier version left, with its paths as typed: found beside its store, copied or moved."""

import json
import shutil
from pathlib import Path

import pytest
from recorded_study import url_of

from sweep.cli.main import main
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.garbage import Rule, collect_garbage
from sweep.study.places import why_not_ours

OLD = Path(__file__).parents[1] / "data" / "old_results"
"""Frozen at version 0.1: `results`, relative to where the study was started, in record and plan.json."""


def log_of(folder):
    return folder.trial(0).log.read_text()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The current folder: a project whose results an earlier version left."""
    folder = tmp_path / "project"
    shutil.copytree(OLD, folder / "results")
    monkeypatch.chdir(folder)
    return folder


def test_gc_and_report_of_a_copy_of_an_old_results_folder_act_on_the_copy_alone(project, capsys):
    copy = shutil.copytree(project / "results", project / "copy")
    assert main(["gc", "--keep-days", "0", "--json", "--store", "sqlite:///copy/sweep.db"]) == 0
    assert json.loads(capsys.readouterr().out)["folders"] == {"old": str(copy / "old" / "trials")}
    assert main(["report", "old", "--store", "sqlite:///copy/sweep.db"]) == 0
    assert (copy / "old" / "report.html").exists()
    assert sorted(path.name for path in (project / "results" / "old").iterdir()) == [
        "plan.json",
        "summary.json",
        "trials",
    ]
    assert log_of(StudyDir(project / "results", "old")) == "trained\n"


def test_an_old_results_folder_that_was_moved_is_found_from_any_current_folder(project, tmp_path, monkeypatch, capsys):
    moved = (project / "results").rename(tmp_path / "moved")
    monkeypatch.chdir("/")
    Store.open(url_of(moved)).close()  # a writer brings it to this version
    assert main(["logs", "0", "--study", "old", "--store", url_of(moved)]) == 0
    assert capsys.readouterr().out == "trained\n"


def test_the_database_of_an_old_results_folder_copied_alone_deletes_nothing_of_it(project):
    shutil.copy(project / "results" / "sweep.db", project / "results" / "backup.db")
    with Store.open("sqlite:///results/backup.db") as store:
        assert collect_garbage(store, Rule(keep_days=0)).folders == {}
    assert log_of(StudyDir(project / "results", "old")) == "trained\n"


def test_a_rebuilt_old_results_folder_has_the_times_of_its_files(project, capsys):
    (project / "results" / "sweep.db").unlink()
    assert main(["rebuild"]) == 0
    summary = json.loads((project / "results" / "old" / "summary.json").read_text())
    with Store.open("sqlite:///results/sweep.db", read_only=True) as store:
        record = store.study("old")
        assert record.created_at.isoformat(timespec="seconds") == summary["created_at"]
        assert record.ended_at is not None
        assert record.ended_at.isoformat(timespec="seconds") == summary["ended_at"]
        assert record.provenance["folder"] == "/home/user/project"
        assert why_not_ours(record) is None
