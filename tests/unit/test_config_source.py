import sys

import pytest

from sweep.config.source import find_task, missing_imports
from sweep.domain.task_ref import TaskRef
from sweep.errors import ConfigError


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def files(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return files


def found(target):
    return find_task(TaskRef.of({"_target_": target}))


def names(target):
    return [name for name, _ in found(target).files]


def test_a_task_is_found_with_what_it_uses_from_its_folder_and_no_more(write):
    write(
        mytask="import helper\nimport json\ndef train(cfg, run): pass",
        helper="from deeper import x",
        deeper="x = 1",
        other="",
    )
    assert names("mytask.train") == ["deeper", "helper", "mytask"]


def test_a_package_is_followed_through_relative_and_absolute_imports(write):
    write(
        pack__task="from . import near\nfrom .sub.far import f\nimport pack.absolute\ndef train(cfg, run): pass",
        pack__sub__far="from ..up import u\ndef f(): pass",
        pack__up="u = 1",
        pack__near="",
        pack__absolute="",
        pack__unused="",
    )
    assert names("pack.task.train") == ["pack.absolute", "pack.near", "pack.sub.far", "pack.task", "pack.up"]


def test_the_packages_own_init_is_part_of_the_code(write, tmp_path):
    write(pack__task="def train(cfg, run): pass")
    before = found("pack.task.train").digest
    (tmp_path / "pack" / "__init__.py").write_text("X = 1")
    assert names("pack.task.train") == ["pack", "pack.task"]
    assert found("pack.task.train").digest != before


def test_the_digest_follows_every_file_used_and_no_other(write):
    write(mytask="import helper\ndef train(cfg, run): pass", helper="x = 1", other="")
    first = found("mytask.train").digest
    write(other="y = 2")
    assert found("mytask.train").digest == first
    write(helper="x = 2")
    assert found("mytask.train").digest != first


def test_circular_imports_end(write):
    write(mytask="import helper\ndef train(cfg, run): pass", helper="import mytask")
    assert names("mytask.train") == ["helper", "mytask"]


def test_a_task_is_never_imported(write):
    write(mytask="raise SystemExit('imported')\ndef train(cfg, run): pass")
    assert names("mytask.train") == ["mytask"]
    assert "mytask" not in sys.modules


def test_a_missing_package_is_named_wherever_it_is_imported(write):
    write(mytask="import helper, json\ndef train(cfg, run):\n    import no_such_a.b", helper="from no_such_b import x")
    assert missing_imports(found("mytask.train")) == ("no_such_a", "no_such_b")


def test_imports_with_a_fallback_or_for_types_are_not_missing(write):
    optional = "try:\n    import no_such_a\nexcept ImportError:\n    no_such_a = None\n"
    types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import no_such_b\n"
    write(mytask=f"{optional}{types}def train(cfg, run): pass")
    assert missing_imports(found("mytask.train")) == ()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere.train", "module nowhere not found"),
        ("mytask.sub.train", "module mytask.sub not found"),
        ("mytask.trian", "did you mean 'train'"),
        ("mytask", "package.module.function"),
        ("my task.train", "package.module.function"),
        (3, "package.module.function"),
    ],
)
def test_a_target_that_is_not_there_is_explained(write, target, words):
    write(mytask="def train(cfg, run): pass")
    with pytest.raises(ConfigError, match=words) as caught:
        found(target)
    assert caught.value.key == "task._target_"


def test_a_function_imported_or_assigned_counts(write):
    write(
        mytask="from helper import train\nfit = train\nif True:\n    def late(cfg, run): pass",
        helper="def train(c, r): pass",
    )
    for name in ("train", "fit", "late"):
        assert found(f"mytask.{name}").digest


def test_a_syntax_error_names_file_and_line(write):
    write(mytask="def train(cfg, run):\n    pass\n)")
    with pytest.raises(ConfigError, match=r"mytask\.py, line 3"):
        found("mytask.train")
