"""What a warm parent imports ahead for a script, and what it leaves to each trial."""

import json
import subprocess
import sys

import pytest

RUN = """
import json, sys
from pathlib import Path
import numpy, paddle
from sweep.worker.script.ahead import import_ahead
print(json.dumps(import_ahead([Path("train.py").read_bytes()], Path.cwd())))
"""


def imported(folder, source):
    (folder / "train.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_an_installed_package_is_imported_once_for_all(tmp_path):
    assert imported(tmp_path, "import os, json\nfrom sklearn.datasets import load_digits\n") == ["sklearn.datasets"]


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '1'\nimport sklearn.datasets\n",  # read at its import
        "from os import environ\nenviron.setdefault('A', 'b')\nimport sklearn.datasets\n",
        "if False:\n    import sklearn.datasets\n",  # the script may not come to it
        "import sklearn.no_such_module\n",
        "import sklearn.datasets, this is no Python\n",
    ],
)
def test_what_a_trial_could_tell_is_left_to_it(source, tmp_path):
    assert imported(tmp_path, source) == []


def test_reading_the_environment_is_no_reason(tmp_path):
    source = "import os\nhome = os.environ.get('HOME')\nother = os.environ['PATH']\nimport sklearn.datasets\n"
    assert imported(tmp_path, source) == ["sklearn.datasets"]


def test_a_module_of_the_script_wins_over_an_installed_package(tmp_path):
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "datasets.py").write_text("raise RuntimeError\n")
    assert imported(tmp_path, "import sklearn.datasets\n") == []


def test_a_package_that_uses_paddle_or_starts_a_thread_is_left_to_each_trial(tmp_path):
    for name, source in {"usespaddle": "import paddle\n", "starter": "import threading\nthreading.Event().wait\n"
                         "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"}.items():  # fmt: skip
        packages = tmp_path / "env" / "site-packages"
        packages.mkdir(parents=True, exist_ok=True)
        (packages / f"{name}.py").write_text(source)
    (tmp_path / "train.py").write_text("import usespaddle\nimport starter\nimport sklearn.datasets\n")
    code = f"import sys; sys.path.append({str(packages)!r})\n{RUN}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == ["sklearn.datasets"]


@pytest.mark.parametrize("is_parent", [True, False])
def test_only_a_process_that_runs_are_forked_from_imports_ahead(is_parent, tmp_path):
    (tmp_path / "train.py").write_text("import sklearn.datasets\n")
    code = (
        "import sys; from sweep.worker.loading import prepared_task\n"
        f"prepared_task({{'task': {{'path': 'train.py', 'args': [], 'env': {{}}}}}}, is_parent={is_parent})\n"
        "print('sklearn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == str(is_parent)
