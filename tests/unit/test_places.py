"""A study's folder is found from its store, wherever that was copied or moved to, and another store's is left alone."""

import json
import shutil
from datetime import timedelta

import pytest
from recorded_study import CONFIG, end_trial, make_trial, url_of

from sweep.config.stores import absolute_store
from sweep.domain.recorded_config import PLACE
from sweep.errors import OtherStoreError
from sweep.rundir import STORE, StudyDir, is_owner, owner_of, place_in, read_plan, store_seen_from
from sweep.rundir.places import home_of
from sweep.store import Store
from sweep.study.garbage import Rule, collect_garbage
from sweep.study.places import check_ours, check_owner, why_not_ours

PROVENANCE = {"git_sha": "abc", "packages": {}, "host": "h", "gpus": [], "seeds": [0]}


def record_study(store, results, name="s", *, place=True, folder=None, typed=None, url="sqlite:///results/sweep.db"):
    """Put a study into a store as a command leaves it; without `place` as earlier versions did."""
    config = {**CONFIG, "results": typed or str(results), "store": {"url": url}}
    if place:
        config[PLACE] = place_in(store.url, results)
    started = {} if folder is None else {"folder": str(folder)}
    record = store.create_study(name=name, task="t", command=[], config=config, provenance={**PROVENANCE, **started})
    end_trial(store, make_trial(store, record, fingerprint=name))
    store.update_study(record.id, status="ended", ended=True)
    run = results / name / "trials" / "0"
    run.mkdir(parents=True)
    (run / "out.log").write_text(f"log of {name}")
    plan = {"study": name, "record": {"created_at": record.created_at.isoformat(), "config": config}}
    plan["record"]["provenance"] = dict(record.provenance)
    if place:
        plan[STORE] = store_seen_from(results / name, store.url)
    (results / name / "plan.json").write_text(json.dumps(plan))
    return record


@pytest.fixture
def original(tmp_path):
    """A results folder with its store in it, and one study that ended."""
    results = tmp_path / "project" / "results"
    with Store.open(url_of(results)) as store:
        record_study(store, results)
    return results


def log_of(folder):
    return folder.trial(0).log.read_text()


def test_a_copied_results_folder_is_whole_and_gc_acts_on_it_alone(original, tmp_path, monkeypatch):
    copy = tmp_path / "project" / "copy"
    shutil.copytree(original, copy)
    monkeypatch.chdir(tmp_path / "project")  # where `results`, read relative to it, would be the original
    with Store.open("sqlite:///copy/sweep.db") as store:
        assert StudyDir.of(store.study("s")).path == copy / "s"
        planned = collect_garbage(store, Rule(keep_days=0), is_dry=True)
        freed = collect_garbage(store, Rule(keep_days=0))
    assert planned.folders == freed.folders == {"s": str(copy / "s" / "trials")}
    assert not (copy / "s" / "trials").exists()
    assert log_of(StudyDir(original, "s")) == "log of s"


def test_a_moved_results_folder_keeps_working_from_anywhere(original, tmp_path, monkeypatch):
    moved = tmp_path / "elsewhere" / "out"
    moved.parent.mkdir()
    original.rename(moved)
    monkeypatch.chdir("/")
    with Store.open(url_of(moved), read_only=True) as store:
        record = store.study("s")
        assert log_of(StudyDir.of(record)) == "log of s"
        assert check_ours(record).path == moved / "s"


def test_a_folder_apart_from_its_store_is_absolute_and_read_only_for_another_store(tmp_path):
    results = tmp_path / "disk" / "results"
    with Store.open(url_of(tmp_path / "db")) as store:
        record = record_study(store, results)
        assert record.config.place == str(results)
        assert why_not_ours(record) is None
    shutil.copytree(tmp_path / "db", tmp_path / "copied")
    with Store.open(url_of(tmp_path / "copied")) as store:
        record = store.study("s")
        assert log_of(StudyDir.of(record)) == "log of s"
        with pytest.raises(OtherStoreError) as caught:
            check_ours(record)
        freed = collect_garbage(store, Rule(keep_days=0))
    assert caught.value.exit_code == 2
    assert str(tmp_path / "db" / "sweep.db") in str(caught.value)
    assert str(tmp_path / "copied" / "sweep.db") in str(caught.value)
    assert freed.folders == {}
    assert [name for name, _ in freed.kept] == ["s"]
    assert log_of(StudyDir(results, "s")) == "log of s"


def test_a_backup_beside_the_store_may_not_delete_the_stores_run_folders(original):
    shutil.copy(original / "sweep.db", original / "backup.db")
    with Store.open(f"sqlite:///{original / 'backup.db'}") as store:
        freed = collect_garbage(store, Rule(keep_days=0))
    assert freed.thinned == ()
    assert "sweep.db" in dict(freed.kept)["s"]
    assert log_of(StudyDir(original, "s")) == "log of s"


def test_a_store_that_was_renamed_in_its_folder_keeps_its_folders(original):
    (original / "sweep.db").rename(original / "old.db")
    with Store.open(f"sqlite:///{original / 'old.db'}") as store:
        assert collect_garbage(store, Rule(keep_days=0)).thinned == ("s",)


def test_a_folder_of_another_study_of_the_same_name_is_not_deleted(original):
    plan = json.loads((original / "s" / "plan.json").read_text())
    plan["record"]["created_at"] = "2020-01-01T00:00:00+00:00"
    (original / "s" / "plan.json").write_text(json.dumps(plan))
    with Store.open(url_of(original)) as store:
        assert "another study" in dict(collect_garbage(store, Rule(keep_days=0)).kept)["s"]


