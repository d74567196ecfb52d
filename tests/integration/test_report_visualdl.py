import json
import math

import making
import numpy as np
import pytest
from PIL import Image
from visualdl import LogReader
from visualdl.server.api import Api

from sweep.domain.axis import Cell
from sweep.domain.metric import Series
from sweep.report.visualdl import FILE_NAME, FLOAT_MAX, run_name, write_trial


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "trials" / "4" / "vdl"
    series = {
        "train/loss": Series(np.array([10, 20, 30]), np.array([2.5, np.nan, np.inf])),
        "val/acc%": Series(np.array([10, 20]), np.array([0.25, -1e300])),
    }
    write_trial(folder, {"lr": 0.1, "net": {"width": 64, "bias": True, "act": None}, "big": 2**40}, series)
    return folder


def test_visualdls_reader_finds_every_point_nan_and_inf_included(log):
    reader = LogReader(file_path=str(log / FILE_NAME))
    assert set(reader.get_tags()["scalar"]) == {"train/loss", "val/acc_"}
    points = [(p.id, p.value) for p in reader.get_data("scalar", "train/loss")]
    assert points[0] == (10, 2.5)
    assert math.isnan(points[1][1])
    assert points[2] == (30, math.inf)
    assert reader.get_data("scalar", "val/acc_")[1].value == pytest.approx(-FLOAT_MAX)


def test_visualdls_server_lists_the_run_with_its_hyperparameters(log):
    api = Api(str(log.parents[1]), None, 0)
    assert json.loads(api.runs()[0])["data"] == ["4"]
    [run] = json.loads(api.hparam_list()[0])["data"]
    assert run["hparams"] == {"lr": pytest.approx(0.1), "net.width": 64, "net.bias": "True", "big": str(2**40)}
    assert set(run["metrics"]) == {"train/loss", "val/acc_"}
    assert [point[2] for point in json.loads(api.scalar_list("4", "train/loss")[0])["data"]] == [2.5, "nan", "inf"]


def trial_of(cell, number=3, seed=2):
    return making.trial_record(number=number, cell=cell, seed=seed)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (Cell(), "03 base s2"),
        (Cell.of(["dropout=off"]), "03 dropout=off s2"),
        (Cell.of(["dropout=off", "clip=on"]), "03 clip=on+dropout=off s2"),
        (Cell(params=(("task.path", "a/b c"),)), "03 task.path=a_b_c s2"),
    ],
)
def test_a_run_is_called_by_number_cell_and_seed(cell, name, tmp_path):
    trial = trial_of(cell)
    assert run_name(trial, 40) == name
    folder = tmp_path / "3" / "vdl"
    write_trial(folder, {}, {"loss": Series(np.array([1]), np.array([0.5]))}, name=run_name(trial, 40))
    assert json.loads(Api(str(tmp_path), None, 0).runs()[0])["data"] == [name]


def test_names_of_runs_sort_by_number_and_stay_short():
    assert run_name(trial_of(Cell(), number=7), 1000) == "007 base s2"
    long = run_name(trial_of(Cell.of([f"axis_number_{n}=level" for n in range(40)])), 40)
    assert len(long) == 80
    assert long.endswith(" s2")


def test_a_trial_written_again_replaces_its_log(log):
    write_trial(log, {"lr": 0.2}, {"train/loss": Series(np.array([1]), np.array([0.5]))})
    assert [path.name for path in log.iterdir()] == [FILE_NAME]
    assert set(LogReader(file_path=str(log / FILE_NAME)).get_tags()["scalar"]) == {"train/loss"}


def test_visualdls_own_reader_finds_the_picture(tmp_path):
    Image.new("RGB", (5, 3), (10, 20, 30)).save(tmp_path / "batch.png")
    series = {"loss": Series(np.array([1]), np.array([0.5]))}
    write_trial(tmp_path / "vdl", {}, series, pictures=[tmp_path / "batch.png"])
    reader = LogReader(file_path=str(tmp_path / "vdl" / FILE_NAME))
    assert set(reader.get_tags()["image"]) == {"batch"}
    [record] = reader.get_data("image", "batch")
    assert record.image.encoded_image_string == (tmp_path / "batch.png").read_bytes()
