"""After an update of sweep, a store of the earlier version is upgraded by every verb that changes one, and by name."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from sweep.cli.main import main
from sweep.cli.shared import open_existing
from sweep.errors import NotFoundError
from sweep.store import Store

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def old(tmp_path, monkeypatch):
    """The URL of a store of an earlier version; no study's folder lies beside it."""
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{shutil.copy(DATA / 'old_results' / 'sweep.db', tmp_path / 'sweep.db')}"


def test_a_reading_verb_names_a_command_that_upgrades_the_store(old, capsys):
    assert main(["ls", "--store", old]) == 1
    assert f"sweep rebuild --store {old}`" in capsys.readouterr().err
    assert main(["rebuild", "--store", old]) == 0
    assert main(["ls", "--store", old]) == 0
    with Store.open(old, read_only=True) as store:
        assert len(store.trials(store.study("old").id)) == 1


def test_a_study_whose_recorded_config_has_no_results_folder_is_listed(tmp_path, capsys):
    url = f"sqlite:///{shutil.copy(DATA / 'store_v3.db', tmp_path / 'sweep.db')}"
    assert main(["rebuild", "--store", url]) == 0
    assert main(["ls", "--store", url]) == 0
    assert "second" in capsys.readouterr().out


def test_a_verb_that_changes_a_store_upgrades_it(old):
    with open_existing(old) as store:
        assert {record.name for record in store.studies()} == {"old"}
    assert main(["gc", "--dry-run", "--store", old]) == 0


def test_a_verb_that_changes_a_store_creates_none(tmp_path):
    with pytest.raises(NotFoundError):
        open_existing(f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()


def test_an_earlier_store_that_is_damaged_is_not_upgraded_but_reported(old, tmp_path, capsys):
    with sqlite3.connect(tmp_path / "sweep.db") as conn:
        conn.execute("DELETE FROM schema_version")
    assert main(["rebuild", "--store", old]) != 0
    assert "Traceback" not in capsys.readouterr().err
