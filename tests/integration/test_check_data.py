"""Every planted fault of the data is found and named, on real data; healthy data raises nothing."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from sweep.analysis.checks import read_check
from sweep.domain.check import FINDINGS, Check
from sweep.domain.checked import CheckContext, CheckTrial
from sweep.domain.data_figures import DataFindings
from sweep.domain.json_form import from_json, to_object
from sweep.domain.states import TrialState
from sweep.domain.target import Target
from sweep.domain.task_ref import TaskRef
from sweep.rundir import EventWriter, RunDir
from sweep.task import TaskConfig
from sweep.worker.checks.data import run_check
from sweep.worker.loading import load_task
from sweep.worker.run import WorkerRun

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "stubs"))

METRICS = {"digits": "val/acc", "tumours": "val/acc", "patients": "val/r2"}
HEALTHY = ["digits_cnn", "digits_cnn_overregularised", "digits_mlp", "breast_cancer", "diabetes"]


def look(folder, section, metric, **settings):
    """Run the data check on a task section as a worker does, and return what it showed."""
    probe = yaml.safe_load((ROOT / "conf" / "check" / "data.yaml").read_text())["probe"] | {"metric": metric} | settings
    target = Target.from_mapping(
        {"metric": metric, "mode": "max", "threshold": 0.9, "hold": 3, "budget_steps": 400, "stop_early": True}
    )
    folder.mkdir(exist_ok=True)
    run_dir = RunDir(folder)
    run = WorkerRun(run_dir, seed=0, target=target, events=EventWriter(run_dir.events), is_check=True)
    cfg = TaskConfig({key: value for key, value in section.items() if key != "_target_"})
    run_check(load_task(TaskRef.of(section)), cfg, run, Check.from_mapping(probe))
    trial = CheckTrial(
        number=0,
        seed=0,
        state=TrialState.COMPLETED,
        message="",
        series={},
        findings=from_json(DataFindings, json.loads((run_dir.artifacts / FINDINGS).read_text())),
        artifacts="artifacts",
    )
    return read_check([trial], CheckContext(check=Check.from_mapping(probe), task=section, target=target))


def planted(folder, fault, source="digits", form="object", **settings):
    section = {"_target_": "check_tasks.train", "fault": fault, "source": source, "form": form}
    if source == "patients":
        section["target_norm"] = "standardize"
    return look(folder, section, METRICS[source], **({"train_steps": 30} | settings))


def trouble(result):
    """Return the checks that found something, by name."""
    return {c["check"]: c for c in checks(result) if c["severity"] in ("broken", "warning")}


def checks(result):
    return [{"check": check.name, **to_object(check)} for check in result.section.checks]


@pytest.mark.parametrize("task", HEALTHY)
def test_the_healthy_native_tasks_raise_nothing(task, tmp_path):
    config = yaml.safe_load((ROOT / "conf" / "task" / f"{task}.yaml").read_text())
    result = look(tmp_path, config["task"], config["converge"]["metric"])
    assert result.is_ok
    assert {check["severity"] for check in checks(result)} == {"ok"}, result.answer
    page = (ROOT / "docs" / "checks.md").read_text()
    assert all(f"| `{check['name']}` |" in page for check in checks(result))


@pytest.mark.parametrize("form", ["object", "tuple", "dataset", "iterable", "loader"])
def test_healthy_data_of_the_users_own_raises_nothing_in_any_form(form, tmp_path):
    result = planted(tmp_path, "none", form=form)
    assert {check["severity"] for check in checks(result)} == {"ok"}, result.answer
    assert result.section.measured.train.read == 1397


FAULTS = [
    ("out_of_range", "digits", "label range", "broken", "out of range: 37"),
    ("negative", "digits", "label range", "broken", "out of range: -4"),
    ("shifted_up", "digits", "label range", "broken", "shifted by one"),
    ("shifted_down", "digits", "label range", "broken", "shifted by one"),
    ("shifted_up", "tumours", "label range", "broken", "shifted by one"),
    ("fractional", "digits", "label type", "broken", "not whole numbers"),
    ("one_too_many", "digits", "label range", "broken", "out of range: 10"),
    ("ignored_255", "digits", "ignored labels", "warning", "labels are 255"),
    ("ignored_minus", "digits", "ignored labels", "warning", "labels are -100"),
    ("sorted", "digits", "order of rows", "warning", "sorted by class"),
    ("rare", "digits", "label balance", "warning", "class 4"),
    ("permuted", "digits", "labels and inputs", "broken", "permuted"),
    ("permuted", "tumours", "labels and inputs", "broken", "permuted"),
    ("permuted", "patients", "labels and inputs", "broken", "permuted"),
    ("rows", "digits", "labels and inputs", "broken", "shifted by one row"),
    ("rows", "patients", "labels and inputs", "broken", "shifted by one row"),
    ("half_rows", "digits", "labels along the rows", "broken", "one row down"),
    ("half_rows", "patients", "labels along the rows", "broken", "one row down"),
    ("half_permuted", "digits", "labels along the rows", "warning", "permuted"),
    ("val_shifted", "digits", "validation labels", "broken", "shifted by one"),
    ("bytes", "digits", "input scale", "warning", "0 to 255"),
    ("val_bytes", "digits", "validation scale", "broken", "standard deviation"),
    ("spread", "tumours", "input scale", "warning", "differ in scale"),
    ("zeroed", "digits", "empty inputs", "broken", "all training inputs are zero"),
    ("zeroed", "patients", "empty inputs", "broken", "all training inputs are zero"),
    ("nan", "digits", "NaN and infinity", "broken", "1 NaN"),
    ("nan", "tumours", "NaN and infinity", "broken", "sample 17"),
    ("val_is_train", "digits", "overlap", "broken", "is the training set"),
    ("val_is_train", "patients", "overlap", "broken", "is the training set"),
    ("constant", "tumours", "constant features", "warning", "feature 3"),
    ("constant", "patients", "constant features", "warning", "feature 3"),
    ("pixel", "digits", "constant features", "warning", "row 3 column 4"),
    ("one_channel", "digits", "batch through the model", "broken", "layer 0 (Conv2D) expects 3 channels"),
    ("three_channels", "digits", "batch through the model", "broken", "expects 1 channel, the data has 3"),
    ("channels_last", "digits", "batch through the model", "broken", "expects 3 channels"),
    ("double", "digits", "shape and type", "warning", "float64"),
    ("blind", "digits", "model reads its input", "broken", "the same with the input zeroed"),
    ("flat_targets", "patients", "label type", "warning", "every target with every output"),
]


@pytest.mark.parametrize(("fault", "source", "check", "severity", "words"), FAULTS)
def test_a_planted_fault_is_found_and_named(fault, source, check, severity, words, tmp_path):
    result = planted(tmp_path, fault, source)
    found = trouble(result)
    assert check in found, result.answer
    assert found[check]["severity"] == severity
    assert words in found[check]["found"]
    assert found[check]["advice"]
    assert result.is_ok is (not any(c["severity"] == "broken" for c in found.values()))


def test_an_error_of_data_is_a_finding_with_its_message(tmp_path):
    result = planted(tmp_path, "missing")
    assert not result.is_ok
    assert "FileNotFoundError: no such file: 'train.npz'" in trouble(result)["files"]["found"]


def test_a_sample_that_cannot_be_read_is_named(tmp_path):
    result = planted(tmp_path, "none", form="unreadable")
    assert "sample 40: OSError: cannot read image_40.png" in trouble(result)["samples"]["found"]
    assert not result.is_ok


def test_no_more_samples_are_read_than_allowed_and_that_is_said(tmp_path):
    result = planted(tmp_path, "none", form="dataset", limit=300)
    assert result.is_ok
    said = next(c["found"] for c in checks(result) if c["check"] == "samples")
    assert "training: 300 of 1,397 read" in said


@pytest.mark.parametrize(("fault", "value"), [("ignored_255", 255), ("ignored_minus", -100)])
def test_labels_to_ignore_are_no_fault_and_count_nowhere_else(fault, value, tmp_path):
    result = planted(tmp_path / "a", fault)
    assert result.is_ok
    assert set(trouble(result)) == {"ignored labels"}
    assert f"probe.ignore_label={value}" in trouble(result)["ignored labels"]["advice"]
    assert result.section.measured.train.labels.distinct == 10
    assert not trouble(planted(tmp_path / "b", fault, ignore_label=value))
    own = {"_target_": "check_tasks.train", "fault": fault, "source": "digits", "form": "object", "ignore_index": value}
    assert not trouble(look(tmp_path / "c", own, "val/acc", train_steps=30))


def test_a_label_that_is_named_and_a_wrong_one_are_told_apart(tmp_path):
    result = planted(tmp_path, "out_of_range", ignore_label=255)
    assert not result.is_ok
    assert {"ignored labels", "label range"} <= trouble(result).keys()


def test_sorted_rows_are_as_they_should_be_if_the_task_shuffles(tmp_path):
    section = {"_target_": "check_tasks.train", "fault": "sorted", "source": "digits", "form": "object"}
    advice = {}
    for knob in (True, False):
        result = look(tmp_path / str(knob), {**section, "shuffle": knob}, "val/acc", train_steps=30)
        advice[knob] = trouble(result).get("order of rows", {}).get("advice")
    assert advice == {True: None, False: "task.shuffle=true"}


def test_raw_targets_are_a_warning_unless_the_task_standardises_them(tmp_path):
    section = {"_target_": "check_tasks.train", "fault": "none", "source": "patients", "form": "object"}
    raw = look(tmp_path / "a", section, "val/r2")
    assert trouble(raw)["target scale"]["severity"] == "warning"
    assert not trouble(look(tmp_path / "b", {**section, "target_norm": "standardize"}, "val/r2"))


def test_a_task_without_data_is_not_ok_and_says_how_to_add_it(tmp_path):
    result = look(tmp_path, {"_target_": "stub_tasks.ok"}, None)
    assert not result.is_ok
    assert result.answer.startswith("Nothing could be checked")
    assert "data(cfg)" in result.section.checks[0].advice


def test_the_batch_is_drawn_beside_the_findings(tmp_path):
    result = planted(tmp_path, "none")
    with Image.open(tmp_path / result.section.picture) as picture:
        assert picture.format == "PNG"
        assert picture.size[0] > 500
