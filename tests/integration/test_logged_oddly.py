"""Commands on tasks that log by epoch, in percent, nothing, or never end: what they print, and their exit codes."""

import json

import pytest

from sweep.cli.main import main

TASK = """
import time


def train(cfg, run):
    if cfg.kind == "returns":
        return {"loss": 0.05}
    if cfg.kind == "sleeps":
        time.sleep(60)
    for epoch in range(1, 11):
        for step in range(10 * epoch - 9, 10 * epoch + 1):
            if cfg.kind in ("val by epoch", "percent"):
                run.log(step, **{"train/loss": 1 / step})
        accuracy = min(epoch / 5, 0.95)
        step = 10 * epoch if cfg.kind == "percent" else epoch
        run.log(step, **{"val/acc": 100 * accuracy if cfg.kind == "percent" else accuracy})
"""
CONFIG = """# @package _global_
task: {_target_: odd_logging.train, kind: val by epoch}
converge: {metric: val/acc, mode: max, target: 0.8, budget_steps: 100}
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return the exit code of a study of this kind of task, its summary, and what was printed."""
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "odd.yaml").write_text(CONFIG)
    (tmp_path / "odd_logging.py").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def study(kind, *words):
        code = main(["--config-dir", "conf", "task=odd", f"task.kind='{kind}'", "seeds=1", "study=odd", *words])
        printed = capsys.readouterr()
        summary = tmp_path / "results" / "odd" / "summary.json"
        return code, json.loads(summary.read_text()), " ".join((printed.out + printed.err).split())

    return study


def test_a_validation_by_epoch_is_judged_at_the_steps_reached_and_the_answer_says_so(run):
    code, summary, printed = run("val by epoch")
    assert (code, summary["base"]["verdict"], summary["base"]["median_steps_to_target"]) == (0, "converged", 40)
    assert summary["base"]["symptoms"][0]["rule"] == "steps"
    for text in (printed, summary["answer"]):
        assert "val/acc is logged at steps 1 to" in text


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("all by epoch", "only steps 1 to 10 of a budget of 300"),
        ("percent", "converge.target=80"),
        ("returns", "train returned a dict (loss)"),
    ],
)
def test_a_study_that_cannot_be_judged_says_what_to_do_and_is_no_success(run, kind, word):
    code, summary, printed = run(kind, "converge.budget_steps=300")
    assert (code, summary["verdicts"]) == (1, {"undecided": 1})
    assert word in printed
    assert word in summary["answer"]


def test_a_study_in_which_all_time_out_names_the_limit_and_is_no_success(run):
    code, summary, printed = run("sleeps", "launcher.timeout_s=1", "launcher.grace_s=0.5")
    assert (code, summary["verdicts"]) == (1, {"timeout": 1})
    assert "launcher.timeout_s" in summary["answer"]
    assert "no trial of this study has a verdict" in printed


def test_a_hold_beyond_the_budget_is_refused(run, capsys):
    code = main(["--config-dir", "conf", "task=odd", "converge.hold=101"])
    error = capsys.readouterr().err
    assert code == 2
    for word in ("converge.hold", "101", "converge.budget_steps"):
        assert word in error
