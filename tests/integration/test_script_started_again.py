"""A script that dies before its first step in a forked process is started once more, cold."""

from pathlib import Path

import pytest
from script_runs import TRAINS, ran

SETS_FLAG = """
import os
assert not os.path.exists("mark.txt")
open("mark.txt", "w").write("x")
os.environ["FLAGS_call_stack_level"] = "2"
import paddle
assert paddle.get_flags("FLAGS_call_stack_level")["FLAGS_call_stack_level"] == 2, "too late"
"""


@pytest.mark.parametrize("patches", [(), ("no capability",), ("no mounts",)])
def test_what_a_program_sets_before_its_imports_holds_when_it_is_started_again(
    tmp_path: Path, patches: tuple[str, ...]
) -> None:
    run = ran(tmp_path, SETS_FLAG, patches=patches)
    assert (run.code, run.state) == (0, "completed"), run.log
    assert "too late" in str(run.facts["program/cold"])
    assert any("cold" in note for note in run.notes)
    assert len(run.losses) == 1
    assert [path.name for path in (run.folder.path / "written").iterdir()] == ["mark.txt"]
    assert not (tmp_path / "project/mark.txt").exists()


def test_a_program_that_dies_early_in_any_process_is_started_twice(tmp_path: Path) -> None:
    run = ran(tmp_path, "print('BEGUN')\nraise ValueError('no data')\n", patches=())
    assert (run.state, run.failure["message"]) == ("failed", "ValueError: no data")
    assert run.log.count("BEGUN") == 2


@pytest.mark.parametrize("text", [TRAINS + "step()\nraise ValueError", "pass"])
def test_a_program_that_has_trained_or_has_ended_is_not_started_again(tmp_path: Path, text: str) -> None:
    run = ran(tmp_path, f"print('BEGUN')\n{text}\n", patches=(), trains=False)
    assert run.state == "failed"
    assert run.log.count("BEGUN") == 1
