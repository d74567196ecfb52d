"""Where a command keeps its study: where the store has it, wherever the command is given."""

import json
import shutil
from types import SimpleNamespace

import pytest
from recorded_study import CONFIG, url_of

from sweep.domain.recorded_config import PLACE
from sweep.errors import ConfigError
from sweep.rundir import STORE, place_in, store_seen_from
from sweep.store import Store
from sweep.study.places import folder_for


def asking(url, results="results", *overrides):
    """Return as much of a loaded config as says where its study is."""
    return SimpleNamespace(study=SimpleNamespace(name="s", store_url=url, results=str(results)), overrides=overrides)


@pytest.fixture
def recorded(tmp_path):
    """Put a study into a store, with its folder: `recorded(folder of the store, results folder)`; returns the URL."""

    def put(home, results):
        with Store.open(url_of(home)) as store:
            config = {**CONFIG, "results": str(results), PLACE: place_in(store.url, results)}
            record = store.create_study(name="s", task="t", command=[], config=config, provenance={})
            (results / "s").mkdir(parents=True)
            begun = {"created_at": record.created_at.isoformat()}
            plan = {"study": "s", STORE: store_seen_from(results / "s", store.url), "record": begun}
            (results / "s" / "plan.json").write_text(json.dumps(plan))
        return url_of(home)

    return put


def test_a_new_study_is_kept_where_the_command_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert folder_for(asking("sqlite:///results/sweep.db")).path == tmp_path / "results" / "s"


def test_a_study_in_a_copied_store_is_kept_in_the_copy(tmp_path, monkeypatch, recorded):
    recorded(tmp_path / "results", tmp_path / "results")
    shutil.copytree(tmp_path / "results", tmp_path / "copy")
    monkeypatch.chdir(tmp_path)
    assert folder_for(asking("sqlite:///copy/sweep.db")).path == tmp_path / "copy" / "s"


def test_a_study_stays_in_its_folder_and_another_one_is_refused_by_name(tmp_path, monkeypatch, recorded):
    url = recorded(tmp_path / "db", tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    assert folder_for(asking(url)).path == tmp_path / "out" / "s"
    assert folder_for(asking(url, "out", "results=out")).path == tmp_path / "out" / "s"
    with pytest.raises(ConfigError) as caught:
        folder_for(asking(url, "elsewhere", "results=elsewhere"))
    assert (caught.value.key, caught.value.exit_code) == ("results", 2)
    assert "out" in str(caught.value)


def test_a_folder_apart_from_its_store_that_was_moved_is_found_where_the_command_says(tmp_path, monkeypatch, recorded):
    url = recorded(tmp_path / "db", tmp_path / "project" / "results")
    (tmp_path / "project").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    assert folder_for(asking(url)).path == tmp_path / "moved" / "results" / "s"


def test_a_folder_that_does_not_exist_on_this_machine_is_not_made_again_in_silence(tmp_path, monkeypatch, recorded):
    url = recorded(tmp_path / "db", tmp_path / "disk" / "results")
    shutil.rmtree(tmp_path / "disk")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="does not exist on this machine"):
        folder_for(asking(url))
