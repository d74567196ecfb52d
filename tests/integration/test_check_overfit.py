"""The overfit gate on real training: healthy tasks pass whatever regularisation they have, planted faults do not."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from sweep.analysis.checks import read_check
from sweep.domain.check import FINDINGS, Check
from sweep.domain.checked import CheckContext, CheckTrial
from sweep.domain.json_form import from_json
from sweep.domain.overfit import OverfitFindings
from sweep.domain.states import TrialState
from sweep.domain.target import Target
from sweep.domain.task_ref import TaskRef
from sweep.rundir import EventWriter, RunDir, points_of, read_events
from sweep.task import StopTrial, TaskConfig
from sweep.worker.checks.overfit import run_check
from sweep.worker.loading import load_task
from sweep.worker.run import WorkerRun

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "stubs"))
HEALTHY = ["digits_cnn", "digits_cnn_overregularised", "digits_mlp", "breast_cancer", "diabetes"]


@pytest.fixture(autouse=True)
def restored():
    """The check replaces `data` in the task's module, whose process ends after it; this one continues."""
    names = ["check_tasks", *(f"tasks.{task.removesuffix('_overregularised')}" for task in HEALTHY)]
    modules = [import_module(name) for name in names]
    before = [dict(vars(module)) for module in modules]
    yield
    for module, names in zip(modules, before, strict=True):
        vars(module).update(names)


def gate(folder, section, **settings):
    """Run the overfit gate on a task section as a worker does, and return what it showed."""
    probe = yaml.safe_load((ROOT / "conf" / "check" / "overfit.yaml").read_text())["probe"] | settings
    section = {key: probe["steps"] if value == "${converge.budget_steps}" else value for key, value in section.items()}
    target = Target.from_mapping(
        {
            "metric": None,
            "mode": "max",
            "threshold": None,
            "hold": 3,
            "budget_steps": probe["steps"],
            "stop_early": True,
        }
    )
    run_dir = RunDir(folder)
    run = WorkerRun(run_dir, seed=0, target=target, events=EventWriter(run_dir.events), is_check=True)
    cfg = TaskConfig({key: value for key, value in section.items() if key != "_target_"})
    message = ""
    try:
        run_check(load_task(TaskRef.of(section)), cfg, run, Check.from_mapping(probe))
    except StopTrial:
        pass
    except Exception as error:
        message = f"crash: {error}"
    finally:
        run.unwatch()  # a worker ends with its run; this process continues, with Paddle as it was
    trial = CheckTrial(
        number=0,
        seed=0,
        state=TrialState.FAILED if message else TrialState.COMPLETED,
        message=message,
        series=points_of(read_events(run_dir.events, 0)[0]),
        findings=from_json(OverfitFindings, json.loads((run_dir.artifacts / FINDINGS).read_text())),
        artifacts="artifacts",
    )
    return read_check([trial], CheckContext(check=Check.from_mapping(probe), task=section, target=target))


def planted(folder, fault, source="digits", form="object", task_steps=1000, **settings):
    section = {"fault": fault, "source": source, "form": form, "batch_size": 32, "steps": task_steps}
    return gate(folder, {"_target_": "check_tasks.train", **section}, **settings)


@pytest.mark.parametrize("task", HEALTHY)
def test_healthy_tasks_overfit_ten_samples(task, tmp_path):
    section = yaml.safe_load((ROOT / "conf" / "task" / f"{task}.yaml").read_text())["task"]
    result = gate(tmp_path, section)
    [row] = result.section.trials
    assert result.is_ok, result.answer
    assert row.samples == 10
    assert row.learnt_at < 1000
    assert "overfit" in result.answer
    assert "task.dropout=0.0" in row.changed
    if task.startswith("digits"):
        assert sorted(row.classes) == [str(i) for i in range(10)]


@pytest.mark.parametrize("form", ["object", "tuple", "dataset", "iterable", "loader"])
def test_a_task_of_the_users_own_passes_in_every_form_of_its_data(form, tmp_path):
    result = planted(tmp_path, "none", form=form)
    assert result.is_ok, result.answer
    assert result.section.trials[0].samples == 10


def test_the_samples_differ_and_are_those_of_the_training_set(tmp_path):
    result = planted(tmp_path, "none", "patients")
    assert result.is_ok, result.answer
    assert result.section.trials[0].loss_part <= 0.01


@pytest.mark.parametrize(
    ("fault", "source", "verdict", "words"),
    [
        ("zero_head", "digits", "not_learnt", "does not move"),
        ("no_rate", "digits", "not_learnt", "does not move"),
        ("no_rate", "patients", "not_learnt", "does not move"),
        ("random_labels", "digits", "not_learnt", "wrong"),
        ("random_labels", "tumours", "not_learnt", ""),
        ("hot_softmax", "digits", "not_learnt", "does not move"),
        ("sign", "digits", "not_learnt", "its sign"),
        ("huge_rate", "digits", "diverged", "NaN or infinite"),
    ],
)
def test_a_planted_fault_of_model_head_loss_or_optimizer_fails_the_gate(fault, source, verdict, words, tmp_path):
    result = planted(tmp_path, fault, source, steps=300, task_steps=300)
    assert not result.is_ok
    assert result.section.verdict == verdict, result.answer
    assert words in result.answer
    assert all(part in result.answer for part in ("model", "head", "loss", "labels", "input", "optimizer"))


def test_a_softmax_too_many_is_named_where_the_samples_are_learnt_all_the_same(tmp_path):
    result = planted(tmp_path, "softmax", steps=300, task_steps=300)
    assert result.is_ok, result.answer
    assert "softmax" in result.notes[0]


def test_a_training_that_ends_by_itself_is_not_decided(tmp_path):
    result = planted(tmp_path, "no_rate", task_steps=20, length=[])
    assert result.section.verdict == "ended_early"
    assert "Not decided" in result.answer
    assert not result.is_ok


def test_a_task_that_counts_epochs_gets_enough_of_them(tmp_path):
    result = planted(tmp_path, "none", form="dataset", task_steps=5)
    assert result.is_ok, result.answer
    assert "task.steps=1000" in result.section.trials[0].changed


def test_a_task_that_does_not_take_its_data_from_data_is_not_checked(tmp_path):
    result = planted(tmp_path, "own_data")
    assert result.section.verdict == "not_checked"
    assert "data(cfg)" in result.answer
    assert not result.is_ok
    assert result.section.trials[0].last_step <= 1


def test_a_task_without_data_is_not_checked(tmp_path):
    result = gate(tmp_path, {"_target_": "stub_tasks.ok", "steps": 5})
    assert result.section.verdict == "not_checked"
    assert "no function data(cfg)" in result.answer


def test_a_task_that_fails_on_the_samples_says_how(tmp_path):
    result = planted(tmp_path, "one_channel")
    assert result.section.verdict == "crashed"
    assert not result.is_ok
