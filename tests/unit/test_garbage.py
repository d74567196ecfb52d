"""What gc says of a folder that it cannot delete, and what is left of a study whose folders it deleted."""

import errno
import json
import os

import pytest
from recorded_study import CONFIG, end_trial, make_study, make_trial, url_of

from sweep.cli.main import main
from sweep.domain.recorded_config import PLACE
from sweep.rundir import StudyDir, write_json_atomic
from sweep.store import Store
from sweep.study.garbage import Rule, collect_garbage


@pytest.fixture
def old_study(tmp_path):
    """A study that has ended, with 3 + 4 bytes in the folders of its runs."""
    with Store.open("sqlite://") as store:
        record = make_study(store, tmp_path)
        end_trial(store, make_trial(store, record))
        store.update_study(record.id, status="ended", ended=True)
        folder = StudyDir.of(record)
        folder.trial(0).renew(attempt=1)
        begun = {"created_at": record.created_at.isoformat()}
        write_json_atomic(folder.plan, {"study": "s", "store": store.url, "record": begun})
        folder.trial(0).log.write_text("log")
        folder.trial(0).result.write_text("done")
        yield store, folder


def test_a_folder_that_cannot_be_deleted_is_named_and_what_stays_is_not_counted_as_freed(old_study, monkeypatch):
    store, folder = old_study
    unlink = os.unlink

    def refuse(path, *, dir_fd=None):
        if path == "result.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        unlink(path, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        freed = collect_garbage(store, Rule(keep_days=0))
    assert [path.name for path in folder.trial(0).path.iterdir()] == ["result.json"]
    assert freed.folder_bytes == 3
    assert freed.kept == (("s", f"4 bytes of its folder {folder.path} cannot be deleted"),)
    freed = collect_garbage(store, Rule(keep_days=0))
    assert (freed.thinned, freed.kept, freed.folder_bytes) == (("s",), (), 4)


def test_a_report_is_not_replaced_by_an_empty_one_if_the_store_was_rebuilt_after_gc(tmp_path, capsys):
    results = tmp_path / "results"
    with Store.open(url_of(results)) as store:
        record = store.create_study(
            name="s", task="t", command=[], config={**CONFIG, PLACE: "."}, provenance={"folder": str(tmp_path)}
        )
    folder = StudyDir(results, "s")
    folder.path.mkdir()
    plan = {"study": "s", "record": {"created_at": record.created_at.isoformat()}}
    folder.plan.write_text(json.dumps(plan))
    (folder.path / "report.md").write_text("3 of 3 seeds converged")
    folder.summary.write_text(json.dumps({"cost": {"trials": 3}}))
    assert main(["report", "s", "--store", url_of(results)]) == 1
    assert "3 trials" in capsys.readouterr().err
    assert (folder.path / "report.md").read_text() == "3 of 3 seeds converged"
