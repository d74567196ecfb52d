"""Which changes to a task's files count, and what is said of them."""

import os

import pytest

from sweep.config.source import find_task
from sweep.domain.taskref import TaskRef
from sweep.errors import TaskEditedError
from sweep.rundir import digest_of
from sweep.study.edits import PlannedCode


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """The code of a task in two files, what is said of it, and the files' folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("import helper\ndef train(cfg, run): pass")
    (tmp_path / "helper.py").write_text("x = 1")
    said = []
    return PlannedCode(find_task(TaskRef.of({"_target_": "mine.train"})), said.append), said, tmp_path


def test_code_that_nobody_has_touched_is_current(planned):
    code, said, _ = planned
    assert code.is_current()
    assert (code.changed, said) == ((), [])


def test_a_file_that_the_task_imports_counts_and_another_does_not(planned):
    code, said, folder = planned
    (folder / "other.py").write_text("y = 2")
    assert code.is_current()
    (folder / "helper.py").write_text("x = 2")
    assert not code.is_current()
    assert code.changed == ("helper.py",)
    assert said[0].startswith("helper.py: edited since the study was planned")


def test_a_change_is_told_once(planned):
    code, said, folder = planned
    (folder / "helper.py").write_text("x = 2")
    assert [code.is_current() for _ in range(3)] == [False] * 3
    assert len(said) == 1


def test_a_file_that_is_only_touched_is_current(planned):
    code, _, folder = planned
    os.utime(folder / "mine.py", ns=(1, 1))
    assert code.is_current()


def test_a_file_of_the_same_size_with_other_code_is_not_current(planned):
    code, _, folder = planned
    (folder / "helper.py").write_text("x = 7")
    os.utime(folder / "helper.py", ns=(1, 1))
    assert not code.is_current()


def test_a_file_that_is_gone_is_not_current_and_one_put_back_is(planned):
    code, said, folder = planned
    text = (folder / "mine.py").read_text()
    (folder / "mine.py").unlink()
    assert not code.is_current()
    (folder / "mine.py").write_text(text)
    assert code.is_current()
    assert code.changed == ()
    assert len(said) == 1


def test_two_files_were_and_one_was_edited(planned):
    code, _, folder = planned
    (folder / "helper.py").write_text("x = 2")
    assert not code.is_current()
    assert " helper.py was edited " in code.message("3 trials", "again")
    (folder / "mine.py").write_text("")
    assert not code.is_current()
    assert f" {', '.join(code.changed)} were edited " in code.message("3 trials", "again")
    assert set(code.changed) == {"helper.py", "mine.py"}


def test_a_task_edited_after_it_was_read_is_not_current_whenever_its_files_are_looked_at_first(planned):
    _, _, folder = planned
    source = find_task(TaskRef.of({"_target_": "mine.train"}))
    (folder / "helper.py").write_text("x = 2")
    code = PlannedCode(source)
    assert code.digests == source.digests
    assert not code.is_current()
    with pytest.raises(TaskEditedError, match=r"helper\.py: edited"):
        code.require_current()


def test_the_digests_of_a_task_are_those_of_its_files(planned):
    _, _, folder = planned
    digests = find_task(TaskRef.of({"_target_": "mine.train"})).digests
    assert digests == {str(folder / name): digest_of(folder / name) for name in ("mine.py", "helper.py")}
