"""What the plan of a diagnosis says it will cost, before anything runs."""

import pytest

from sweep.cli.main import main
from sweep.config import load_study_config
from sweep.study.stages_plan import plan_stages

BARE = """# @package _global_
task: {_target_: tasks.digits_mlp.train, size: 3}
converge: {metric: val/acc, target: 0.9, budget_steps: 100}
"""


@pytest.fixture
def config_dir(tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "bare.yaml").write_text(BARE)
    return tmp_path


def stages(*overrides, config_dirs=()):
    loaded = load_study_config(["+diagnose=full", *overrides], config_dirs)
    return {stage["stage"]: stage for stage in plan_stages(loaded)["stages"]}


def test_the_trials_that_confirm_a_rate_are_counted():
    search = stages("task=digits_mlp")["lr_range"]
    assert search["trials"] == 3 + 4 * 3
    assert search["steps"] == 3 * 150 + 4 * 3 * 400


def test_without_confirmation_none_are():
    assert stages("task=digits_mlp", "confirm=null")["lr_range"]["trials"] == 3


def test_a_task_without_knobs_has_a_plan_with_the_rate_that_may_be_found(config_dir):
    ablation = stages("task=bare", "seeds=4", config_dirs=[config_dir])["ablation"]
    assert ablation["trials"] == 2 * 4
    assert ablation["command"] == ""


def test_the_axes_that_symptoms_may_add_are_counted(config_dir):
    knobs = {"": 0, "batch_scale: 1.0, shuffle: false, ": 3}  # batch_size has two levels, shuffle one
    counts = []
    for number, text in enumerate(knobs):
        (config_dir / "task" / f"k{number}.yaml").write_text(BARE.replace("size: 3", f"{text}dropout: 0.5"))
        counts.append(stages(f"task=k{number}", "seeds=4", config_dirs=[config_dir])["ablation"]["trials"])
    assert counts == [4 * (2 + added) for added in knobs.values()]


@pytest.mark.parametrize(("words", "confirms"), [((), True), (("confirm=null",), False)])
def test_the_plan_of_a_range_test_shows_the_trials_that_confirm_it(words, confirms, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "task=digits_mlp", "+search=lr_range", *words]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert ("confirm" in text) is confirms
    assert ("at most 12 trials" in text) is confirms
