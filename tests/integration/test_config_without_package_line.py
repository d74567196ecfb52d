"""A user's file works whether or not it begins with its package line."""

import pytest

from sweep.config import load_study_config

WHOLE = "task: {_target_: usertask.train, lr: 0.1}\nconverge: {metric: val/acc, target: 0.9, budget_steps: 50}\n"
SECTION = "_target_: usertask.train\nlr: 0.1\nsteps: ${converge.budget_steps}\n"
CONVERGE = "converge: {metric: val/acc, target: 0.9, budget_steps: 50}\n"
AXIS = "{levels: {high: [task.lr=0.5]}}\n"
NIGHT = "night: null\nconfirm_seeds: 3\ndeterminism: null\ncompare_environments: any\nslack: 0.5\nthreshold: 5\n"

FILES = {
    "task/whole.yaml": WHOLE,
    "task/header.yaml": f"# @package _global_\n{WHOLE}",
    "task/commented.yaml": f"# my task\n\n# @package _global_\n{WHOLE}",
    "task/section.yaml": SECTION + CONVERGE,
    "task/bare.yaml": SECTION,
    "task/sectionheader.yaml": f"# @package task\n{SECTION}",
    "task/sub/whole.yaml": WHOLE,
    "task/built.yaml": "defaults: [section, _self_]\nlr: 0.2\n",
    "task/more.yaml": f"{WHOLE}seeds: [7]\nwatch: deep\nlauncher: {{slots: 1}}\ndriver: {{design: pairs}}\n",
    "task/nested.yaml": f"defaults: [optim: adam, _self_]\n{SECTION}",
    "task/optim/adam.yaml": "beta: 0.9\n",
    "axis/named.yaml": f"named: {AXIS}",
    "axis/levels.yaml": "levels: {high: [task.lr=0.5]}\n",
    "axis/section.yaml": f"axes:\n  section: {AXIS}",
    "axis/header.yaml": f"# @package axes\nheader: {AXIS}",
    "ablation/section.yaml": "defaults: [/axis: [named]]\nskip: null\ndesign: one_at_a_time\n",
    "ablation/whole.yaml": "defaults: [/axis: [named]]\nablation: {skip: null, design: one_at_a_time}\n",
    "regression/section.yaml": f"tasks: [whole]\nkeep_nights: 4\nseeds: 2\n{NIGHT}",
    "launcher/small.yaml": "defaults: [local, _self_]\nslots: 1\n",
    "converge/strict.yaml": "defaults: [default, _self_]\ntarget: 0.99\nhold: 2\n",
    "search/width.yaml": "defaults: [override /driver: optuna]\nparams: {task.lr: 'interval(0.1, 0.2)'}\n",
}  # fmt: skip


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usertask.py").write_text("def train(cfg, run): pass\n")
    for name, text in FILES.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return lambda *words: load_study_config(words, [tmp_path / "conf"]).study


@pytest.mark.parametrize("name", ["whole", "header", "commented", "section", "sub/whole"])
def test_a_tasks_file_gives_task_and_target(load, name):
    study = load(f"task={name}")
    assert study.task["_target_"] == "usertask.train"
    assert study.task["lr"] == 0.1
    assert "converge" not in study.task
    assert (study.target.threshold, study.target.budget_steps) == (0.9, 50)


def test_a_tasks_file_may_set_any_other_key_and_the_command_line_overrules_it(load):
    study = load("task=more")
    assert (study.seeds, study.watch, study.launcher.settings["slots"], study.driver.settings) == (
        (7,),
        "deep",
        1,
        {"design": "pairs"},
    )
    assert load("task=more", "seeds=2").seeds == (0, 1)
    assert load("task=more", "+search=width", "~params.task.lr", "+params.task.lr=choice(1,2)").seeds == (7,)


@pytest.mark.parametrize("name", ["bare", "sectionheader"])
def test_a_file_that_is_the_task_section_leaves_the_target_to_the_command_line(load, name):
    study = load(f"task={name}", "converge.budget_steps=20")
    assert study.task["steps"] == study.target.budget_steps == 20


def test_a_tasks_file_builds_on_another(load):
    study = load("task=built")
    assert (study.task["lr"], study.target.threshold) == (0.2, 0.9)


def test_a_tasks_section_takes_a_part_from_a_folder_of_its_own(load):
    study = load("task=nested", "converge.budget_steps=20")
    assert study.task["optim"] == {"beta": 0.9}


@pytest.mark.parametrize("name", ["named", "levels", "section", "header"])
def test_an_axis_file_gives_its_axis(load, name):
    (axis,) = load("task=whole", f"+axis=[{name}]").axes
    assert (axis.name, axis.levels[0].overrides) == (name, ("task.lr=0.5",))


@pytest.mark.parametrize("name", ["section", "whole"])
def test_an_ablation_gives_its_axes_and_its_design(load, name):
    study = load("task=whole", f"+ablation={name}")
    assert ([axis.name for axis in study.axes], study.driver.settings["design"]) == (["named"], "one_at_a_time")


def test_a_regression_gives_its_tasks_and_its_seeds(load):
    study = load("+regression=section")
    assert study.regression["tasks"] == ["whole"]
    assert len(study.seeds) == 2


def test_files_of_the_other_groups_work_too(load):
    study = load("task=whole", "launcher=small", "+search=width", "converge=strict")
    assert study.launcher.settings["slots"] == 1
    assert study.params == {"task.lr": "interval(0.1, 0.2)"}
    assert (study.target.hold, study.target.threshold) == (2, 0.9)  # the task's own target stands over the group's
