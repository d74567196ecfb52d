"""`python -m sweep.worker FOLDER` as a real process, task by task."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from sweep.rundir import RunDir, digest_of, points_of, read_events, read_result
from sweep.rundir.result import EXIT_WITHOUT_RESULT

ROOT = Path(__file__).parents[2]
STUBS = ROOT / "tests" / "stubs"
LIMIT_S = 60.0


def write_spec(path: Path, task: str, *, seed: int = 0, budget: int = 10**6, **section: Any) -> RunDir:
    folder = RunDir(path)
    path.mkdir(parents=True, exist_ok=True)
    target = {
        "metric": None,
        "mode": "min",
        "threshold": None,
        "hold": None,
        "budget_steps": budget,
        "stop_early": True,
    }
    task_section = {"_target_": task if "." in task else f"stub_tasks.{task}", **section}
    folder.write_spec({"schema": 1, "run_id": 1, "seed": seed, "task": task_section, "target": target})
    return folder


def spawn(
    folder: RunDir, *, python_path: Path = STUBS, stdout: int | IO[str] = subprocess.PIPE
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "sweep.worker", str(folder.path)],
        env={**os.environ, "PYTHONPATH": f"{python_path}{os.pathsep}{ROOT}"},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(path: Path, task: str, **given: Any) -> tuple[int, dict[str, Any], str]:
    """Return exit code, result and output of a task run to its end."""
    folder = write_spec(path, task, **given)
    process = spawn(folder)
    output, _ = process.communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None, output
    return process.returncode, result, output


def wait_for(path: Path) -> None:
    until = time.monotonic() + LIMIT_S
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.005)


def test_a_task_that_returns_has_completed(tmp_path: Path) -> None:
    code, result, _ = run(tmp_path, "ok", steps=4)
    assert (code, result["state"], result["stop_reason"], result["last_step"]) == (0, "completed", "returned", 4)
    assert result["wall_s"] > 0
    assert result["started_at"] < result["ended_at"]
    assert result["peak_memory_mb"] > 1
    events, _ = read_events(RunDir(tmp_path).events, 0)
    assert [event["e"] for event in events] == ["start", "log", "log", "log", "log", "end"]
    assert points_of(events)["val/acc"].values.tolist() == [0.1, 0.2, 0.3, 0.4]


def test_a_memory_cap_beyond_what_a_system_can_count_caps_nothing(tmp_path: Path) -> None:
    folder = write_spec(tmp_path, "ok")
    folder.write_spec({**folder.read_spec(), "memory_mb": 10**20})
    assert spawn(folder).wait(LIMIT_S) == 0
    result = read_result(folder.result)
    assert result is not None
    assert result["state"] == "completed"


@pytest.mark.parametrize("is_of_earlier_version", [False, True])
@pytest.mark.parametrize("edit", ["", "x = 1", "raise RuntimeError('half of an edit')"])
def test_a_task_edited_before_its_import_is_no_result(tmp_path: Path, edit: str, is_of_earlier_version: bool) -> None:
    task = tmp_path / "mine.py"
    task.write_text("def train(cfg, run): pass\n")
    folder = write_spec(tmp_path / "run", "mine.train")
    folder.write_spec(
        {**folder.read_spec(), "code": {str(task) if is_of_earlier_version else task.name: digest_of(task)}}
    )
    task.write_text(task.read_text() + edit)
    spawn(folder, python_path=tmp_path).wait(LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    if not edit:
        assert result["state"] == "completed"
    else:
        assert (result["state"], result["failure"]["class"]) == ("failed", "infra")
        assert result["failure"]["message"].startswith("EditedTaskError: mine.py: edited since the study was planned")


def test_divergence_is_a_completed_run_and_not_a_failure(tmp_path: Path) -> None:
    code, result, _ = run(tmp_path, "diverges")
    assert (code, result["state"], result["stop_reason"], result["last_step"]) == (0, "completed", "diverged", 3)


def test_the_budget_ends_a_run(tmp_path: Path) -> None:
    _, result, _ = run(tmp_path, "logs_forever", budget=3)
    assert (result["state"], result["stop_reason"], result["last_step"]) == ("completed", "budget", 3)


def test_a_task_that_swallows_the_stop_is_recorded_with_its_reason(tmp_path: Path) -> None:
    _, result, _ = run(tmp_path, "swallows_the_stop", budget=3)
    assert (result["state"], result["stop_reason"], result["last_step"]) == ("completed", "budget", 3)


def test_an_error_after_the_stop_is_in_the_log_and_changes_nothing(tmp_path: Path) -> None:
    code, result, output = run(tmp_path, "fails_after_the_stop", budget=3)
    assert (code, result["state"], result["stop_reason"]) == (0, "completed", "budget")
    assert "cleaning up failed" in output


def test_an_evaluation_that_fails_on_the_nan_which_has_ended_the_run_changes_nothing(tmp_path: Path) -> None:
    code, result, output = run(tmp_path, "evaluates_what_is_broken")
    assert (code, result["state"], result["stop_reason"], result["last_step"]) == (0, "completed", "diverged", 3)
    assert "the evaluation takes no NaN" in output


def test_a_crash_is_reported_in_the_result_and_in_the_log(tmp_path: Path) -> None:
    code, result, output = run(tmp_path, "crashes")
    assert (code, result["state"], result["stop_reason"]) == (1, "failed", None)
    assert result["failure"]["class"] == "crash"
    assert result["failure"]["message"] == "RuntimeError: planted crash"
    assert result["failure"]["traceback"] in output
    assert "sweep/worker/entry.py" not in output


FAILS_ODDLY = {
    "without a message": (
        "class Mute(Exception):\n    def __str__(self):\n        raise ValueError('no words')\n"
        "def train(cfg, run):\n    raise Mute\n",
        "Mute: <str() of this exception failed>",
    ),
    "with stderr closed": (
        "import sys\ndef train(cfg, run):\n    sys.stderr.close()\n    raise RuntimeError('odd')\n",
        "RuntimeError: odd",
    ),
}


@pytest.mark.parametrize("how", FAILS_ODDLY)
def test_a_crash_is_reported_however_it_comes(tmp_path: Path, how: str) -> None:
    source, message = FAILS_ODDLY[how]
    (tmp_path / "fails_oddly.py").write_text(source)
    folder = write_spec(tmp_path / "run", "fails_oddly.train")
    spawn(folder, python_path=tmp_path).communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    assert (result["failure"]["class"], result["failure"]["message"]) == ("crash", message)


def test_running_out_of_memory_is_a_class_of_its_own(tmp_path: Path) -> None:
    _, result, _ = run(tmp_path, "allocates")
    assert (result["state"], result["failure"]["class"]) == ("failed", "oom")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("imports_missing", "No module named 'paddle_that_is_not_there'"),
        ("nowhere.train", "No module named 'nowhere'"),
        ("stub_tasks.absent", "no attribute 'absent'"),
        ("broken_task.train", "SyntaxError"),
    ],
)
def test_a_task_that_cannot_be_imported_says_why(tmp_path: Path, task: str, words: str) -> None:
    (tmp_path / "broken_task.py").write_text("def train(:\n")
    folder = write_spec(tmp_path / "run", task)
    process = spawn(folder, python_path=tmp_path if task.startswith("broken") else STUBS)
    process.communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    assert result["failure"]["class"] == "crash"
    assert words in result["failure"]["message"]


def test_missing_paddle_is_reported_with_the_extra_to_install(tmp_path: Path) -> None:
    (tmp_path / "paddle.py").write_text("raise ModuleNotFoundError('No module named paddle', name='paddle')\n")
    (tmp_path / "needs_paddle.py").write_text("import paddle\n")
    folder = write_spec(tmp_path / "run", "needs_paddle.train")
    process = spawn(folder, python_path=tmp_path)
    process.communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    assert 'pip install "paddle-sweep[cpu]"' in result["failure"]["message"]


@pytest.mark.parametrize(("code", "state"), [(0, "completed"), (None, "completed"), (3, "failed"), ("no", "failed")])
def test_sys_exit_with_success_counts_as_returned(tmp_path: Path, code: object, state: str) -> None:
    assert run(tmp_path, "calls_sys_exit", code=code)[1]["state"] == state


def test_a_thread_left_behind_does_not_keep_the_process(tmp_path: Path) -> None:
    assert run(tmp_path, "leaves_a_thread")[1]["state"] == "completed"


def test_what_the_task_registered_at_exit_is_run(tmp_path: Path) -> None:
    (tmp_path / "at_exit.py").write_text(
        "import atexit\n\ndef train(cfg, run):\n    atexit.register((run.dir / 'done').touch)\n"
    )
    spawn(write_spec(tmp_path / "run", "at_exit.train"), python_path=tmp_path).communicate(timeout=LIMIT_S)
    assert (tmp_path / "run" / "done").exists()


LEFT = {
    "concurrent.futures": "from concurrent.futures import ProcessPoolExecutor\npool = ProcessPoolExecutor(1)\n"
    "def leave():\n    assert list(pool.map(abs, [-1])) == [1]\n",
    "joblib": "from joblib import Parallel, delayed\n"
    "def leave():\n    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]\n",
    "pool": "import multiprocessing\ndef leave():\n    global pool\n    pool = multiprocessing.Pool(1)\n",
    "manager": "import multiprocessing\ndef leave():\n    global manager\n    manager = multiprocessing.Manager()\n",
}


@pytest.mark.parametrize("what", LEFT)
def test_process_pools_that_a_task_leaves_open_end_with_it(tmp_path: Path, what: str) -> None:
    (tmp_path / "pools.py").write_text(f"{LEFT[what]}\ndef train(cfg, run):\n    leave()\n")
    folder = write_spec(tmp_path / "run", "pools.train")
    process = spawn(folder, python_path=tmp_path)
    output, _ = process.communicate(timeout=LIMIT_S)  # open as long as anything lives that has it
    assert (process.returncode, output) == (0, "")


ENDLESS = {
    "exit function": "atexit.register(endless)",
    "process": "multiprocessing.get_context('fork').Process(target=endless).start()",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_work_at_exit_that_never_finishes_is_abandoned_and_the_log_says_where(tmp_path: Path, what: str) -> None:
    (tmp_path / "endless.py").write_text(
        "import atexit, multiprocessing, time\nfrom sweep.worker import process_exit\nprocess_exit.EXIT_S = 1.0\n"
        "def endless():\n    while True:\n        time.sleep(0.01)\n"
        f"def train(cfg, run):\n    print('printed')\n    {ENDLESS[what]}\n"
    )
    folder = write_spec(tmp_path / "run", "endless.train")
    log = tmp_path / "log"
    with log.open("w") as file:
        process = spawn(folder, python_path=tmp_path, stdout=file)
        process.wait(LIMIT_S)
    for left in living_in_group(process.pid):
        os.kill(left, signal.SIGKILL)
    result = read_result(folder.result)
    assert result is not None
    assert result["state"] == "completed"
    assert "printed" in log.read_text()
    assert "exit_process" in log.read_text()


def living_in_group(group: int) -> list[int]:
    living = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            if process.pid != group and os.getpgid(process.pid) == group:
                living.append(process.pid)
    return living


WRITES = {
    "a tee whose flush does nothing": "class Tee:\n    terminal, copy = sys.stdout, open('copy', 'w')\n"
    "    def write(self, text):\n        self.terminal.write(text)\n        self.copy.write(text)\n"
    "    def flush(self):\n        pass\n"
    "def train(cfg, run):\n    sys.stdout = Tee()\n    print('written')\n",
    "C": "import ctypes, shutil\n"
    "def train(cfg, run):\n    ctypes.CDLL(None).printf(b'written\\n')\n    open('copy', 'w').write('written\\n')\n",
    "a tee without a flush": "class Tee:\n    def write(self, text, out=sys.stdout):\n        out.write(text)\n"
    "sys.stdout = Tee()\n"
    "def train(cfg, run):\n    print('written')\n    open('copy', 'w').write('written\\n')\n",
}


@pytest.mark.parametrize("how", WRITES)
def test_nothing_that_a_task_has_written_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "")
    (tmp_path / "writes.py").write_text(f"import os, sys\nos.chdir({str(tmp_path)!r})\n{WRITES[how]}")
    folder = write_spec(tmp_path / "run", "writes.train")
    output, _ = spawn(folder, python_path=tmp_path).communicate(timeout=LIMIT_S)
    assert output == (tmp_path / "copy").read_text() == "written\n"


COMES_BACK = {
    "train": "def train(cfg, run):\n    if os.fork():\n        os.wait()\n        os._exit(3)\n",
    "train, failing": "def train(cfg, run):\n    if not os.fork():\n        1 / 0\n    os.wait()\n    os._exit(3)\n",
    "import": "if os.fork():\n    os.wait()\n    os._exit(3)\ndef train(cfg, run):\n    run.log(1, loss=1.0)\n",
}


@pytest.mark.parametrize("out_of", COMES_BACK)
def test_a_forked_process_that_returns_from_the_task_reports_nothing_of_the_run(tmp_path: Path, out_of: str) -> None:
    (tmp_path / "comes_back.py").write_text(f"import os\n{COMES_BACK[out_of]}")
    folder = write_spec(tmp_path / "run", "comes_back.train")
    process = spawn(folder, python_path=tmp_path)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 3
    assert read_result(folder.result) is None
    assert [event["e"] for event in read_events(folder.events, 0)[0]] == ["start"]


def test_prepare_is_called_once_and_does_not_shift_what_the_trial_draws(tmp_path: Path) -> None:
    drawn = []
    for extra in (0, 5):
        (tmp_path / "prepared.py").write_text(
            "import random\n\ncalls = []\n\ndef prepare(cfg):\n    calls.append(cfg.knob)\n"
            f"    [random.random() for _ in range({extra})]\n\n"
            "def train(cfg, run):\n    run.artifact('drawn').write_text(repr((calls, random.random())))\n"
        )
        folder = write_spec(tmp_path / f"run{extra}", "prepared.train", knob=7)
        spawn(folder, python_path=tmp_path).communicate(timeout=LIMIT_S)
        drawn.append((folder.artifacts / "drawn").read_text())
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith("([7],")


def test_global_generators_are_seeded_by_the_trials_seed_whenever_they_are_imported(tmp_path: Path) -> None:
    def draw(name: str, seed: int) -> object:
        run(tmp_path / name, "draws", seed=seed, numpy=True)
        return json.loads((tmp_path / name / "artifacts" / "drawn.json").read_text())

    first = draw("a", 0)
    assert first == draw("b", 0)
    assert first != draw("c", 1)


def test_a_run_brings_no_library_that_its_task_does_not_use(tmp_path: Path) -> None:
    run(tmp_path, "prints_modules")
    modules = set(json.loads((tmp_path / "artifacts" / "modules.json").read_text()))
    heavy = {"numpy", "paddle", "sqlalchemy", "hydra", "omegaconf", "optuna", "rich", "scipy", "psutil", "jinja2"}
    assert modules & heavy == set()


def test_paddles_generator_is_seeded_by_the_trials_seed(tmp_path: Path) -> None:
    (tmp_path / "draws_paddle.py").write_text(
        "def train(cfg, run):\n    import paddle\n"
        "    run.log(1, loss=paddle.rand([1])[0], zero_dim=paddle.to_tensor(0.5))\n"
    )
    values = []
    for name in ("a", "b"):
        folder = write_spec(tmp_path / name, "draws_paddle.train", seed=5)
        output, _ = spawn(folder, python_path=tmp_path).communicate(timeout=LIMIT_S)
        points = points_of(read_events(folder.events, 0)[0])
        assert points["zero_dim"].values.tolist() == [0.5], output
        values.append(points["loss"].values[0])
    assert values[0] == values[1]


def test_sigterm_ends_a_run_at_its_next_log(tmp_path: Path) -> None:
    folder = write_spec(tmp_path, "logs_forever")
    process = spawn(folder)
    wait_for(folder.artifacts / "ready")
    process.terminate()
    process.communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    assert (result["state"], result["stop_reason"]) == ("cancelled", "stopped")


def test_a_second_sigterm_kills_a_run_that_does_not_log(tmp_path: Path) -> None:
    folder = write_spec(tmp_path, "hangs")
    process = spawn(folder)
    wait_for(folder.artifacts / "ready")
    until = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < until:
        process.terminate()
        time.sleep(0.05)
    assert process.wait(LIMIT_S) == -signal.SIGTERM
    assert read_result(folder.result) is None


HANDLERS = {
    "exits": "sys.exit(0)",
    "fails": "sys.exit(143)",
    "interrupts": "raise KeyboardInterrupt",
    "returns": "flags.append(1)",
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_stopped_task_that_handles_sigterm_itself_has_not_completed(tmp_path: Path, handler: str) -> None:
    (tmp_path / "tidy.py").write_text(
        "import signal, sys, time\nflags = []\n"
        f"def on_term(*_):\n    {HANDLERS[handler]}\n"
        "def train(cfg, run):\n    signal.signal(signal.SIGTERM, on_term)\n    run.artifact('ready').touch()\n"
        "    while not flags:\n        time.sleep(0.005)\n"
    )
    folder = write_spec(tmp_path / "run", "tidy.train")
    process = spawn(folder, python_path=tmp_path)
    wait_for(folder.artifacts / "ready")
    process.terminate()
    process.communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    assert (result["state"], result["stop_reason"]) == ("cancelled", "stopped")


def test_a_sigterm_to_a_process_that_the_task_forked_is_no_news_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "forks.py").write_text(
        "import os, signal, sys, time\n\ndef train(cfg, run):\n    ready, tell = os.pipe()\n    child = os.fork()\n"
        "    if child == 0:\n        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))\n"
        "        os.write(tell, b'!')\n"
        "        while True:\n            time.sleep(0.01)  # a signal that comes just before a sleep does not end it\n"
        "    os.read(ready, 1)\n    os.kill(child, signal.SIGTERM)\n"
        "    run.log(1, status=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    folder = write_spec(tmp_path / "run", "forks.train")
    spawn(folder, python_path=tmp_path).communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    assert (result["state"], result["stop_reason"]) == ("completed", "returned")
    assert points_of(read_events(folder.events, 0)[0])["status"].values.tolist() == [7.0]


def test_processes_that_the_task_forks_die_of_one_sigterm(tmp_path: Path) -> None:
    (tmp_path / "forks.py").write_text(
        "import os, signal, time\n\ndef train(cfg, run):\n    for step in range(50):\n        child = os.fork()\n"
        "        if child == 0:\n            time.sleep(60)\n            os._exit(0)\n"
        "        os.kill(child, signal.SIGTERM)\n"
        "        run.log(step, status=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    folder = write_spec(tmp_path / "run", "forks.train")
    spawn(folder, python_path=tmp_path).communicate(timeout=LIMIT_S)
    assert points_of(read_events(folder.events, 0)[0])["status"].values.tolist() == [-signal.SIGTERM] * 50


@pytest.mark.parametrize("reason", ["pruned", "stopped"])
def test_a_stop_file_ends_a_run(tmp_path: Path, reason: str) -> None:
    folder = write_spec(tmp_path, "logs_forever")
    process = spawn(folder)
    wait_for(folder.artifacts / "ready")
    folder.request_stop(reason)
    process.communicate(timeout=LIMIT_S)
    result = read_result(folder.result)
    assert result is not None
    assert (result["state"], result["stop_reason"]) == ("pruned" if reason == "pruned" else "cancelled", reason)


def test_a_folder_that_takes_no_files_is_an_exit_code_of_its_own(tmp_path: Path) -> None:
    folder = write_spec(tmp_path, "ok")
    folder.events.mkdir()  # root, as in a container, may write to a read-only folder
    process = spawn(folder)
    output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == EXIT_WITHOUT_RESULT
    assert "Error" in output


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_the_folder_is_the_only_argument(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sweep.worker", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 2
    assert "usage" in done.stderr
