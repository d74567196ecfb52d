"""The commands as a user types them, on a task of the user's own (no paddle needed, so quick)."""

import csv
import json
import shlex
import signal
import sqlite3
import time
from pathlib import Path

import psutil
import pytest


def summary_of(folder, study: str) -> dict:
    return json.loads((folder.path / "results" / study / "summary.json").read_text(), parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def toggle_of(summary: dict, name: str) -> dict:
    return next(t for t in summary["toggles"] if t["toggle"] == name)


def wait_until(condition, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.02)


@pytest.fixture
def ended(folder):
    """A finished study of the user's own ablation: weight_decay=off is the planted repair."""
    done = folder.mine("+ablation=mine", "study=first", "seeds=5", "driver.design=one_at_a_time")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done


def test_the_planted_repair_is_ranked_first_and_called_so(ended):
    folder, done = ended
    summary = summary_of(folder, "first")
    assert summary["question"] == "restore"
    assert summary["base"]["converged"] == 0
    best = toggle_of(summary, "weight_decay=off")
    assert (best["rank"], best["status"], best["converged"]) == (1, "restores", 5)
    assert summary["repairs"][0]["toggles"] == ["weight_decay=off"]
    assert summary["repairs"][0]["overrides"] == ["task.weight_decay=0.0"]
    assert all(t["status"] != "restores" for t in summary["toggles"] if t["toggle"] != "weight_decay=off")
    assert "weight_decay=off" in done.stdout
    assert "restores" in done.stdout


def test_a_study_leaves_every_file_of_the_contract(ended):
    folder, _ = ended
    study = folder.path / "results" / "first"
    assert {"plan.json", "summary.json", "report.html", "report.md", "ranking.csv"} <= {p.name for p in study.iterdir()}
    trial = study / "trials" / "0"
    assert {"spec.json", "events.jsonl", "result.json", "out.log", "vdl"} <= {p.name for p in trial.iterdir()}
    rows = list(csv.DictReader((study / "ranking.csv").open()))
    assert rows[0]["toggle"] == "weight_decay=off"


def test_the_recommended_command_converges(ended):
    folder, _ = ended
    command = summary_of(folder, "first")["recommended"]["command"]
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "sweep"]
    done = folder.sweep(*words[3:], "study=fixed")
    assert done.returncode == 0, done.stdout + done.stderr
    fixed = summary_of(folder, "fixed")
    assert fixed["base"]["converged"] == fixed["base"]["seeds"] == 5


def test_the_same_command_again_repeats_no_trial(ended):
    folder, _ = ended
    before = attempts(folder)
    again = folder.mine("+ablation=mine", "study=first", "seeds=5", "driver.design=one_at_a_time")
    assert again.returncode == 0, again.stderr
    assert attempts(folder) == before


def test_a_larger_seed_list_runs_only_what_is_missing(ended):
    folder, _ = ended
    before = attempts(folder)
    again = folder.mine("+ablation=mine", "study=first", "seeds=6", "driver.design=one_at_a_time")
    assert again.returncode == 0, again.stderr
    summary = summary_of(folder, "first")
    cells = 1 + len(summary["toggles"])
    assert attempts(folder) == before + cells
    assert summary["base"]["seeds"] == 6


def test_another_study_reuses_finished_trials_by_fingerprint(ended):
    folder, _ = ended
    before = attempts(folder)
    other = folder.mine("+axis=[weight_decay]", "study=second", "seeds=5")
    assert other.returncode == 0, other.stderr
    assert attempts(folder) == before
    assert summary_of(folder, "second")["cost"]["reused"] == 10


def test_a_changed_target_is_a_new_question(ended):
    folder, _ = ended
    before = attempts(folder)
    again = folder.mine(
        "+ablation=mine", "study=first", "seeds=2", "converge.target=0.3", "driver.design=one_at_a_time"
    )
    assert again.returncode == 0, again.stderr
    assert attempts(folder) > before
    assert summary_of(folder, "first")["base"]["seeds"] == 2


def attempts(folder) -> int:
    with sqlite3.connect(folder.path / "results" / "sweep.db") as db:
        return db.execute("select count(*) from runs").fetchone()[0]


def test_reading_verbs_answer_in_text_and_json(ended):
    folder, _ = ended
    for verb in (["ls"], ["status"], ["rank"], ["show", "0"]):
        text = folder.sweep(*verb)
        assert text.returncode == 0, text.stderr
        assert text.stdout.strip()
        data = folder.sweep(*verb, "--json")
        assert data.returncode == 0, data.stderr
        json.loads(data.stdout, parse_constant=_refuse)
    assert "weight_decay=off" in folder.sweep("rank").stdout
    assert folder.sweep("logs", "0").returncode == 0
    (folder.path / "results/first/report.html").unlink()
    assert folder.sweep("report", "first").returncode == 0
    assert (folder.path / "results/first/report.html").stat().st_size > 10_000


def test_export_gives_every_trial_and_every_point(ended):
    folder, _ = ended
    done = folder.sweep("export", "first", "--to", "out")
    assert done.returncode == 0, done.stderr
    trials = list(csv.DictReader((folder.path / "out" / "trials.csv").open()))
    points = list(csv.DictReader((folder.path / "out" / "points.csv").open()))
    assert len(trials) == 5 * (1 + len(summary_of(folder, "first")["toggles"]))
    assert {row["metric"] for row in points} == {"train/loss", "val/acc"}


