"""+search=lr_range by its command line: what it prints and leaves, killed and gone on with, and refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sweep.cli.main import main
from sweep.rundir import StudyDir, StudyLock

ROOT = Path(__file__).parents[2]
DEADLINE_S = 90.0
QUICK = [
    "task=digits_mlp",
    "+search=lr_range",
    "probe.steps=80",
    "seeds=2",
    "confirm.seeds=1",
    "confirm.stop_early=true",
    "study=rates",
]


def environment():
    path = os.pathsep.join([str(ROOT / "tests" / "stubs"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def command(words, results):
    return [sys.executable, "-m", "sweep", *words, f"results={results}"]


def sweep(words, results):
    return subprocess.run(
        command(words, results), env=environment(), capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE_S
    )


def results_of(folder):
    """Return when each finished trial below a results folder left its result."""
    return {file: file.stat().st_mtime_ns for file in folder.glob("*/trials/*/result.json")}


def killed_while_confirming(results):
    process = subprocess.Popen(
        command(QUICK, results), env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + DEADLINE_S
    while not list(results.glob("rates.confirm/trials/*/result.json")):
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    held_by = StudyLock(StudyDir(results, "rates").lock).holder()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert held_by is not None, "a second orchestrator would not be refused"
    assert held_by.pid == process.pid, "`stop rates` would not find it"


def test_a_range_test_killed_while_confirming_resumes_and_repeats_nothing(tmp_path):
    killed_while_confirming(tmp_path)
    before = results_of(tmp_path)
    ended = sweep(QUICK, tmp_path)
    assert ended.returncode == 0, ended.stderr
    after = results_of(tmp_path)
    assert {file: after[file] for file in before} == before
    assert sum("rates.confirm" in str(file) for file in after) == 4  # three rates and the task's own

    summary = json.loads((tmp_path / "rates" / "summary.json").read_text())
    ranged, confirmed = summary["stages"]
    assert (ranged["stage"], confirmed["stage"]) == ("lr_range", "lr_confirm")
    point = ranged["section"]["point"]
    assert 0.003 < point < 0.3
    assert confirmed["section"]["confirmed"]
    assert summary["recommended"]["overrides"] == [f"task.lr={confirmed['section']['recommended_lr']:g}"]
    assert summary["recommended"]["command"].endswith(summary["recommended"]["overrides"][0])
    assert "probe.steps" not in summary["recommended"]["command"]
    assert summary["cost"]["trials"] == 6
    assert summary["provenance"]["seeds"] == [0, 1, 2], "two of the range tests, and one that confirms"
    assert summary["recommended"]["overrides"][0] in ended.stdout
    assert "▲" in ended.stdout
    assert 'class="rates"' in (tmp_path / "rates" / "report.html").read_text()

    store = ["--store", f"sqlite:///{tmp_path / 'sweep.db'}"]
    assert main(["report", "rates", *store]) == 0
    assert [s["stage"] for s in json.loads((tmp_path / "rates" / "summary.json").read_text())["stages"]] == [
        "lr_range",
        "lr_confirm",
    ]

    alone = [word for word in QUICK if not word.startswith("confirm")]
    assert main([*alone, "confirm=null", f"results={tmp_path}"]) == 0
    assert results_of(tmp_path) == after
    unconfirmed = json.loads((tmp_path / "rates" / "summary.json").read_text())
    assert unconfirmed["recommended"]["overrides"] == [f"task.lr={point:g}"]
    assert "Not confirmed by trials" in unconfirmed["notes"][0]


def test_a_task_without_an_optimizer_of_paddle_ends_with_code_1_and_says_why(tmp_path):
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "plain.yaml").write_text(
        "# @package _global_\ntask: {_target_: rate_tasks.numpy_only, steps: 60, lr: 0.1}\n"
        "converge: {metric: train/loss, target: 0.1, budget_steps: 60}\n"
    )
    ended = sweep(["--config-dir", str(tmp_path / "conf"), "task=plain", "+search=lr_range", "seeds=1"], tmp_path)
    assert ended.returncode == 1
    assert "no step of a Paddle optimizer" in " ".join(ended.stdout.split())
