"""The example notebook, executed as Jupyter does it, on a study that was really run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "reading_results.ipynb"
PROJECT = ROOT / "tests" / "acceptance" / "project"
STUDY = ("--config-dir", "my_conf", "task=mine", "+axis=[weight_decay]", "seeds=2", "launcher.slots=2")


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook") / "work"
    shutil.copytree(PROJECT, folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "sweep", *STUDY], cwd=folder, env=environment, check=True, timeout=120)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # The kernel of this very interpreter: an installed one of the name python3 may be another.
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.create_kernel_manager()
    client.km.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return client.execute(env=environment)


def outputs(notebook, source):
    [cell] = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip() == source]
    return cell.outputs


def test_every_cell_runs_and_nothing_is_written_to_standard_error(executed):
    for cell in executed.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output


def test_the_study_and_its_curves_are_shown_as_html(executed):
    [shown] = outputs(executed, "study.trials()")
    assert "weight_decay=off" in shown.data["text/html"]
    [shown] = outputs(executed, "curves = study.curves()\ncurves")
    assert "<svg" in shown.data["text/html"]
    assert shown.data["text/plain"] == "<Curves of train/loss: 4 trials>"


def test_the_notebook_is_committed_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
