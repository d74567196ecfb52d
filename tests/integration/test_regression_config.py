"""The `regression` section: what it says, and what is refused."""

from datetime import date
from pathlib import Path
from unittest.mock import Mock

import pytest

from sweep.config import load_study_config
from sweep.config.regression import NightName, confirming_study, parse_night, read_regression, task_studies
from sweep.errors import ConfigError, StudyLockedError
from sweep.rundir import StudyDir, StudyLock
from sweep.study.opening import locked_folder
from sweep.study.progress import Progress
from sweep.study.regression.night import run_regression


def read(*overrides: str):
    return read_regression(load_study_config(["+regression=nightly", *overrides]))


def test_the_shipped_regression_is_read_whole():
    config = read("launcher.slots=1", "results=elsewhere")
    assert [task.name for task in config.tasks] == ["digits_mlp", "digits_cnn", "breast_cancer", "diabetes"]
    assert (config.name, config.determinism, config.settings.tasks) == ("nightly", (30, 0), 4)
    assert config.passed_on == ("launcher.slots=1", "results=elsewhere")


def test_the_studies_of_a_night_have_its_seeds_and_what_the_command_line_says():
    config = read("regression.tasks=[{task: diabetes, seeds: 2, overrides: ['task.lr=0.01']}]", "launcher.slots=1")
    night = parse_night("2026-11-23")
    [task] = task_studies(config, night)
    study = task.nightly.study
    assert (study.name, study.seeds, study.reuse) == ("nightly-diabetes-2026-11-23", night.seeds(2), False)
    assert (study.task["lr"], study.launcher.settings["slots"]) == (0.01, 1)
    assert task.determinism is not None
    fixed = task.determinism.study
    assert (fixed.seeds, fixed.target.budget_steps, fixed.target.stop_early) == ((0,), 30, False)
    fresh = confirming_study(config, task.entry, night).study
    assert set(fresh.seeds).isdisjoint(study.seeds)
    assert fresh.target == study.target


def test_no_two_nights_of_a_date_or_of_two_dates_share_a_seed():
    names = [NightName(day=date(2026, 11, day), repeat=repeat) for day in (23, 24) for repeat in (1, 2, 5)]
    seeds = [seed for name in names for fresh in (False, True) for seed in name.seeds(100, is_confirmation=fresh)]
    assert len(set(seeds)) == len(seeds) == 1200


@pytest.mark.parametrize("text", ["2026-11-23", "2026-11-23.2", "2026-11-23.5"])
def test_a_nights_name_reads_back(text):
    assert str(parse_night(text)) == text


@pytest.mark.parametrize("text", ["tonight", "2026-13-01", "2026-11-23.6", "2026-11-23.0", "20261123", ""])
def test_what_is_no_date_names_no_night(text):
    with pytest.raises(ConfigError, match=r"regression\.night"):
        parse_night(text)


@pytest.mark.parametrize(
    ("override", "key", "words"),
    [
        ("regression.tasks=[]", "regression.tasks", "a list of tasks"),
        ("regression.tasks=[diabetes, diabetes]", "regression.tasks", "give one a `name:`"),
        ("regression.tasks=[{task: diabetes, seed: 3}]", "regression.tasks[0].seed", "did you mean"),
        ("regression.tasks=[{task: diabetes, overrides: ['study=x']}]", "regression.tasks[0].overrides", "itself"),
        ("regression.tasks=[{task: diabetes, name: a b}]", "regression.tasks[0].name", "is not a name"),
        ("regression.confirm_seeds=0", "regression.confirm_seeds", "1 or more"),
        ("regression.determinism={steps: 0, seed: 0}", "regression.determinism.steps", "1 or more"),
        ("regression.threshold=null", "regression.threshold", "above 0"),
        ("regression.compare_environments=other", "regression.compare_environments", "any, same"),
        ("regression.keep_nights=0", "regression.keep_nights", "1 or more"),
        ("seeds=[1,2]", "seeds", "draws its own seeds"),
        ("converge.target=0.5", "converge.target", "overrides"),
        ("+ablation=all", "ablation", "overrides"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(override, key, words):
    with pytest.raises(ConfigError, match=words) as caught:
        read(override)
    assert caught.value.key == key


def test_an_error_in_a_tasks_config_says_whose_it_is():
    with pytest.raises(ConfigError, match=r"task diabetes of regression nightly.*task\.lrr"):
        task_studies(read("regression.tasks=[{task: diabetes, overrides: ['task.lrr=1']}]"), parse_night("2026-11-23"))


def test_the_shipped_tasks_are_there():
    conf = Path(__file__).parents[2] / "conf" / "task"
    assert all((conf / f"{task.task}.yaml").is_file() for task in read().tasks)


def test_a_second_night_and_a_second_run_of_a_study_are_refused_with_one_exit_code(tmp_path):
    results, store = tmp_path / "results", f"sqlite:///{tmp_path}/sweep.db"
    loaded = load_study_config(["+regression=nightly", f"results={results}", f"store.url={store}"])
    with StudyLock(StudyDir(results, "nightly").lock), pytest.raises(StudyLockedError, match="regression") as night:
        run_regression(loaded, progress=Mock(spec=Progress))
    folder = StudyDir(results, "s")
    with StudyLock(folder.lock), pytest.raises(StudyLockedError) as study, locked_folder(folder, store):
        pass
    assert night.value.exit_code == study.value.exit_code == 1
