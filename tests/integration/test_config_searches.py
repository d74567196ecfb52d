"""What a search searches, and what a command line's numbers become."""

import pytest

from sweep.cli.main import main
from sweep.config import load_study_config
from sweep.errors import ConfigError
from sweep.launch import slots_of
from sweep.study.planning import driver_of

WITH_LR = "_target_: usertask.train\nlr: 1\nwidth: 8\ndropout: 0.5\nconverge: {metric: val/acc, budget_steps: 50}\n"
WITHOUT_LR = "_target_: usertask.train\nrate: 0.1\nname: x\nconverge: {metric: val/acc, budget_steps: 50}\n"
DEFAULT = {"task.lr": "tag(log, interval(1e-4, 1e-1))"}


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usertask.py").write_text("def train(cfg, run): pass\n")
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "user.yaml").write_text(WITH_LR)
    (tmp_path / "conf" / "task" / "nolr.yaml").write_text(WITHOUT_LR)
    return lambda *words: load_study_config(words, [tmp_path / "conf"])


@pytest.mark.parametrize("search", ["tpe", "random"])
def test_a_search_without_params_searches_the_learning_rate_a_whole_number_too(load, search):
    loaded = load("task=user", f"+search={search}")
    assert loaded.study.params == DEFAULT
    assert loaded.study.raw["params"] == DEFAULT
    assert loaded.notes == ()


@pytest.mark.parametrize("task", ["user", "nolr"])
@pytest.mark.parametrize("given", ["+params.task.{}=interval(0, 0.7)", '+params={{task.{}: "interval(0, 0.7)"}}'])
def test_params_of_ones_own_stand_alone_and_a_line_says_so(load, task, given):
    knob = {"user": "dropout", "nolr": "rate"}[task]
    loaded = load(f"task={task}", "+search=tpe", given.format(knob))
    assert loaded.study.params == {f"task.{knob}": "interval(0, 0.7)"}
    (note,) = loaded.notes
    assert f"searched: task.{knob}" in note
    assert "task.lr" in note


def test_the_default_beside_params_of_ones_own_is_asked_for_by_name(load):
    loaded = load(
        "task=user", "+search=tpe", "+params.task.dropout=interval(0, 0.7)", "+params.task.lr=interval(0.1, 1)"
    )
    assert set(loaded.study.params) == {"task.dropout", "task.lr"}
    assert loaded.notes == ()


def test_the_default_may_be_removed_though_params_of_ones_own_leave_it_out_anyway(load):
    loaded = load("task=user", "+search=tpe", "~params.task.lr", "+params.task.dropout=interval(0, 0.7)")
    assert set(loaded.study.params) == {"task.dropout"}


def test_axes_are_searched_without_the_learning_rate_if_the_task_has_none(load):
    axis = "+axes.x={levels: {a: [task.rate=0.5]}}"
    assert load("task=nolr", "+search=tpe", axis).study.params == {}
    assert (
        load("task=user", "+search=tpe", axis.replace("rate", "dropout").replace("0.5", "0.1")).study.params == DEFAULT
    )


def test_a_search_of_a_task_without_the_default_knob_names_those_it_has(load):
    with pytest.raises(ConfigError) as caught:
        load("task=nolr", "+search=tpe")
    assert caught.value.key == "params"
    assert caught.value.allowed == ("task.rate",)
    assert "'+params.task.rate=" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (["task.dropout=0"], "dropout", 0.0),
        (["task.width=1e2"], "width", 100),
        (["task.width=64.0"], "width", 64),
        (["task.width=1.5"], "width", 1.5),
    ],
)
def test_a_number_of_the_command_line_has_the_form_of_the_tasks_own(load, words, key, value):
    got = load("task=user", *words).study.task[key]
    assert (got, type(got)) == (value, type(value))


def test_whole_numbers_may_be_written_with_an_exponent(load):
    study = load("task=user", "converge.budget_steps=5e3", "converge.hold=4.0", "seeds=1e1", "launcher.slots=2e0").study
    assert (study.target.budget_steps, study.target.hold, len(study.seeds)) == (5000, 4, 10)
    assert slots_of(study.launcher) == 2
    assert isinstance(study.raw["converge"]["budget_steps"], int)
    searched = driver_of(load("task=user", "+search=tpe", "driver.n_trials=2e1").study).settings
    assert (searched["n_trials"], type(searched["n_trials"])) == (20, int)


OPTUNA = {
    "driver.n_trials=0": "driver.n_trials",
    "driver.n_trials=1e30": "driver.n_trials",
    "driver.seeds_per_point=0.5": "driver.seeds_per_point",
    "driver.seed=x": "driver.seed",
    "driver.seed=18446744073709551616": "driver.seed",
    "driver.base_first=maybe": "driver.base_first",
    "driver.sampler_args=3": "driver.sampler_args",
    "driver.sampler=null": "driver.sampler",
}


@pytest.mark.parametrize("override", OPTUNA)
def test_a_setting_of_a_search_of_the_wrong_kind_is_named_before_it_runs(load, override):
    loaded = load("task=user", "+search=tpe", override)
    with pytest.raises(ConfigError) as caught:
        driver_of(loaded.study)
    assert caught.value.key == OPTUNA[override]


def test_a_search_with_nothing_to_search_is_refused_before_it_runs(load):
    with pytest.raises(ConfigError) as caught:
        driver_of(load("task=user", "driver=optuna").study)
    assert (caught.value.key, "the plan is empty" in str(caught.value)) == ("params", True)


def test_params_are_refused_by_a_driver_that_would_not_look_at_them(load):
    with pytest.raises(ConfigError) as caught:
        driver_of(load("task=user", "+params.task.lr=interval(0.1, 1)").study)
    assert (caught.value.key, caught.value.hint) == ("params", "+search=tpe")
    assert "optuna" in str(caught.value)


NOTES = {
    ("task=nolr", "task=user"): "task=nolr has no effect",
    ("task=user", "task.lr=1.0", "task.lr=2.0"): "task.lr=1.0 has no effect",
    ("task=user", "+stages=[]"): "+stages=[] has no effect",
}


@pytest.mark.parametrize("words", NOTES)
def test_a_word_without_effect_is_named(load, words):
    (note,) = load(*words).notes
    assert NOTES[words] in note


def test_an_ordinary_command_has_no_notes(load):
    assert load("task=user", "+diagnose=full", "stages=[data,base]", "seeds=3", "task.lr=2").notes == ()


@pytest.mark.parametrize("words", [["+search=tpe"], ["+diagnose=full", "+axis=[lr]", "driver=optuna"]])
@pytest.mark.parametrize("key", ["sampler", "pruner"])
def test_a_plan_refuses_a_sampler_or_pruner_that_does_not_exist(words, key, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *words, f"driver.{key}=Medium"]) == 2
    assert f"driver.{key}" in capsys.readouterr().err
