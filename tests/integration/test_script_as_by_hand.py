"""A script in a trial finds what it would find as `python SCRIPT ARGS`."""

import json
from pathlib import Path

import pytest
from script_runs import TRAINS, by_hand, ran

LOOK = """
import json, os, sys
main = sys.modules["__main__"]
print("LOOK", json.dumps({
    "argv": sys.argv, "first": sys.path[0], "cwd": os.getcwd(), "name": __name__, "file": __file__,
    "spec": repr(__spec__), "package": repr(__package__), "cached": repr(__cached__), "names": sorted(vars(main)),
    "loader": type(__loader__).__name__, "own": main.__dict__ is globals(), "stdin": sys.stdin.read(),
    "annotations": __annotations__, "builtins": __builtins__.__name__,
}))
"""


def look(text: str) -> dict:
    return json.loads(next(line for line in text.splitlines() if line.startswith("LOOK"))[5:])


def test_main_module_arguments_and_folders_are_those_of_the_script_by_hand(tmp_path: Path) -> None:
    run = ran(tmp_path, LOOK, args=["--epochs", 3])
    assert run.state == "completed", run.log
    assert look(run.log) == look(by_hand(tmp_path / "project/train.py", "--epochs", "3").stdout)


@pytest.mark.parametrize("name", ["my-train.py", "train.v2.py", "1 net.py", "训练.py", "import.py"])
def test_script_files_may_have_any_name(tmp_path: Path, name: str) -> None:
    run = ran(tmp_path, LOOK, name=name)
    assert run.state == "completed", run.log
    assert look(run.log)["argv"] == [name]


def test_modules_beside_the_script_are_imported_and_nothing_is_compiled_there(tmp_path: Path) -> None:
    (tmp_path / "project/nets").mkdir(parents=True)
    (tmp_path / "project/nets/__init__.py").write_text("from nets.small import WIDTH")
    (tmp_path / "project/nets/small.py").write_text("WIDTH = 7")
    run = ran(tmp_path, "import nets\nassert nets.WIDTH == 7\n")
    assert run.state == "completed", run.log
    assert not list((tmp_path / "project").rglob("__pycache__"))


def test_modules_of_the_program_with_our_names_win_and_ours_keep_working(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "conf").mkdir(parents=True)
    (project / "conf/a.yaml").write_text("x: 1")
    (project / "sweep").mkdir()
    (project / "sweep/__init__.py").write_text("MINE = 1")
    (project / "sweep/task.py").write_text("MINE = 2")
    (project / "tasks.py").write_text("MINE = 3")
    run = ran(
        tmp_path,
        TRAINS
        + "import sweep, tasks, conf, sweep.task\nfrom sweep.task import MINE\n"
        + f"assert (sweep.MINE, MINE, tasks.MINE, list(conf.__path__)) == (1, 2, 3, [{str(project / 'conf')!r}])\n"
        + "step()\nraise ValueError('at the end')\n",
    )
    assert run.failure["message"] == "ValueError: at the end", run.log
    assert len(run.losses) == 1


def test_classes_of_main_are_pickled_and_workers_of_a_loader_have_them(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        TRAINS
        + """
import pickle
import numpy as np
class Data(paddle.io.Dataset):
    def __len__(self): return 8
    def __getitem__(self, i): return np.full(3, i, "float32")
assert type(pickle.loads(pickle.dumps(Data()))) is Data
if __name__ == "__main__":
    seen = [float(x) for batch in paddle.io.DataLoader(Data(), batch_size=2, num_workers=2) for x in batch[:, 0]]
    assert seen == list(range(8)), seen
    step()
""",
    )
    assert run.state == "completed", run.log


def test_spawned_processes_import_the_script_as_they_do_by_hand(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        """
import multiprocessing
def double(x): return 2 * x
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(double, [1, 2]) == [2, 4]
""",
    )
    assert run.state == "completed", run.log


@pytest.mark.parametrize("call", ["sys.exit()", "sys.exit(0)", "exit()", "os._exit(0)", "raise SystemExit"])
def test_a_program_that_ends_itself_well_has_completed(tmp_path: Path, call: str) -> None:
    run = ran(tmp_path, TRAINS + f"import os, sys\nstep()\n{call}\nraise ValueError\n")
    assert (run.code, run.state) == (0, "completed"), run.log
    assert len(run.losses) == 1
    assert run.inventory["steps"] == 1


