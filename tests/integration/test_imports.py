"""Reading verbs answer in under a second: what each part of the package leaves unimported.

The parts are imported one after another in one bare interpreter, which writes down after each what is loaded so far:
what is not there after a part was imported neither by it nor by those before it.
"""

import json
import subprocess
import sys

import pytest
from recorded_study import record_study

PARTS = """
import json, sys
loaded = {}
def part(name): loaded[name] = sorted(sys.modules)
import sweep
assert sweep.__version__ and "open_store" in dir(sweep)
part("sweep")
from sweep.config.source import find_task, missing_imports
from sweep.domain.task_ref import TaskRef
source = find_task(TaskRef.of({"_target_": "tasks.digits_cnn.train"}))
missing_imports(source)
assert "paddle" in source.imports
part("find_task")
import sweep.report.terminal
part("report.terminal")
import sweep.report.regression
part("report.regression")
import sweep.drivers
part("drivers")
list(sweep.open_store(sys.argv[1]).latest().trials())
part("open_store")
import contextlib, io
from sweep.cli.main import main
with contextlib.redirect_stdout(io.StringIO()):
    assert main(["plan", "+ablation=regularization", f"store.url={sys.argv[1]}"]) == 0
part("plan")
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    url = record_study(tmp_path_factory.mktemp("store"))
    done = subprocess.run([sys.executable, "-c", PARTS, url], capture_output=True, text=True, check=True)
    return {part: set(modules) for part, modules in json.loads(done.stdout).items()}


def test_importing_sweep_imports_nothing_heavy(loaded):
    assert not {"numpy", "sqlalchemy", "rich", "hydra", "optuna", "scipy", "paddle"} & loaded["sweep"]


def test_reading_verbs_leave_the_figures_of_checks_alone(loaded):
    assert not {"sweep.domain.checked", "sweep.domain.data_figures", "sweep.report.staged"} & loaded["open_store"]


def test_finding_our_tasks_does_not_import_paddle(loaded):
    assert not {"paddle", "tasks", "numpy"} & loaded["find_task"]


def test_reading_verbs_need_neither_scipy_nor_jinja2(loaded):
    heavy = {"scipy", "jinja2", "sqlalchemy", "optuna", "hydra", "visualdl"}
    assert not heavy & loaded["report.terminal"]


def test_the_terminal_needs_neither_scipy_nor_jinja(loaded):
    assert not {"scipy", "jinja2", "paddle"} & loaded["report.regression"]


def test_optuna_is_imported_only_by_a_study_that_searches(loaded):
    assert "optuna" not in loaded["drivers"]


def test_opening_a_store_imports_neither_scipy_nor_hydra_nor_optuna_nor_paddle(loaded):
    assert not {"hydra", "optuna", "scipy", "paddle", "jinja2", "pandas"} & loaded["open_store"]


def test_a_plan_imports_neither_scipy_nor_paddle(loaded):
    assert not {"optuna", "scipy", "paddle", "jinja2", "visualdl"} & loaded["plan"]
