"""The real conf/ beside a user's own folder: what can be composed, and how it is spelled."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra import compose as hydra_compose

from sweep.config import load_study_config
from sweep.config.folders import conf_root, option_names
from sweep.config.hydra_versions import config_folder
from sweep.domain.axis import Toggle
from sweep.domain.inert import InertToggle
from sweep.domain.target import Mode
from sweep.domain.task_ref import NAMELESS
from sweep.errors import ConfigError
from sweep.launch.local_settings import LocalSettings
from sweep.plan import DESIGNS, TrialComposer, build_plan

REPOSITORY = Path(__file__).parents[2]

TASK = """
# @package _global_
task: {_target_: usertask.train, dropout: 0.5, weight_decay: 0.1, augmentation: true, clip: null, lr: 0.1,
       lr_scale: 1.0, width: 8, hidden: "${task.width}", steps: "${converge.budget_steps}"}
converge: {metric: val/acc, target: 0.9, budget_steps: 50}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's config folder with a task, an axis and an ablation, at a path that needs quoting."""
    monkeypatch.chdir(tmp_path)
    conf = tmp_path / "my conf's, ünï"
    (tmp_path / "usertask.py").write_text("def train(cfg, run): pass\n")
    write(conf / "task" / "user.yaml", TASK)
    write(conf / "axis" / "width.yaml", '# @package axes\nwidth: {levels: {"small": [task.width=2]}}\n')
    write(
        conf / "ablation" / "mine.yaml",
        "# @package _global_\ndefaults:\n  - /axis: [dropout, width]\nablation: {skip: null, design: pairs}\n",
    )
    return conf


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def load(folder, *overrides):
    return load_study_config(["task=user", *overrides], [folder], command=overrides)


def toggles(loaded):
    return [str(toggle) for axis in loaded.study.axes for toggle in axis.toggles]


REGULARIZATION = ["dropout=off", "weight_decay=off", "augmentation=off"]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], []),
        (["+ablation=regularization"], REGULARIZATION),
        (["+ablation=regularization", "~axes.dropout"], REGULARIZATION[1:]),
        (["+ablation=regularization", "axis=[dropout,lr]"], ["dropout=off", "lr=x0.1", "lr=x0.01", "lr=x10"]),
        (["+ablation=regularization", "+axis=[width]"], [*REGULARIZATION, "width=small"]),
        (["+ablation=regularization", "+axis=width"], [*REGULARIZATION, "width=small"]),
        (["+axis=[lr]", "~axes.lr.levels.x0.1", "~axes.lr.levels.x10"], ["lr=x0.01"]),
        (["+ablation=mine"], ["dropout=off", "width=small"]),
        (["+axes.mine={levels: {small: [task.width=2], odd: [task.width=7, task.lr=1]}}"], ["mine=small", "mine=odd"]),
        (["axes.mine.levels.off=[task.width=2]"], ["mine=off"]),
        (["+axis=[dropout]", "+axes.dropout.levels.half=[task.dropout=0.25]"], ["dropout=off", "dropout=half"]),
    ],
)  # fmt: skip
def test_axes_are_composed_added_replaced_and_removed(folder, overrides, expected):
    assert toggles(load(folder, *overrides)) == expected