def test_a_base_that_converges_is_asked_what_breaks_it(folder):
    done = folder.mine(
        "task.weight_decay=0.001", "+axis=[lr]", "study=healthy", "driver.design=one_at_a_time", "seeds=5"
    )
    assert done.returncode == 0, done.stderr
    summary = summary_of(folder, "healthy")
    assert summary["question"] == "break"
    assert summary["base"]["converged"] == 5
    slow = toggle_of(summary, "lr=x0.01")
    assert slow["status"] == "harms"
    assert "breaks" in done.stdout


def test_a_study_in_which_every_trial_diverges_ends_well(folder):
    done = folder.mine("task.poison=true", "+ablation=mine", "driver.design=one_at_a_time", "study=poisoned", "seeds=3")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = summary_of(folder, "poisoned")
    assert summary["base"]["verdict"] == "diverged"
    assert summary["repairs"] == []
    assert summary["base"]["symptoms"][0]["rule"].startswith("non")
    assert "diverged" in done.stdout
    assert "diverged" in (folder.path / "results/poisoned/report.html").read_text()


def test_a_study_in_which_every_trial_crashes_stops_early_with_the_traceback_once(folder):
    done = folder.mine("task.crash_at=2", "+ablation=mine", "study=crash", "seeds=5")
    assert done.returncode == 1, done.stdout
    text = done.stdout + done.stderr
    assert "planted crash at step 2" in text
    assert text.count("Traceback") == 1
    assert (folder.path / "results/crash/report.html").exists()
    started = list((folder.path / "results/crash/trials").iterdir())
    assert len(started) <= 6  # of 60


def test_a_search_finds_a_better_value(folder):
    done = folder.mine(
        "+search=tpe",
        "+params={task.weight_decay: 'tag(log, interval(1e-4, 3))'}",
        "driver.n_trials=12",
        "study=tpe",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = summary_of(folder, "tpe")
    best = summary["search"]["top"][0]
    assert float(best["params"]["task.weight_decay"]) < 1.0
    assert "task.weight_decay" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["+ablation=regularisation"], ["ablation", "regularisation", "regularization"]),
        (["task=digit"], ["task", "digits"]),
        (["task.lrr=1"], ["task.lrr", "lr"]),
        (["converge.mode=up"], ["converge.mode", "up", "min", "max"]),
        (["~axes.dropot", "+ablation=regularization"], ["dropot", "dropout"]),
        (["+axes.x={levels: {a: [task.nope=1]}}"], ["task.nope"]),
        (["+axes.x={levels: {a: [task.weight_decay=3.0]}}"], ["weight_decay", "already"]),
        (["seeds=0"], ["seeds"]),
        (["driver.design=full_factorail"], ["full_factorail", "full_factorial"]),
        (["launcher.slotz=2"], ["slotz", "slots"]),
        (["rnak"], ["rnak", "rank"]),
        (["ablation=regularization"], ["+ablation=regularization"]),
    ],
)
def test_a_mistake_ends_with_exit_code_2_and_names_the_way_out(folder, arguments, named):
    verb_first = arguments[0].isalpha()
    done = folder.sweep(*arguments) if verb_first else folder.mine(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in named:
        assert word in done.stderr
    assert not (folder.path / "results").exists()


def test_plan_launches_nothing(folder):
    done = folder.sweep("plan", "--config-dir", "my_conf", "task=mine", "+ablation=mine", "seeds=3")
    assert done.returncode == 0, done.stderr
    assert "weight_decay=off" in done.stdout
    assert not (folder.path / "results").exists()


def test_reading_verbs_in_an_empty_folder_say_what_is_missing(tmp_path, folder):
    done = folder.sweep("rank")
    assert done.returncode == 2
    assert "results/sweep.db" in done.stderr
    assert not (folder.path / "results").exists()


def test_ctrl_c_once_drains_and_the_same_command_resumes(folder):
    command = ("--config-dir", "my_conf", "task=mine", "+ablation=mine", "study=cut", "seeds=2", "task.pause_s=0.005")
    process = folder.start(*command)
    wait_until(lambda: (folder.path / "results/cut/trials/1/events.jsonl").exists())
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    done = results_in(folder.path / "results/cut/trials")
    assert done >= 2
    assert "Traceback" not in output
    again = folder.sweep(*command)
    assert again.returncode == 0, again.stdout + again.stderr
    assert results_in(folder.path / "results/cut/trials") == 2 * 16
    assert attempts(folder) == 2 * 16


def test_ctrl_c_twice_stops_at_once_and_nothing_stays_alive(folder):
    command = ("--config-dir", "my_conf", "task=mine", "+ablation=mine", "study=cut", "seeds=2", "task.pause_s=1.0")
    process = folder.start(*command)
    wait_until(lambda: (folder.path / "results/cut/trials/1/events.jsonl").exists())
    process.send_signal(signal.SIGINT)
    while "Ctrl-C again" not in (line := process.stdout.readline()):
        assert line, "the orchestrator ended without output"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    left = [p for p in psutil.process_iter(["cmdline"]) if str(folder.path) in " ".join(p.info["cmdline"] or [])]
    assert left == []


def test_status_tells_a_killed_orchestrator_from_a_running_one(folder):
    command = ("--config-dir", "my_conf", "task=mine", "study=killed", "seeds=2", "task.pause_s=0.05")
    process = folder.start(*command)
    wait_until(lambda: (folder.path / "results/killed/trials/1/events.jsonl").exists())
    assert json.loads(folder.sweep("status", "--json").stdout)["status"] == "running"
    process.kill()
    process.communicate(timeout=60)
    assert json.loads(folder.sweep("status", "--json").stdout)["status"] == "interrupted"
    again = folder.sweep(*command)
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(folder.sweep("status", "--json").stdout)["status"] == "ended"


def results_in(trials: Path) -> int:
    return len(list(trials.glob("*/result.json")))
