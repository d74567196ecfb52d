"""VisualDL is optional: it brings pandas, whose version 3 would replace a program's numpy 1."""

import sys

import pytest
from recorded_study import record_study

from sweep.cli.main import main
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.curves import CurveFiles


@pytest.fixture
def without_visualdl(monkeypatch):
    """Python's own way to say that a module cannot be imported."""
    monkeypatch.setitem(sys.modules, "visualdl", None)


def test_a_study_leaves_no_logs_and_an_installed_visualdl_gets_all_of_them_next_time(tmp_path, monkeypatch):
    with Store.open(record_study(tmp_path)) as store:
        study = store.study("s")
        folder = StudyDir(tmp_path / "results", "s")
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, "visualdl", None)
            files = CurveFiles(store, study.id, folder)
            for trial in store.trials(study.id):
                files.add(trial, store.series(trial.id))
            assert files.write_some() is False
            files.write_all()
            assert not list(tmp_path.glob("results/s/trials/*/vdl/*"))
        CurveFiles(store, study.id, folder).write_all()
        assert list(tmp_path.glob("results/s/trials/*/vdl/*"))


@pytest.mark.usefixtures("without_visualdl")
def test_the_export_says_what_to_install(tmp_path, capsys):
    assert main(["export", "s", "--store", record_study(tmp_path), "--visualdl"]) == 2
    assert "pip install visualdl" in capsys.readouterr().err