def test_a_loaded_study_holds_everything_typed(folder):
    loaded = load(folder, "+ablation=regularization", "seeds=[3,1]", "launcher.slots=2", "launcher.gpus=[0,GPU-a]")
    study = loaded.study
    assert (study.name, study.task_name, study.ablation) == ("user-regularization", "user", "regularization")
    assert (study.seeds, study.results, study.store_url) == ((3, 1), "results", "sqlite:///results/sweep.db")
    assert study.task["hidden"] == 8
    assert (study.target.metric, study.target.mode, study.target.threshold) == ("val/acc", Mode.MAX, 0.9)
    assert (study.target.hold, study.target.budget_steps, study.target.stop_early) == (None, 50, True)
    assert (LocalSettings.of(study.launcher).slots, LocalSettings.of(study.launcher).gpus) == (2, ("0", "GPU-a"))
    assert study.launcher.timeout_s is None
    assert (study.driver.name, dict(study.driver.settings)) == ("grid", {"design": "full_factorial"})
    assert loaded.command == ("+ablation=regularization", "seeds=[3,1]", "launcher.slots=2", "launcher.gpus=[0,GPU-a]")
    assert yaml.safe_load(loaded.as_yaml()) == dict(study.raw)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "user-base"),
        (["+axis=[lr,width]"], "user-lr-width"),
        (["+search=tpe"], "user-tpe"),
        (["+search=tpe", "+ablation=mine"], "user-mine-tpe"),
        (["study=v1.2_b"], "v1.2_b"),
        (["study=42"], "42"),
    ],
)
def test_a_study_is_named_after_what_it_does(folder, overrides, name):
    assert load(folder, *overrides).study.name == name


def test_the_store_lies_in_the_results_folder_unless_told_otherwise(folder):
    assert load(folder, "results=out").study.store_url == "sqlite:///out/sweep.db"
    assert load(folder, "results=out", "store.url='sqlite:///x.db'").study.store_url == "sqlite:///x.db"


@pytest.mark.parametrize(
    ("overrides", "design"),
    [
        (["+ablation=regularization"], "full_factorial"),
        (["+ablation=all"], "one_at_a_time"),
        (["+ablation=all", "driver.design=leave_one_out"], "leave_one_out"),
        (["+ablation=mine"], "pairs"),
    ],
)
def test_an_ablation_names_its_design_and_the_command_line_overrules_it(folder, overrides, design):
    assert load(folder, *overrides).study.driver.settings["design"] == design


@pytest.mark.parametrize(
    ("overrides", "mode"),
    [
        ([], Mode.MAX),
        (["converge.metric=train/loss"], Mode.MIN),
        (["converge.metric=loss", "converge.mode=max"], Mode.MAX),
    ],
)
def test_the_mode_follows_the_metrics_name_unless_given(folder, overrides, mode):
    assert load(folder, *overrides).study.target.mode is mode


def test_no_target_and_no_metric_are_allowed(folder):
    target = load(folder, "converge.target=null", "converge.metric=null").study.target
    assert (target.metric, target.threshold, target.mode) == (None, None, Mode.MIN)


def test_ablation_all_leaves_out_what_does_not_apply_and_lists_it(folder):
    loaded = load(folder, "+ablation=all")
    assert toggles(loaded) == [*REGULARIZATION, "clip=on", "lr=x0.1", "lr=x0.01", "lr=x10"]
    inert = {str(each.toggle): each.text for each in loaded.study.inert}
    assert inert["clip=off"] == "the task has this value already"
    assert inert["optimizer=adam"] == "the task has no knob task.optimizer"


def test_an_axis_named_by_the_user_is_held_to_it_even_beside_ablation_all(folder):
    with pytest.raises(ConfigError, match=r"axes\.optimizer\.levels\.adam: the task has no knob"):
        load(folder, "+ablation=all", "+axis=[optimizer]")


@pytest.mark.parametrize("task", sorted({*option_names("task", [conf_root()])} - NAMELESS))
@pytest.mark.parametrize("ablation", ["all", "optimization"])
def test_the_wide_ablations_work_on_every_task(task, ablation):
    loaded = load_study_config([f"task={task}", f"+ablation={ablation}"])
    plan = build_plan(TrialComposer(loaded), DESIGNS[loaded.study.driver.settings["design"]](loaded.study.axes))
    assert len(plan.cells) > 5
    assert not plan.duplicates


