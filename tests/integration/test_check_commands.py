"""The checks as a user runs them: exit code, terminal, files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from visualdl import LogReader

from sweep.cli.main import main

ROOT = Path(__file__).parents[2]

TASK = """# @package _global_
task: {_target_: check_tasks.train, fault: none, source: digits, form: dataset, batch_size: 32, epochs: 5, steps: 1000}
converge: {metric: val/acc, target: 0.9, budget_steps: 100}
"""


@pytest.fixture
def sweep(tmp_path):
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "mine.yaml").write_text(TASK)

    def run(*words):
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "stubs")])
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
        command = [sys.executable, "-m", "sweep", "--config-dir", "conf", "task=mine", "launcher.start=cold", *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)

    return run


def test_broken_data_end_with_exit_code_1_and_leave_the_picture(sweep, tmp_path):
    done = sweep("+check=data", "task.fault=shifted_up", "study=look")
    assert done.returncode == 1, done.stderr
    assert "shifted by one" in done.stdout
    folder = tmp_path / "results" / "look"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["ok"] is False
    assert re.search(r'src="data:image/png;base64,[\w+/]{500}', (folder / "report.html").read_text())
    [log] = (folder / "trials" / "0" / "vdl").iterdir()
    assert LogReader(file_path=str(log)).get_tags()["image"] == ["batch"]


def test_the_gate_of_a_users_own_task_ends_with_exit_code_0(sweep, tmp_path):
    done = sweep("+check=overfit", "study=gate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "overfits ten samples" in " ".join(done.stdout.split())
    assert "train/loss" in done.stdout
    page = (tmp_path / "results" / "gate" / "report.html").read_text()
    assert '<svg class="panel"' in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["+check=data", "probe.limit=0"], "probe.limit"),
        (["+check=data", "probe.overlap=2"], "from 0 to 1"),
        (["+check=data", "probe.imbalence=3"], "probe.imbalance"),
        (["+check=overfit", "probe.samples=0"], "probe.samples"),
        (["+check=overfit", "probe.length=steps"], "probe.length"),
        (["+check=dta"], "data"),
    ],
)
def test_a_wrong_setting_is_an_error_of_usage_that_names_it(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *words]) == 2
    assert said in capsys.readouterr().err
