"""The code of a script: its own modules, the folders it adds to sys.path, the config files it names."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from sweep.config.source import find_task, missing_required
from sweep.domain.task_ref import TaskRef
from sweep.errors import ConfigError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that writes files of a project, which is the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(files):
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write


def found(path="train.py", *args):
    return find_task(TaskRef.of({"path": str(path), "args": list(args)}))


def names(*words):
    return set(found(*words).digests)


def test_modules_of_its_own_folder_are_followed(project):
    project(
        {
            "train.py": "import helper, json\nfrom pack import a\nfrom pack.sub import b\nfrom space.net import Net",
            "helper.py": "import deeper",
            "deeper.py": "",
            "unused.py": "",
            "pack/__init__.py": "from . import near",
            "pack/a.py": "from .up import x",
            "pack/up.py": "",
            "pack/near.py": "",
            "pack/sub/b.py": "from ..other import y",
            "pack/other.py": "",
            "space/net.py": "import space.layers",
            "space/layers.py": "",
            "space/not.py": "",
        }
    )
    ours = "train.py helper.py deeper.py pack/__init__.py pack/a.py pack/up.py pack/near.py pack/sub/b.py pack/other.py"
    assert names() == {*ours.split(), "space/net.py", "space/layers.py"}


def test_a_module_of_its_own_is_followed_also_where_it_is_imported_by_name_or_with_a_fallback(project):
    project(
        {
            "train.py": "import importlib\ntry:\n    import fast\nexcept ImportError:\n    import slow\n"
            "def f():\n    import late\nimportlib.import_module('models.net')",
            "fast.py": "", "slow.py": "", "late.py": "", "models/net.py": "",
        }
    )  # fmt: skip
    assert names() == {"train.py", "fast.py", "slow.py", "late.py", "models/net.py"}


@pytest.mark.parametrize("name", ["tasks", "conf", "sweep"])
def test_its_own_modules_win_over_those_of_sweep(project, name):
    project({"train.py": f"import {name}", f"{name}.py": ""})
    assert names() == {"train.py", f"{name}.py"}


def test_an_installed_package_wins_over_a_folder_that_is_none(project):
    project({"train.py": "import numpy.linalg", "numpy/linalg.py": ""})
    assert names() == {"train.py"}


@pytest.mark.parametrize(
    "edit",
    [
        "sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))",
        "sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))",
        "sys.path.append(os.path.abspath(os.path.join(__file__, os.pardir, '..')))",
        "sys.path.insert(0, str(Path(__file__).resolve().parent.parent))",
        "sys.path.insert(0, str(Path(__file__).resolve().parents[1]))",
        "here = os.path.dirname(__file__)\nroot = os.path.join(here, '..')\nsys.path.insert(0, root)",
        "sys.path += [os.path.dirname(__file__) + '/..']",
        "sys.path = [str(Path(__file__).parent / '..')] + sys.path",
        "sys.path.append(os.getcwd())",
        "sys.path.extend(['.'])",
    ],
)
def test_folders_that_it_adds_to_sys_path_are_its_own(project, edit):
    project(
        {
            "tools/train.py": f"import os, sys\nfrom pathlib import Path\n{edit}\nfrom lib.net import Net\nimport flat",
            "lib/__init__.py": "",
            "lib/net.py": "",
            "flat.py": "",
        }
    )
    assert names("tools/train.py") == {"train.py", "../lib/__init__.py", "../lib/net.py", "../flat.py"}


def test_a_folder_that_a_module_adds_is_found_for_the_imports_before_it(project):
    project(
        {
            "train.py": "import deep\nimport setup_path",
            "setup_path.py": "import sys\nsys.path.append('lib')",
            "lib/deep.py": "",
        }
    )
    assert names() == {"train.py", "setup_path.py", "lib/deep.py"}


FILES = {
    "src/train.py": "import sys, os\nsys.path.append(os.path.join(os.path.dirname(__file__), '..'))\nimport near, far",
    "src/near.py": "x = 1",
    "far.py": "y = 1",
}


def test_a_moved_checkout_is_the_same_code(project, tmp_path):
    here = found(project(FILES) / "src" / "train.py")
    shutil.copytree(tmp_path / "project", tmp_path / "copy")
    there = found(tmp_path / "copy" / "src" / "train.py")
    assert (here.digest, here.digests) == (there.digest, there.digests)
    assert here.root != there.root


@pytest.mark.parametrize("name", list(FILES))
def test_an_edit_of_any_of_its_files_is_another_code(project, name):
    path = project(FILES) / name
    before = found("src/train.py").digest
    path.write_text(f"{path.read_text()}\n# edited")
    assert found("src/train.py").digest != before


def test_config_files_that_it_names_are_code(project):
    folder = project(
        {
            "tools/train.py": "import json\nOPTIONS = json.load(open('settings.json'))",
            "settings.json": "{}",
            "configs/net.yml": "_BASE_: [../base/all.yml]\nlr: 1",
            "base/all.yml": "epochs: 3",
            "other.toml": "",
            "data.csv": "",
        }
    )
    words = ["tools/train.py", "-c", "configs/net.yml", "--more=other.toml", "--data", "data.csv", "missing.yaml"]
    files = names(*words)
    assert files == {f"../{name}" for name in ("settings.json", "configs/net.yml", "base/all.yml", "other.toml")} | {
        "train.py"
    }
    before = found(*words).digest
    (folder / "base/all.yml").write_text("epochs: 4")
    assert found(*words).digest != before


def test_config_files_outside_of_the_project_and_large_ones_are_not_code(project, tmp_path):
    folder = project({"train.py": "", "large.json": "1" * (1 << 20) + "1"})
    (tmp_path / "outside.yaml").touch()
    assert names("train.py", str(tmp_path / "outside.yaml"), "../outside.yaml", "large.json", str(folder)) == {
        "train.py"
    }


def test_each_file_is_read_once(project, monkeypatch):
    project({**FILES, "src/settings.yaml": ""})
    reads = Counter()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (reads.update([path.name]), read(path))[1])
    found("src/train.py", "src/settings.yaml", "--c=src/settings.yaml")
    assert reads == dict.fromkeys(["train.py", "near.py", "far.py", "settings.yaml"], 1)


def test_packages_that_it_cannot_start_without_are_named_where_they_are_missing(project):
    text = "import numpy, nowhere.x\ntry:\n    import maybe\nexcept ImportError: pass\ndef f():\n    import late_one"
    project({"train.py": text})
    assert missing_required(found()) == ("nowhere",)
    project({"train.py": f"import sys\nsys.path.insert(0, sys.argv[1])\n{text}"})
    assert missing_required(found()) == ()


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("trian.py", "train.py"),
        ("train2.py", "train.py"),
        ("deep.py", "src/deep.py"),
        ("src/train.py", "train.py"),
        ("nowhere/deep.py", "src/deep.py"),
        ("train.py/x.py", "no such script"),
        ("folder.py", "folder.py/a.py"),
    ],
)
def test_a_wrong_path_is_told_what_is_nearby(project, path, named):
    project({"train.py": "", "src/deep.py": "", "folder.py/a.py": ""})
    with pytest.raises(ConfigError) as caught:
        found(path)
    assert caught.value.key == "task.path"
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("text", "named"), [("x = 1\ny = (\n", "line 2"), ("import bad", "bad.py, line 1"), ("x = '\0'", "train.py")]
)
def test_what_is_no_python_is_named_with_its_line(project, text, named):
    project({"train.py": text, "bad.py": "def"})
    with pytest.raises(ConfigError) as caught:
        found()
    assert named in str(caught.value)


def test_a_script_that_cannot_be_read_is_an_error(project):
    folder = project({"train.py": ""})
    (folder / "loop.py").symlink_to("loop.py")
    with pytest.raises(ConfigError, match=r"task\.path"):
        found("loop.py")


def test_a_notebook_is_told_how_to_become_a_script():
    with pytest.raises(ConfigError, match=r"nbconvert --to script note\.ipynb"):
        TaskRef.of({"path": "note.ipynb"})
