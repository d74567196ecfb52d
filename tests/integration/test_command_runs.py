"""Programs given by their commands, run as processes of a trial: metrics, endings, and what is stopped with them."""

import json
import textwrap
from pathlib import Path

import psutil
import pytest
from launched_runs import NO_TARGET, end_of, launcher_config, start_run, wait_for

from sweep.domain.states import FailureClass, TrialState
from sweep.launch import RunRequest, build_launcher
from sweep.rundir import RunDir, points_of, read_events

TARGET = {"metric": "acc", "mode": "max", "threshold": 0.5, "hold": 1, "budget_steps": 100, "stop_early": True}

WAITS = """
    import pathlib, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path(sys.argv[1], "pids").write_text(str(child.pid))
    print("acc=0.9 step 1", flush=True)
    print("acc=0.9 step 2", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def launcher():
    made = build_launcher(launcher_config(start="cold"))
    yield made
    made.close()


@pytest.fixture
def run(tmp_path, launcher):
    """Return a function that starts a program in Python and returns its run's folder."""

    def start(program, *words, target=NO_TARGET, timeout_s=None, **section):
        (tmp_path / "program.py").write_text(textwrap.dedent(program))
        folder = RunDir(tmp_path / "run")
        folder.renew(attempt=1)
        command = ["python", str(tmp_path / "program.py"), *words]
        task = {"command": command, "env": {}, "metrics": {}, **section}
        folder.write_spec({"schema": 1, "token": "t", "seed": 7, "task": task, "target": {**NO_TARGET, **target}})
        request = RunRequest(run_id=1, dir=folder.path, token="t", timeout_s=timeout_s, exclusive=False)
        start_run(launcher, request)
        return folder

    return start


def metrics(folder):
    points = points_of(read_events(folder.events, 0)[0])
    return {name: list(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for name, s in points.items()}


def test_values_reach_the_program_and_its_lines_become_series(run, launcher):
    program = """
        import json, os, sys
        print(json.dumps([sys.argv[1:], os.environ["MODE"], sys.stdin.read()]))
        for step in (1, 2, 3):
            print(f"step {step} loss: {1 / step}", file=sys.stderr, flush=True)
            print(f"top1 -> {step / 10};", end="", flush=True)
    """
    words = ["-o", "Optimizer.lr={lr}", "--seed={seed}", "{run_dir}", "{flag}"]
    folder = run(program, *words, lr=0.5, flag=None, env={"MODE": "a b"}, metrics={"val/acc": "top1 -> ([0-9.]+)"})
    assert end_of(launcher).state is TrialState.COMPLETED
    printed = next(line for line in folder.log.read_text().splitlines() if line.startswith("[["))
    assert json.loads(printed) == [["-o", "Optimizer.lr=0.5", "--seed=7", str(folder.artifacts)], "a b", ""]
    assert folder.artifacts.is_dir()
    assert [step for step, _ in metrics(folder)["loss"]] == [1, 2, 3]
    assert metrics(folder)["val/acc"][0][1] == pytest.approx(0.1)


def test_a_program_that_fails_is_a_failed_run_with_its_last_lines(run, launcher):
    run("import sys\nprint('reading')\nprint('no such data', file=sys.stderr)\nsys.exit(3)")
    ended = end_of(launcher)
    assert (ended.state, ended.failure) == (TrialState.FAILED, FailureClass.CRASH)
    assert "exit code 3" in ended.message
    assert "no such data" in ended.message


def test_a_program_that_is_killed_is_a_failed_run(run, launcher):
    run("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    ended = end_of(launcher)
    assert ended.state is TrialState.FAILED
    assert "SIGSEGV" in ended.message


def test_a_program_that_cannot_be_started_is_a_failed_run(tmp_path, launcher, run):
    folder = run("")
    end_of(launcher)
    spec = folder.read_spec()
    folder.renew(attempt=2)
    folder.write_spec({**spec, "task": {**spec["task"], "command": [str(tmp_path)]}})
    start_run(launcher, RunRequest(run_id=2, dir=folder.path, token="t", timeout_s=None, exclusive=False))
    ended = end_of(launcher)
    assert ended.state is TrialState.FAILED
    assert "cannot be started" in ended.message


def pid_of(folder: Path) -> int:
    return int(wait_for(lambda: (folder / "pids").exists() and (folder / "pids").read_text()))


def test_a_held_target_ends_the_program_and_what_it_has_started(run, launcher):
    folder = run(WAITS, "{run_dir}", target=TARGET)
    ended = end_of(launcher)
    assert (ended.state, ended.stop_reason) == (TrialState.COMPLETED, "converged")
    wait_for(lambda: not psutil.pid_exists(pid_of(folder.artifacts)))


def test_a_stopped_run_ends_the_program_and_what_it_has_started(run, launcher):
    folder = run(WAITS, "{run_dir}")
    pid = pid_of(folder.artifacts)
    launcher.stop(1, state=TrialState.CANCELLED)
    assert end_of(launcher).state is TrialState.CANCELLED
    wait_for(lambda: not psutil.pid_exists(pid))


def test_a_silent_program_is_ended_when_it_is_asked_to_stop(run, launcher):
    folder = run(WAITS.replace("print(", "str("), "{run_dir}")
    pid = pid_of(folder.artifacts)
    folder.request_stop("pruned")
    ended = end_of(launcher)
    assert ended.state is TrialState.PRUNED
    wait_for(lambda: not psutil.pid_exists(pid))


def test_a_program_that_leaves_a_process_behind_has_ended(run, launcher):
    program = """
        import pathlib, subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        pathlib.Path(sys.argv[1], "pids").write_text(str(child.pid))
        print("acc=0.25")
    """
    folder = run(program, "{run_dir}")
    assert end_of(launcher).state is TrialState.COMPLETED
    assert metrics(folder) == {"acc": [(1, 0.25)]}
    wait_for(lambda: not psutil.pid_exists(pid_of(folder.artifacts)))
