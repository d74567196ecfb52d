"""The keys of a task that is a program of its own: one form, and what is refused."""

import pytest
from omegaconf import OmegaConf

from sweep.config.program_keys import check_program, in_one_form, program_notes
from sweep.config.source import find_task
from sweep.domain.task_ref import TaskRef, identity
from sweep.errors import ConfigError


def formed(**task):
    config = OmegaConf.create({"task": task, "lr": 0.5})
    in_one_form(config)
    return OmegaConf.to_container(config, resolve=True)["task"]


def test_equal_programs_are_equal_however_they_are_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = formed(path=f"{tmp_path}/a/train.py", args=["--n", 3, True, 1e-05], env={"A": 1})
    assert typed == formed(path="./a//train.py", args=["--n", "3", "true", "1e-05"], env={"A": "1"})
    assert typed == {"path": "a/train.py", "args": ["--n", "3", "true", "1e-05"], "env": {"A": "1"}}


def test_references_and_function_tasks_stay_as_they_are():
    assert formed(path="t.py", args=["${lr}", 2])["args"] == [0.5, "2"]
    assert formed(_target_="m.f", path="./x.py", args=[1]) == {"_target_": "m.f", "path": "./x.py", "args": [1]}


@pytest.mark.parametrize(
    ("section", "key", "named"),
    [
        ({"args": "--epochs 3"}, "task.args", "list"),
        ({"args": ["a", None]}, "task.args", "null"),
        ({"args": [["a"]]}, "task.args", "'a'"),
        ({"args": ["a\0"]}, "task.args", "NUL"),
        ({"env": ["A=1"]}, "task.env", "section"),
        ({"env": {"A": None}}, "task.env.A", "null"),
        ({"env": {"A=B": "1"}}, "task.env", "A=B"),
        ({"seeding": "both"}, "task.seeding", "script"),
        ({"metrics": ["acc"]}, "task.metrics", "section"),
        ({"metrics": {"acc": 1}}, "task.metrics.acc", "one group"),
        ({"metrics": {"acc": "acc [0-9]+"}}, "task.metrics.acc", "none"),
        ({"metrics": {"acc": "(acc) ([0-9]+)"}}, "task.metrics.acc", "2"),
        ({"metrics": {"acc": "acc ([0-9+"}}, "task.metrics.acc", "position 5"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(section, key, named):
    section = {"path": "train.py", **section}
    with pytest.raises(ConfigError) as caught:
        check_program(TaskRef.of(section), section)
    assert caught.value.key == key
    assert named in str(caught.value)


def test_right_values_are_taken():
    section = {
        "path": "train.py",
        "args": ["", "--lr=1", 0.5, True],
        "env": {"A_1": "x", "B": 2},
        "seeding": "script",
        "metrics": {"val/acc": r"top1 \(acc\): ([0-9.]+)", "m": "m=((?:x|y)+)"},
    }
    check_program(TaskRef.of(section), section)


def test_the_keys_of_a_function_are_its_own():
    section = {"_target_": "m.f", "args": "any", "env": 3, "metrics": None}
    check_program(TaskRef.of(section), section)


def test_a_script_elsewhere_is_known_by_its_code_and_one_below_by_its_place():
    assert identity({"path": "/a/train.py", "x": 1}) == {"path": "train.py", "x": 1}
    assert identity({"path": "a/train.py"}) == {"path": "a/train.py"}
    assert identity({"_target_": "m.f", "path": "/data/x.py"}) == {"_target_": "m.f", "path": "/data/x.py"}


@pytest.mark.parametrize(("text", "is_told"), [("import paddle", False), ("import os, numpy", True), ("x = 1", True)])
def test_a_script_without_paddle_is_told_of(tmp_path, monkeypatch, text, is_told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(text)
    ref = TaskRef.of({"path": "train.py"})
    notes = program_notes(ref, find_task(ref))
    assert len(notes) == is_told
    assert "numpy" not in text or all("numpy" in note and " os" not in note for note in notes)
