"""A full diagnosis as a user runs it: one command, one paragraph, and the evidence for it."""

import json
import shutil
import signal
import time

import pytest
from user_folder import PROJECT, Folder

BROKEN = """
from sweep.task import Run, TaskConfig
from tasks import breast_cancer
from tasks.datasets import Samples


def data(cfg: TaskConfig):
    train_set, val_set = breast_cancer.data(cfg)
    labels = train_set.y.copy()
    labels[-3:] = 37
    return Samples(train_set.x, labels), val_set


def model(cfg: TaskConfig):
    return breast_cancer.model(cfg)


def train(cfg: TaskConfig, run: Run) -> None:
    breast_cancer.train(cfg, run)
"""
BROKEN_CONFIG = """# @package _global_
defaults:
  - breast_cancer
  - _self_
task: {_target_: broken.train}
"""


def summary_of(folder, study):
    return json.loads((folder.path / "results" / study / "summary.json").read_text())


def stages_of(summary):
    return [stage["stage"] for stage in summary["stages"]]


def test_a_base_that_converges_ends_the_diagnosis(folder):
    ended = folder.sweep("task=digits_mlp", "+diagnose=full", "stages=[base,ablation,verify]")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = summary_of(folder, "digits_mlp-diagnose")
    assert summary["answer"].startswith("The base converges on 3 of 3 seeds.")
    assert summary["recommended"]["overrides"] == []
    assert stages_of(summary) == ["base"]
    [note] = summary["notes"]
    assert note.startswith("Not run")
    assert note.endswith(": ablation, verify.")
    assert summary["cost"]["trials"] == 3
    assert summary["provenance"]["seeds"] == [0, 1, 2], "not the five that the ablation would have had"


def test_broken_data_end_the_diagnosis_before_anything_is_trained(folder):
    (folder.path / "broken.py").write_text(BROKEN)
    (folder.path / "my_conf" / "task" / "broken.yaml").write_text(BROKEN_CONFIG)
    ended = folder.sweep("--config-dir", "my_conf", "task=broken", "+diagnose=full")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = summary_of(folder, "broken-diagnose")
    assert "37" in summary["answer"]
    assert "no training was run" in summary["answer"]
    assert stages_of(summary) == ["data"]
    check = folder.sweep("--config-dir", "my_conf", "task=broken", "+check=data")
    assert check.returncode == 1, "a check that finds something broken says so by its exit code"


PLAIN = """
import paddle


def train(cfg, run):
    paddle.seed(run.stream("init"))
    x = paddle.randn([64, 4])
    y = x.sum(axis=1, keepdim=True)
    net = paddle.nn.Linear(4, 1)
    optimizer = paddle.optimizer.SGD(cfg.lr, parameters=net.parameters())
    for step in range(1, cfg.steps + 1):
        loss = paddle.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        run.log(step, **{"train/loss": float(loss)})
"""
PLAIN_CONFIG = """# @package _global_
task: {_target_: plain.train, lr: 1.0e-4, steps: "${converge.budget_steps}"}
converge: {metric: train/loss, mode: min, target: 0.05, budget_steps: 300}
"""


def plain(folder, *words):
    """Diagnose a task that has a learning rate and no other knob."""
    (folder.path / "plain.py").write_text(PLAIN)
    (folder.path / "my_conf" / "task" / "plain.yaml").write_text(PLAIN_CONFIG)
    ended = folder.sweep("--config-dir", "my_conf", "task=plain", "+diagnose=full", *words)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return summary_of(folder, "plain-diagnose")


def test_a_task_without_knobs_gets_a_full_diagnosis(folder):
    summary = plain(folder, "stages=[base,ablation,verify]", "seeds=1")
    assert stages_of(summary) == ["base"]
    assert "No change was tried: the task has none of the knobs" in summary["answer"]


def test_a_rate_that_was_found_is_tried_though_the_task_has_no_lr_scale(folder):
    summary = plain(folder, "stages=[base,lr_range,ablation]", "seeds=5", "confirm=null")
    assert stages_of(summary) == ["base", "lr_range", "ablation"]
    [override] = summary["recommended"]["overrides"]
    assert override.startswith("task.lr=")
    assert "What restores convergence: lr=range" in summary["answer"]