def test_the_default_study_is_the_regularization_of_the_default_task():
    loaded = load_study_config(["+ablation=regularization"])
    assert loaded.study.task_name == "digits_cnn_overregularised"
    assert toggles(loaded) == REGULARIZATION
    assert loaded.study.inert == ()


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("+params.task.lr=tag(log, interval(1e-4, 1))", "tag(log, interval(1e-4, 1))"),
        ("params.task.lr=interval(0, 1)", "interval(0, 1)"),
        ('+params={task.lr: "interval(0, 1)"}', "interval(0, 1)"),
        ('+params.task.lr="choice(0.1, 0.2)"', "choice(0.1, 0.2)"),
        ("+params.task.lr=0.1,0.2", "0.1,0.2"),
    ],
)
def test_params_are_given_in_hydras_sweep_syntax(folder, spelling, expected):
    study = load(folder, "+search=tpe", spelling).study
    assert (study.driver.name, dict(study.params)) == ("optuna", {"task.lr": expected})


def test_the_default_param_of_a_search_can_be_removed_and_others_added(folder):
    study = load(folder, "+search=random", "~params.task.lr", "+params.task.width=range(2, 9)").study
    assert dict(study.params) == {"task.width": "range(2, 9)"}
    assert study.driver.settings["sampler"] == "RandomSampler"


@pytest.mark.parametrize(
    "overrides",
    [["task.dropout=0.0"], ["task.clip=1.0", "task.width=3"], ["task.lr=1e-3"], ["task.augmentation=false"]],
)
def test_a_cell_composes_to_what_hydra_makes_of_its_overrides(folder, overrides):
    loaded = load(folder, f"+axes.a={{levels: {{x: [{', '.join(overrides)}]}}}}")
    (cell,) = DESIGNS["one_at_a_time"](loaded.study.axes)[1:]
    (spec,) = TrialComposer(loaded).compose(cell, [0])
    searchpath = "hydra.searchpath=['file://" + str(folder).replace("'", "\\'") + "']"
    with config_folder(conf_root()):
        expected = hydra_compose("config", overrides=["task=user", *overrides, searchpath])
    assert spec.task == dict(expected.task)


def test_an_axis_named_on_the_command_line_loses_the_level_that_the_task_has_already(folder):
    loaded = load(folder, "+axis=[clip,lr]", "~axes.lr.levels.x10")
    assert toggles(loaded) == ["clip=on", "lr=x0.1", "lr=x0.01"]
    assert loaded.study.inert == (InertToggle.at_baseline(Toggle("clip", "off")),)


@pytest.mark.parametrize("words", [["task.clip=none"], ["task.clip=null"], ["++task.clip=none"], []])
def test_none_of_a_standard_knob_and_null_are_one_trial(folder, words):
    trials = build_plan(TrialComposer(load(folder, *words)), DESIGNS["one_at_a_time"](())).trials
    expected = build_plan(TrialComposer(load(folder)), DESIGNS["one_at_a_time"](())).trials
    assert [trial.task["clip"] for trial in trials] == [None] * 5
    assert [trial.fingerprint for trial in trials] == [trial.fingerprint for trial in expected]


def test_the_toggle_that_removes_clipping_hands_the_task_null(folder):
    loaded = load(folder, "task.clip=3.0", "+axis=[clip]", "seeds=1")
    trials = build_plan(TrialComposer(loaded), DESIGNS["one_at_a_time"](loaded.study.axes)).trials
    assert {str(trial.cell): trial.task["clip"] for trial in trials} == {"base": 3.0, "clip=on": 1.0, "clip=off": None}


def test_none_in_a_tasks_own_file_stays_the_text_it_is(folder):
    write(folder / "task" / "words.yaml", TASK.replace("clip: null", "clip: none, amp: none").replace("user", "words"))
    (folder.parent / "wordstask.py").write_text("def train(cfg, run): pass\n")
    study = load_study_config(["task=words", "task.amp=none"], [folder]).study
    assert (study.task["clip"], study.task["amp"]) == ("none", "none")


def test_none_among_what_the_overfit_gate_switches_off_is_null(folder):
    study = load(folder, "+check=overfit", "+probe.regularisation.clip=none").study
    assert study.check is not None
    assert study.check.settings["regularisation"]["clip"] is None


