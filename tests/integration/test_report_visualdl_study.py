import json
import subprocess
import sys

import pytest
from recorded_study import end_trial, make_study, make_trial, record_study, url_of
from visualdl import LogReader

from sweep.cli.main import main
from sweep.report.visualdl import FILE_NAME
from sweep.store import Store


@pytest.fixture
def folder(tmp_path):
    url = record_study(tmp_path)
    with Store.open(url) as store:
        study = make_study(store, tmp_path, "later")
        reused = make_trial(store, study, fingerprint="s-dropout=off-0")
        store.reuse(reused.id, store.find_finished([reused.fingerprint])[reused.fingerprint])
    assert main(["export", "s", "--store", url, "--visualdl", "--to", str(tmp_path / "out")]) == 0
    return tmp_path / "out" / "visualdl"


def hparam_list(folder) -> str:
    """Return what VisualDL's server says of a log folder; in a process of its own, for it keeps what it has read."""
    code = "import sys; from visualdl.server.api import Api; print(Api(sys.argv[1], None, 0).hparam_list()[0])"
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)], check=True, capture_output=True, text=True
    ).stdout.splitlines()[-1]


def test_the_hparams_page_has_every_trial_that_logged_with_what_was_varied_and_how_it_came_out(folder):
    rows = {row["name"].rpartition("visualdl/")[2]: row for row in json.loads(hparam_list(folder))["data"]}
    diverged, converged = (row for _, row in sorted(rows.items()))
    assert converged["hparams"] == {"dropout": "off", "clip": "base", "seed": 0, "verdict": "converged"}
    assert converged["metrics"]["result/steps_to_target"] == 30
    assert converged["metrics"]["val/acc"] == pytest.approx(0.95)
    assert diverged["hparams"]["verdict"] == "diverged"
    assert diverged["metrics"]["result/steps_to_target"] == "nan"
    assert diverged["metrics"]["val/acc"] == "nan"


def test_the_targets_metric_comes_right_after_the_results(folder):
    [file] = [path for path in folder.rglob(FILE_NAME) if path.parts[-3] == "1"]
    tags = LogReader(file_path=str(file)).get_tags()["scalar"]
    assert list(tags) == ["result/best", "result/steps_to_target", "val/acc", "train/loss"]


def test_a_trial_that_reuses_anothers_run_is_there_too(tmp_path, folder):
    assert main(["export", "later", "--store", url_of(tmp_path), "--visualdl", "--to", str(tmp_path / "two")]) == 0
    assert [path.parts[-3] for path in (tmp_path / "two").rglob(FILE_NAME)] == ["0"]


def test_params_are_numbers_where_all_of_them_are(tmp_path):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path)
        for seed, (lr, act) in enumerate([("1", "relu"), ("0.5", "2")]):
            end_trial(store, make_trial(store, study, seed, params=(("task.act", act), ("task.lr", lr))), tau=20)
    assert main(["export", "s", "--store", url_of(tmp_path), "--visualdl", "--to", str(tmp_path / "out")]) == 0
    found = {}
    for file in (tmp_path / "out").rglob(FILE_NAME):
        infos = LogReader(file_path=str(file)).get_data("hyper_parameters", "hparam")[0].hparam.hparamInfos
        found[file.parts[-3]] = {info.name: info.WhichOneof("type") for info in infos}
    assert [kinds["task.lr"] for kinds in found.values()] == ["float_value"] * 2
    assert [kinds["task.act"] for kinds in found.values()] == ["string_value"] * 2
