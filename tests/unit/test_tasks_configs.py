import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "conf" / "task").glob("*.yaml"))
SHARED = {"__init__", "components", "datasets", "images"}
OVER_REGULARISED = ROOT / "conf" / "task" / "digits_cnn_overregularised.yaml"


def native() -> list[Path]:
    return [path for path in CONFIGS if str(section(path).get("_target_", "")).startswith("tasks.")]


def section(path: Path) -> dict:
    return OmegaConf.to_container(OmegaConf.load(path), resolve=True)["task"]


def test_every_task_file_has_a_config():
    files = {path.stem for path in (ROOT / "tasks").glob("*.py")} - SHARED
    assert files <= {section(path)["_target_"].split(".")[1] for path in native()}


@pytest.mark.parametrize("path", native(), ids=lambda path: path.stem)
def test_a_task_config_names_an_existing_task_and_a_whole_target(path):
    text = path.read_text()
    config = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    assert text.startswith("# @package _global_\n")
    assert (ROOT / "tasks" / f"{config['task']['_target_'].split('.')[1]}.py").is_file()
    assert set(config) == {"task", "converge"}
    assert set(config["converge"]) == {"metric", "mode", "target", "hold", "budget_steps", "stop_early"}
    assert config["task"]["steps"] == config["converge"]["budget_steps"]
    assert config["task"]["eval_every"] * config["converge"]["hold"] < config["converge"]["budget_steps"]


def test_the_default_task_is_the_healthy_one_with_stronger_regularization_only():
    healthy, default = section(ROOT / "conf" / "task" / "digits_cnn.yaml"), section(OVER_REGULARISED)
    differing = {key for key in healthy if healthy[key] != default[key]}
    assert set(healthy) == set(default)
    assert differing <= {"dropout", "weight_decay", "max_shift", "max_rotation", "noise", "steps"}


def test_the_default_task_states_the_measured_counts():
    text = OVER_REGULARISED.read_text()
    for row in json.loads((ROOT / "results" / "benchmarks" / "default_task.json").read_text())["cells"]:
        cell = " + ".join(row["toggles"]) or "base"
        assert f"{cell} | {row['converged']} of {row['seeds']}" in " ".join(text.split()), cell


@pytest.mark.parametrize("task", ["digits_cnn", "digits_mlp", "breast_cancer", "diabetes"])
def test_a_healthy_setting_states_its_measured_counts(task):
    document = json.loads((ROOT / "results" / "benchmarks" / "healthy_tasks.json").read_text())
    (row,) = [row for row in document["cells"] if row["task"] == task]
    text = (ROOT / "conf" / "task" / f"{task}.yaml").read_text()
    assert row["converged"] == row["seeds"] >= 10
    assert f"{row['converged']} of {row['seeds']} seeds" in text
    assert f"median {row['median_tau']:g} steps" in text