def test_none_can_be_searched_for(folder):
    study = load(
        folder, "task.clip=1.0", "+search=random", "~params.task.lr", "+params.task.clip=choice(none, 0.5)"
    ).study
    assert dict(study.params) == {"task.clip": "choice(none, 0.5)"}


@pytest.mark.parametrize("axis", option_names("axis", [conf_root()]))
def test_each_of_our_axes_composes_on_a_task_that_has_its_knob(folder, axis):
    knobs = {
        "optimizer": "sgd",
        "init": "default",
        "scheduler": "step",
        "batch_scale": 1.0,
        "shuffle": False,
        "amp": True,
    }
    nulls = dict.fromkeys(("activation", "input_norm", "target_norm", "loss", "adam_eps"))
    text = TASK.replace(
        "width: 8,", "".join(f"{k}: {json.dumps(v)}, " for k, v in {**knobs, **nulls}.items()) + "width: 8,"
    )
    write(folder / "task" / "whole.yaml", text)
    loaded = load_study_config(["task=whole", f"+axis=[{axis}]", "task.clip=2.0", "seeds=1"], [folder])
    cells = DESIGNS["one_at_a_time"](loaded.study.axes)
    levels = yaml.safe_load((conf_root() / "axis" / f"{axis}.yaml").read_text())[axis]["levels"]
    assert toggles(loaded) == [f"{axis}={level}" for level in levels]
    assert len({trial.fingerprint for trial in build_plan(TrialComposer(loaded), cells).trials}) == 1 + len(levels)


def test_a_level_whose_name_looks_like_a_number_can_be_left_out(folder):
    loaded = load(
        folder, "task.clip=2.0", "+task.batch_scale=1.0", "+axis=[batch_size]", "~axes.batch_size.levels.x0.25"
    )
    assert toggles(loaded) == ["batch_size=x4"]
    words = ["+task.adam_eps=1e-8", "+axis=[adam_eps]", "axes.adam_eps.levels.tiny=[task.adam_eps=1e-12]"]
    assert toggles(load(folder, *words)) == ["adam_eps=1e-4", "adam_eps=tiny"]
    assert toggles(load(folder, *words, "~axes.adam_eps.levels.1e-4")) == ["adam_eps=tiny"]


def test_a_users_file_may_not_hide_one_of_ours(folder):
    write(folder / "axis" / "dropout.yaml", "# @package axes\n")
    with pytest.raises(ConfigError, match=r"axis/dropout\.yaml"):
        load(folder)


def test_our_own_conf_given_as_config_dir_is_no_conflict(folder):
    assert load_study_config(["task=user"], [conf_root(), folder, folder]).study.task_name == "user"


def test_conf_is_found_inside_an_installed_package(tmp_path):
    # A wheel has conf/ inside the package (pyproject: force-include) and nothing beside it.
    shutil.copytree(REPOSITORY / "sweep", tmp_path / "sweep", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "conf", tmp_path / "sweep" / "conf")
    shutil.copytree(REPOSITORY / "tasks", tmp_path / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    code = (
        "from sweep.config import load_study_config; from sweep.config.folders import conf_root\n"
        "print(conf_root()); print(load_study_config(['+ablation=regularization']).study.name)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=elsewhere, check=True, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert found.stdout.splitlines() == [str(tmp_path / "sweep" / "conf"), "digits_cnn_overregularised-regularization"]


def test_planning_imports_neither_paddle_nor_tasks_nor_optuna():
    code = (
        "import sys; from sweep.config import load_study_config\n"
        "from sweep.plan import DESIGNS, TrialComposer, build_plan\n"
        "loaded = load_study_config(['+ablation=all'])\n"
        "build_plan(TrialComposer(loaded), DESIGNS['one_at_a_time'](loaded.study.axes))\n"
        "print(sorted({'paddle', 'tasks', 'optuna', 'scipy', 'sqlalchemy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, text=True, capture_output=True)
    assert found.stdout.strip() == "[]"
