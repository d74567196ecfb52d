"""`rebuild --results DIR` assigns folders to the store that holds their studies now."""

import json
import shutil

from recorded_study import CONFIG, url_of

from sweep.cli.main import main
from sweep.domain.recorded_config import PLACE
from sweep.rundir import STORE, StudyDir, place_in, store_seen_from
from sweep.store import Store
from sweep.study.places import why_not_ours


def record(url, results):
    with Store.open(url) as store:
        config = {**CONFIG, "results": str(results), PLACE: place_in(store.url, results)}
        study = store.create_study(name="s", task="t", command=[], config=config, provenance={})
        (results / "s" / "trials").mkdir(parents=True)
        begun = {"created_at": study.created_at.isoformat(), "config": config, "command": [], "provenance": {}}
        plan = {"study": "s", "task": "t", STORE: store_seen_from(results / "s", store.url), "record": begun}
        (results / "s" / "plan.json").write_text(json.dumps(plan))


def reason(url):
    with Store.open(url, read_only=True) as store:
        return why_not_ours(store.study("s"))


def test_a_moved_store_gets_its_folders_back_by_name_alone(tmp_path, capsys):
    record(url_of(tmp_path / "db"), tmp_path / "results")
    (tmp_path / "db").rename(tmp_path / "moved")
    url = url_of(tmp_path / "moved")
    assert str(tmp_path / "db") in str(reason(url))
    assert main(["rebuild", "--store", url, "--results", str(tmp_path / "results")]) == 0
    assert reason(url) is None
    assert main(["rebuild", "--store", url, "--results", str(tmp_path / "results")]) == 2
    assert "nothing to rebuild" in capsys.readouterr().err


def test_a_folder_apart_from_its_store_that_was_moved_is_recorded_in_its_new_place(tmp_path):
    url = url_of(tmp_path / "db")
    record(url, tmp_path / "results")
    (tmp_path / "results").rename(tmp_path / "moved")
    assert main(["rebuild", "--store", url, "--results", str(tmp_path / "moved")]) == 0
    with Store.open(url, read_only=True) as store:
        assert StudyDir.of(store.study("s")).path == tmp_path / "moved" / "s"
        assert why_not_ours(store.study("s")) is None


def test_a_backup_beside_a_store_does_not_take_its_folders_over_without_being_told_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record("sqlite:///results/sweep.db", tmp_path / "results")
    shutil.copy("results/sweep.db", "results/backup.db")
    assert main(["rebuild", "--store", "sqlite:///results/backup.db"]) == 2
    assert reason("sqlite:///results/sweep.db") is None


def test_a_results_folder_implies_the_store_in_it_and_two_of_them_need_one_named(tmp_path, capsys):
    record(url_of(tmp_path / "a"), tmp_path / "a")
    (tmp_path / "a" / "sweep.db").unlink()
    assert main(["rebuild", "--results", str(tmp_path / "a")]) == 0
    assert reason(url_of(tmp_path / "a")) is None
    assert main(["rebuild", "--results", str(tmp_path / "a"), "--results", str(tmp_path)]) == 2
    assert "--store URL" in capsys.readouterr().err