@pytest.mark.parametrize("call", ["sys.exit(3)", "sys.exit('no data')", "os._exit(3)", "raise KeyError('x')"])
def test_a_program_that_ends_itself_badly_has_failed_and_its_losses_are_kept(tmp_path: Path, call: str) -> None:
    run = ran(tmp_path, TRAINS + f"import os, sys\ndef stop():\n    {call}\nstep()\nstop()\n")
    assert run.code != 0
    assert (run.state, run.failure["class"]) == ("failed", "crash")
    assert "in stop" in run.failure["traceback"]
    assert "sweep/worker" not in run.failure["traceback"]
    assert len(run.losses) == 1
    assert run.inventory["steps"] == 1


def test_a_traceback_shows_no_frames_of_ours_between_the_users(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        TRAINS + "class Mine(paddle.optimizer.SGD):\n    def step(self):\n        raise OSError('disk')\n"
        "opt = Mine(0.1, parameters=net.parameters())\n"
        "try:\n    opt.step()\nexcept OSError as e:\n    raise ValueError('b') from e\n",
    )
    assert run.failure["traceback"].count("train.py") == 3, run.log
    assert "sweep/worker" not in run.failure["traceback"] + run.log


def test_threads_are_waited_for_and_exit_handlers_run(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        TRAINS
        + "import atexit, threading, time\natexit.register(print, 'HANDLER')\n"
        + "def work():\n    time.sleep(0.2)\n    step()\nthreading.Thread(target=work).start()\n",
        trains=False,
    )
    assert run.state == "completed"
    assert "HANDLER" in run.log
    assert len(run.losses) == 1


def test_input_is_an_error_that_names_the_question(tmp_path: Path) -> None:
    run = ran(tmp_path, "input('Overwrite? ')\n")
    assert run.failure["type"] == "EOFError"
    assert "Overwrite?" in run.failure["message"]


def test_matplotlib_draws_nowhere(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/matplotlib.py").write_text(
        "import os\nbackend = os.environ['MPLBACKEND']\ndef use(b):\n    1 / 0\n"
    )
    run = ran(tmp_path, "import matplotlib\nmatplotlib.use('TkAgg')\nassert matplotlib.backend == 'Agg'\n")
    assert run.state == "completed", run.log


def test_a_program_that_asks_for_a_gpu_runs_on_the_cpu_and_that_is_noted_once(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        "import paddle\npaddle.set_device('gpu:0')\npaddle.device.set_device('gpu')\nplace = paddle.CUDAPlace(0)\n"
        "x = paddle.to_tensor([1.0], place=place)\ny = paddle.to_tensor([1.0], place='gpu:0').cuda()\n"
        "net = paddle.nn.Linear(1, 1).to('gpu')\nassert isinstance(place, paddle.CUDAPlace) is False\n"
        "assert paddle.device.cuda.max_memory_allocated() == 0\npaddle.device.cuda.synchronize()\n"
        "assert str(x.place) == 'Place(cpu)' and paddle.get_device() == 'cpu'\n",
    )
    assert run.state == "completed", run.log
    assert [note for note in run.notes if "gpu" in note.lower()] == [note for note in run.notes if "CPU" in note]
    assert sum("CPU" in note for note in run.notes) == 1


def test_the_environment_of_the_task_is_there_before_its_imports(tmp_path: Path) -> None:
    run = ran(tmp_path, "import os\nassert os.environ['COLOUR'] == '3'\n", env={"COLOUR": 3})
    assert run.state == "completed", run.log


def test_a_program_with_its_own_handler_of_sigterm_ends_as_it_likes(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        TRAINS + "import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\nstep()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n",
    )
    assert run.state == "cancelled", run.log
    assert len(run.losses) == 1


def test_sigterm_ends_a_script_that_trains_at_its_next_step(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        TRAINS + "import os, signal\nstep()\nos.kill(os.getpid(), signal.SIGTERM)\nfor _ in range(100): step()\n",
    )
    assert run.state == "cancelled", run.log
    assert len(run.losses) == 1
