"""Which changes to a task's files count, and what is said of them."""

import os
import sys
from pathlib import Path

import pytest

from sweep.config.source import find_task
from sweep.domain.task_ref import TaskRef, root_of
from sweep.errors import TaskEditedError
from sweep.rundir import digest_of
from sweep.study.code_guard import PlannedCode
from sweep.worker.code_guard import EditedTaskError, check_code, import_root

MINE = TaskRef.of({"_target_": "mine.train"})


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """The code of a task in two files, what is said of it, and the files' folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("import helper\ndef train(cfg, run): pass")
    (tmp_path / "helper.py").write_text("x = 1")
    said = []
    return PlannedCode(find_task(TaskRef.of({"_target_": "mine.train"})), said.append), said, tmp_path


def test_code_that_was_not_edited_is_current(planned):
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


def test_a_change_is_reported_once(planned):
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
    source = find_task(TaskRef.of({"_target_": "mine.train"}))
    assert source.root == folder
    assert source.digests == {name: digest_of(folder / name) for name in ("mine.py", "helper.py")}


def test_a_package_in_another_place_has_the_same_digests(tmp_path, monkeypatch):
    found = []
    for place in ("here", "there"):
        package = tmp_path / place / "pack" / "inner"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("from pack.inner.more import x\ndef train(cfg, run): pass\n")
        (package / "more.py").write_text("x = 1\n")
        monkeypatch.chdir(tmp_path / place)
        found.append(find_task(TaskRef.of({"_target_": "pack.inner.train"})))
    here, there = found
    assert (here.root, there.root) == (tmp_path / "here", tmp_path / "there")
    assert set(here.digests) == {"pack/inner/__init__.py", "pack/inner/more.py"}
    assert here.digests == there.digests


@pytest.mark.parametrize(
    ("module", "file", "root"),
    [
        ("mine", "/x/mine.py", "/x"),
        ("a.b", "/x/a/b.py", "/x"),
        ("a.b", "/x/a/b/__init__.py", "/x"),
        ("a", "/x/a/__init__.py", "/x"),
        ("a.b.c.d", "/x/d.py", "/"),
    ],
)
def test_the_root_of_a_module_is_what_it_is_imported_from(module, file, root):
    assert root_of(module, Path(file)) == Path(root)


@pytest.fixture
def elsewhere(planned, tmp_path, monkeypatch):
    """The planned digests, and another checkout of the same code, which this process would import."""
    code, _, folder = planned
    other = tmp_path / "other"
    other.mkdir()
    for name in ("mine.py", "helper.py"):
        (other / name).write_text((folder / name).read_text())
    monkeypatch.setattr(sys, "path", [str(other)])
    return code.digests, other


def test_a_checkout_elsewhere_is_the_same_code_until_it_is_edited(elsewhere):
    digests, other = elsewhere
    check_code(import_root(MINE.module), digests)
    (other / "helper.py").write_text("x = 2")
    with pytest.raises(EditedTaskError, match=r"helper\.py"):
        check_code(import_root(MINE.module), digests)


def test_a_checkout_that_is_not_there_is_other_code(elsewhere, monkeypatch):
    digests, _ = elsewhere
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EditedTaskError, match=r"mine\.py"):
        check_code(import_root(MINE.module), digests)


def test_a_spec_of_an_earlier_version_names_files_by_absolute_paths(planned):
    _, _, folder = planned
    code = {str(folder / "mine.py"): digest_of(folder / "mine.py")}
    check_code(import_root(MINE.module), code)
    (folder / "mine.py").write_text("")
    with pytest.raises(EditedTaskError, match=r"mine\.py"):
        check_code(import_root(MINE.module), code)
