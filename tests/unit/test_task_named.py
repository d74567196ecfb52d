"""What of a task section names the program, and what does not."""

import pytest

from sweep.domain.task_ref import KIND_OF_KEY, TaskKind, TaskRef, naming_key
from sweep.errors import ConfigError


def test_a_function_is_named_by_its_module_and_its_name():
    ref = TaskRef.of({"lr": 0.1, "_target_": "pack.mod.train"})
    assert (ref.kind, ref.module, ref.function) == (TaskKind.FUNCTION, "pack.mod", "train")


def test_a_section_that_names_no_program_is_refused_by_the_key_that_is_missing():
    with pytest.raises(ConfigError) as caught:
        TaskRef.of({"lr": 0.1})
    assert caught.value.key == "task._target_"


def test_a_knob_names_no_program():
    assert naming_key({"lr": 0.1, "data": "data.csv"}) is None
    assert naming_key({"lr": 0.1, "_target_": "m.f"}) == "_target_"


def test_a_function_may_have_a_path_of_its_own():
    ref = TaskRef.of({"path": "data.csv", "_target_": "m.f"})
    assert (ref.kind, ref.key) == (TaskKind.FUNCTION, "_target_")


def test_a_script_is_named_by_its_path():
    ref = TaskRef.of({"path": "models/train.py", "args": []})
    assert (ref.kind, ref.name) == (TaskKind.SCRIPT, "models/train.py")
    with pytest.raises(ConfigError) as caught:
        TaskRef.of({"path": "train.sh"})
    assert caught.value.key == "task.path"


def test_every_kind_of_task_is_named_by_a_key():
    assert set(KIND_OF_KEY.values()) == set(TaskKind)
