"""Configs of studies on scripts: what is kept and varied, how they are named. Nothing runs; paddle is not loaded."""

import shutil

import pytest

from sweep.config import load_study_config
from sweep.domain.script_words import expanded
from sweep.errors import ConfigError
from sweep.study.planning import StudyPlan

SCRIPT = "import paddle\nimport helper\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    here = tmp_path / "project"
    here.mkdir()
    (here / "train.py").write_text(SCRIPT)
    (here / "helper.py").touch()
    monkeypatch.chdir(here)
    return here


def loaded(*words):
    before, _, args = " ".join(words).partition(" -- ")
    words = [*words[:1], "converge.budget_steps=50", "seeds=1", *words[1:]]
    assert before or args
    overrides = expanded(words)
    return load_study_config(overrides, command=overrides)


def planned(*words):
    plan = StudyPlan(loaded(*words)).fixed
    assert plan is not None
    return {trial.cell.key: trial for trial in plan.trials}


def test_a_study_is_named_after_the_script_and_what_it_varies(folder):
    study = loaded("train.py", "+axis=[dropout]", "--", "--lr", "3").study
    assert (study.name, study.task_name) == ("train-dropout", "train")
    assert study.task["args"] == ["--lr", "3"]


def test_a_config_file_of_the_users_names_the_task(folder, tmp_path):
    (tmp_path / "conf" / "task").mkdir(parents=True)
    text = "defaults: [script, _self_]\ntask: {path: train.py, args: [--n, 3]}\nconverge: {budget_steps: 9}\n"
    (tmp_path / "conf" / "task" / "mine.yaml").write_text(text)
    study = load_study_config(expanded(["task=mine"]), [tmp_path / "conf"]).study
    assert (study.name, study.task_name, study.task["args"]) == ("mine-base", "mine", ["--n", "3"])
    words = expanded(["task=mine", "--", "--m"])
    assert load_study_config(words, [tmp_path / "conf"]).study.task["args"] == ["--m"]


def test_none_is_kept_for_a_script_as_a_value_and_as_a_level(folder):
    assert loaded("train.py", "task.clip=none").study.task["clip"] == "none"
    trials = planned("train.py", "+axis=[clip]")
    assert trials["clip=off"].task["clip"] == "none"
    assert trials["base"].task["clip"] is None


def test_a_level_that_the_base_has_already_is_left_out(folder):
    study = loaded("train.py", "task.clip=none", "+axis=[clip]").study
    assert [str(each.toggle) for each in study.inert] == ["clip=off"]


def test_off_is_a_level_beside_a_number_of_the_base(folder):
    trials = planned("train.py", "task.clip=5", "+axis=[clip]")
    assert [trials[cell].task["clip"] for cell in ("base", "clip=on", "clip=off")] == [5, 1.0, "none"]


@pytest.mark.parametrize("group", ["+ablation=all", "+ablation=regularization", "+ablation=optimization"])
def test_every_axis_of_an_ablation_has_a_knob_in_a_script(folder, group):
    study = loaded("train.py", group).study
    assert study.axes
    assert study.inert == ()


def test_an_axis_may_vary_the_arguments(folder):
    trials = planned("train.py", '+axes.n={levels: {long: [\'task.args=["--n","9"]\']}}', "--", "--n", "3")
    assert trials["n=long"].task["args"] == ["--n", "9"]


@pytest.mark.parametrize(
    "words", [("--", "--n", "4"), ("task.env={A: 1}",), ("task.seeding=script",), ("task.dropout=0.0",)]
)
def test_arguments_environment_seeding_and_knobs_are_part_of_the_fingerprint(folder, words):
    base = planned("train.py")["base"].fingerprint
    assert planned("train.py")["base"].fingerprint == base
    assert planned("train.py", *words)["base"].fingerprint != base


def test_an_edit_of_a_local_import_is_another_fingerprint(folder):
    base = planned("train.py")["base"].fingerprint
    (folder / "helper.py").write_text("x = 1")
    assert planned("train.py")["base"].fingerprint != base


def test_a_copied_checkout_has_the_same_fingerprints(folder, tmp_path, monkeypatch):
    here = planned("train.py")["base"].fingerprint
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    assert planned("train.py")["base"].fingerprint == here
    elsewhere = planned(str(folder / "train.py"))["base"].fingerprint
    assert elsewhere == planned(str(tmp_path / "copy" / ".." / "copy" / "train.py"))["base"].fingerprint


def test_arguments_for_a_task_function_are_refused(folder):
    with pytest.raises(ConfigError, match="only a script") as caught:
        load_study_config(expanded(["task=digits_mlp", "--", "--n", "3"]))
    assert caught.value.key == "task.args"