def test_a_study_whose_folder_is_gone_is_still_let_go_and_one_on_a_disk_that_is_not_there_is_kept(tmp_path):
    results = tmp_path / "disk" / "results"
    with Store.open(url_of(tmp_path / "db")) as store:
        record_study(store, results)
        shutil.rmtree(results / "s")
        assert collect_garbage(store, Rule(keep_days=0), is_dry=True).thinned == ("s",)
        shutil.rmtree(tmp_path / "disk")
        assert str(results) in dict(collect_garbage(store, Rule(keep_days=0)).kept)["s"]


@pytest.mark.parametrize("copied", ["project", "results"])
def test_a_record_with_results_as_typed_is_found_beside_its_store(tmp_path, monkeypatch, copied):
    project = tmp_path / "project"
    with Store.open(url_of(project / "results")) as store:
        record_study(store, project / "results", place=False, folder=project, typed="results")
    new = tmp_path / "copy" if copied == "project" else project / "copy"
    shutil.copytree(project if copied == "project" else project / "results", new)
    results = new / "results" if copied == "project" else new
    monkeypatch.chdir(project)
    with Store.open(url_of(results)) as store:
        record = store.study("s")
        assert StudyDir.of(record).path == results / "s"
        assert collect_garbage(store, Rule(keep_days=0)).folders == {"s": str(results / "s" / "trials")}
    assert log_of(StudyDir(project / "results", "s")) == "log of s"


def test_a_record_with_results_as_typed_and_a_store_elsewhere_is_found_where_it_was_started(tmp_path, monkeypatch):
    project, url = tmp_path / "project", f"sqlite:///{tmp_path}/db/sweep.db"
    with Store.open(url) as store:
        record_study(store, project / "out", place=False, folder=project, typed="out", url=url)
    shutil.copytree(tmp_path / "db", tmp_path / "copied")
    monkeypatch.chdir(tmp_path)
    with Store.open(url, read_only=True) as store:
        assert why_not_ours(store.study("s")) is None
        assert log_of(StudyDir.of(store.study("s"))) == "log of s"
    with Store.open(url_of(tmp_path / "copied"), read_only=True) as store:
        assert log_of(StudyDir.of(store.study("s"))) == "log of s"
        with pytest.raises(OtherStoreError, match="db/sweep"):
            check_ours(store.study("s"))


def test_a_record_that_an_earlier_rebuild_dated_to_its_own_time_owns_its_folder_still(tmp_path):
    with Store.open(url_of(tmp_path)) as store:
        record = record_study(
            store,
            tmp_path,
            place=False,
            folder=tmp_path.parent,
            typed=tmp_path.name,
            url=f"sqlite:///{tmp_path.name}/sweep.db",
        )
        plan = read_plan(tmp_path / "s")
        plan["record"]["created_at"] = (record.created_at - timedelta(days=3)).isoformat()
        (tmp_path / "s" / "plan.json").write_text(json.dumps(plan))
        assert why_not_ours(store.study("s")) is None


def test_a_database_server_is_compared_by_its_url_without_password(tmp_path):
    url = absolute_store("postgresql+psycopg://me:secret@host/db")
    assert "secret" not in url
    assert home_of(url) is None
    assert place_in(url, tmp_path) == str(tmp_path)
    owner = owner_of({STORE: store_seen_from(tmp_path / "s", url)}, tmp_path / "s")
    assert is_owner(absolute_store("postgresql://me@host/db"), owner)
    assert not is_owner(absolute_store("postgresql://me@host/other"), owner)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "plan.json").write_text(json.dumps({STORE: owner}))
    with pytest.raises(OtherStoreError, match="postgresql://me@host/db"):
        check_owner(url_of(tmp_path), StudyDir(tmp_path, "s"))


def test_a_results_folder_reached_through_a_link_is_the_same_one(original, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(original)
    with Store.open(url_of(link), read_only=True) as store:
        assert why_not_ours(store.study("s")) is None
        assert log_of(StudyDir.of(store.study("s"))) == "log of s"


def test_a_store_reached_through_a_link_to_its_file_has_its_folders(original, tmp_path):
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(original / "sweep.db")
    with Store.open(f"sqlite:///{link}", read_only=True) as store:
        assert why_not_ours(store.study("s")) is None
        assert log_of(StudyDir.of(store.study("s"))) == "log of s"


def test_a_study_put_into_a_store_through_a_link_is_the_one_that_the_file_itself_has(tmp_path):
    results, link = tmp_path / "results", tmp_path / "links" / "link.db"
    for folder in (results, link.parent):
        folder.mkdir()
    link.symlink_to(results / "sweep.db")
    with Store.open(f"sqlite:///{link}") as store:
        record_study(store, results)
    with Store.open(url_of(results), read_only=True) as store:
        assert why_not_ours(store.study("s")) is None
        assert log_of(StudyDir.of(store.study("s"))) == "log of s"


def test_a_place_that_was_recorded_beside_a_link_to_the_store_is_found(tmp_path):
    data, links = tmp_path / "data", tmp_path / "links"
    for folder in (data, links):
        folder.mkdir()
    with Store.open(f"sqlite:///{data}/sweep.db") as store:
        folder = str(tmp_path)
        record = record_study(store, links / "results", folder=folder, typed="links/results")
        store.update_study(record.id, config={**record.config.raw, PLACE: "results"})
        assert log_of(StudyDir.of(store.study("s"))) == "log of s"


def test_a_link_beside_the_store_and_the_store_own_the_same_folders(original):
    link = original / "link.db"
    link.symlink_to("sweep.db")
    owner = f"sqlite:///{link}"  # as plan.json of an earlier version names it
    assert is_owner(url_of(original), owner)
    assert is_owner(owner, url_of(original))