STIFF = """
import numpy as np


def data(cfg):
    rows = np.random.default_rng(0).standard_normal((64, 4), dtype=np.float32)
    return (rows, rows.sum(axis=1, keepdims=True)), (rows[:8], rows[:8].sum(axis=1, keepdims=True))


def train(cfg, run):
    (x, y), _ = data(cfg)
    assert abs(x[63]).max() < 9  # which a set of ten samples has not
    for step in range(1, cfg.steps + 1):
        run.log(step, **{"train/loss": 0.1 if cfg.dropout == 0 else 1.0})
"""
STIFF_CONFIG = """# @package _global_
task: {_target_: stiff.train, dropout: 0.5, steps: "${converge.budget_steps}"}
converge: {metric: train/loss, mode: min, target: 0.5, budget_steps: 20}
"""


def test_a_training_that_fails_on_ten_samples_is_reported_and_the_diagnosis_continues(folder):
    (folder.path / "stiff.py").write_text(STIFF)
    (folder.path / "my_conf" / "task" / "stiff.yaml").write_text(STIFF_CONFIG)
    words = ("--config-dir", "my_conf", "task=stiff", "+diagnose=full", "stages=[base,overfit,ablation]")
    ended = folder.sweep(*words)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = summary_of(folder, "stiff-diagnose")
    assert stages_of(summary) == ["base", "overfit", "ablation"]
    assert "index 63 is out of bounds" in summary["stages"][1]["answer"]
    assert "sets of any length" in summary["stages"][1]["answer"]
    assert "ten samples is unknown" in summary["answer"]
    assert summary["recommended"]["overrides"] == ["task.dropout=0.0"]


DIAGNOSIS = ("task=digits_mlp", "task.lr=30", "+diagnose=full", "seeds=4")


def kill_when(folder, process, study):
    """Kill the orchestrator once the first trial of a stage has ended."""
    deadline = time.monotonic() + 200
    with process:
        while not list((folder.path / "results" / study / "trials").glob("*/result.json")):
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, f"{study} never began"
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A diagnosis that was killed in its learning-rate range test, and completed by the same command."""
    path = tmp_path_factory.mktemp("killed")
    shutil.copytree(PROJECT, path / "project")
    folder = Folder(path / "project")
    kill_when(folder, folder.start(*DIAGNOSIS), "digits_mlp-diagnose.lr_range")
    return folder, folder.sweep(*DIAGNOSIS)


def test_a_killed_diagnosis_resumes_and_names_the_repair(killed):
    folder, ended = killed
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = summary_of(folder, "digits_mlp-diagnose")
    assert stages_of(summary)[:5] == ["data", "base", "overfit", "lr_range", "lr_confirm"]
    [override] = summary["recommended"]["overrides"]
    key, _, value = override.partition("=")
    assert key == "task.lr"
    assert 0.003 < float(value) < 0.3
    assert "What restores convergence: lr=range" in summary["answer"]
    assert summary["answer"] in " ".join(ended.stdout.split())


def test_what_had_ended_before_the_kill_was_not_run_again(killed):
    folder, _ = killed
    for stage in ("data", "base", "overfit"):
        trials = folder.path / "results" / f"digits_mlp-diagnose.{stage}" / "trials"
        assert not list(trials.glob("*.attempt-*")), f"a trial of {stage} was run twice"


def test_a_diagnosis_is_shown_by_every_reading_verb(killed):
    folder, _ = killed
    assert "What restores convergence" in " ".join(folder.sweep("rank", "digits_mlp-diagnose").stdout.split())
    status = folder.sweep("status", "digits_mlp-diagnose").stdout
    assert "digits_mlp-diagnose.base: ended, 3 of 3 trials ended" in status
    written = folder.sweep("report", "digits_mlp-diagnose").stdout
    page = (folder.path / "results" / "digits_mlp-diagnose" / "report.html").read_text()
    assert "report.html" in written
    for section in ("data", "base", "overfit", "lr_range", "lr_confirm", "ablation"):
        assert f'<section id="{section}">' in page


def test_a_broken_store_is_rebuilt_with_the_answer_of_the_diagnosis(killed):
    folder, _ = killed
    before = summary_of(folder, "digits_mlp-diagnose")
    store = folder.path / "results" / "sweep.db"
    store.write_bytes(store.read_bytes()[:5000])
    rebuilt = folder.sweep("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    again = json.loads(folder.sweep("rank", "digits_mlp-diagnose", "--json").stdout)
    assert again["answer"] == before["answer"]
