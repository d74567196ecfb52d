"""Warm, standby and cold starts: a trial cannot tell them apart, and nothing that one does reaches another."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from launched_runs import (
    ROOT,
    STUBS,
    end_of,
    ends_of,
    handle_of,
    is_gone,
    launcher_config,
    run_request,
    start_run,
    wait_for,
)

from sweep.domain.states import FailureClass, TrialState
from sweep.errors import ConfigError, LaunchError
from sweep.launch import RunEnded, RunRequest, RunStarted
from sweep.launch import warm as warm_module
from sweep.launch.gpus import FixedInventory
from sweep.launch.local import LocalLauncher
from sweep.launch.preforked import ANSWER_S
from sweep.launch.warm import WarmParent
from sweep.rundir import RunDir, read_result

STARTS = ["warm", "standby", "cold"]


@dataclass
class Site:
    """Launchers that are closed at the end, folders for runs, and what the launchers had to say."""

    path: Path
    said: list[str] = field(default_factory=list)
    made: list[LocalLauncher] = field(default_factory=list)
    count: int = 0

    def launcher(self, start: str, *, inventory: FixedInventory | None = None, **changes: Any) -> LocalLauncher:
        self.made.append(
            LocalLauncher(launcher_config(start=start, **changes), inventory=inventory, say=self.said.append)
        )
        return self.made[-1]

    def request(self, target: str, *, spec: dict[str, Any] | None = None, **section: Any) -> RunRequest:
        self.count += 1
        task = target if "." in target else f"state_tasks.{target}"
        spec = {"seed": 3, "threads": 1, **(spec or {})}
        return run_request(self.path / str(self.count), task, run_id=self.count, spec=spec, **section)

    def run(self, launcher: LocalLauncher, target: str, **section: Any) -> tuple[RunEnded, Path]:
        asked = self.request(target, **section)
        launcher.start(asked)
        return end_of(launcher), asked.dir

    def report(self, launcher: LocalLauncher) -> dict[str, Any]:
        ended, folder = self.run(launcher, "reports")
        assert ended.state is TrialState.COMPLETED, ended
        report: dict[str, Any] = json.loads((folder / "artifacts" / "report.json").read_text())
        return report


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STUBS), str(tmp_path)]))
    made = Site(tmp_path)
    yield made
    for launcher in made.made:
        launcher.close()


def text_of(folder: Path, name: str) -> str:
    path = folder / "artifacts" / name
    wait_for(lambda: path.exists() and path.read_text())
    return path.read_text()


def test_a_trial_finds_the_same_process_however_it_was_started(site: Site) -> None:
    reports = {}
    for start in STARTS:
        launcher = site.launcher(start)
        site.report(launcher)
        reports[start] = site.report(launcher)
    assert reports["warm"] == reports["cold"]
    assert reports["standby"] == reports["cold"]
    assert site.said == []


@pytest.mark.parametrize("start", STARTS)
def test_what_a_trial_prints_and_what_its_import_prints_is_in_its_log(site: Site, start: str) -> None:
    launcher = site.launcher(start)
    logs = [(site.run(launcher, "stub_tasks.floods_stdout")[1] / "out.log").read_text() for _ in range(2)]
    assert logs[0] == logs[1] == ("x" * 1000 + "\n") * 2000
    launcher = site.launcher(start)
    assert [(site.run(launcher, "tells_parent")[1] / "out.log").read_text() for _ in range(3)] == ["imported\n"] * 3


STREAMS = {
    "no flush": "class Tee:\n    def write(self, text, out=sys.stdout):\n        out.write(text)\nsys.stdout = Tee()\n",
    "none": "sys.stdout = sys.stderr = None\n",
    "closed": "os.closerange(0, 3)\n",
}


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize("start", STARTS)
def test_a_task_may_make_of_its_streams_what_it_likes(site: Site, start: str, streams: str) -> None:
    (site.path / "streams_task.py").write_text(
        f"import os, sys\n{STREAMS[streams]}def train(cfg, run):\n    run.log(1, loss=1.0)\n"
    )
    launcher = site.launcher(start)
    for _ in range(2):
        ended, _ = site.run(launcher, "streams_task.train")
        assert (ended.state, ended.message) == (TrialState.COMPLETED, "")
    assert site.said == []


@pytest.mark.parametrize("start", STARTS)
def test_nothing_that_a_trial_changes_is_seen_by_the_next(site: Site, start: str) -> None:
    launcher = site.launcher(start)
    before = site.report(launcher)
    ends = {
        task: site.run(launcher, task)[0].state
        for task in ("patches", "changes_the_process", "leaves_threads", "forks_workers", "leaves_work_for_its_exit")
    }
    assert set(ends.values()) == {TrialState.COMPLETED}, ends
    crashes = {task: site.run(launcher, task)[0].exit_code for task in ("segfaults", "aborts", "leaves_at_once")}
    assert crashes == {"segfaults": -signal.SIGSEGV, "aborts": -signal.SIGABRT, "leaves_at_once": 0}
    assert site.report(launcher) == before
    assert site.said == []


def test_all_forks_come_from_one_parent_that_outlives_every_crash(site: Site) -> None:
    launcher = site.launcher("warm")
    parents = set()
    for task in ("segfaults", "aborts", "leaves_at_once", "forks_workers"):
        site.run(launcher, task)
        parents.add(text_of(site.run(launcher, "tells_parent")[1], "parent"))
    assert len(parents) == 1
    launcher.close()
    wait_for(lambda: is_gone(int(parents.pop())))


@pytest.mark.parametrize("start", STARTS)
def test_what_a_trial_asks_for_at_exit_is_done(site: Site, start: str) -> None:
    _, folder = site.run(site.launcher(start), "leaves_work_for_its_exit")
    assert (folder / "finalized").exists()
    assert (folder / "at_exit").exists()


@pytest.mark.parametrize("start", STARTS)
def test_what_a_trial_logs_is_written_at_its_exit_though_logging_was_imported_before(site: Site, start: str) -> None:
    (site.path / "logging_task.py").write_text(
        "import logging, logging.handlers\ndef train(cfg, run):\n"
        "    kept = logging.handlers.MemoryHandler(99, target=logging.FileHandler(run.artifact('log')))\n"
        "    logging.getLogger().addHandler(kept)\n    logging.warning('kept')\n"
    )
    launcher = site.launcher(start)
    for _ in range(2):
        _, folder = site.run(launcher, "logging_task.train")
        assert (folder / "artifacts" / "log").read_text() == "kept\n"


def test_what_the_tasks_module_asks_for_at_exit_is_done_when_the_launcher_closes(site: Site) -> None:
    (site.path / "tidy_task.py").write_text(
        "import tempfile\nfrom pathlib import Path\nkept = tempfile.TemporaryDirectory()\n"
        "def train(cfg, run):\n    run.artifact('folder').write_text(kept.name)\n    assert Path(kept.name).is_dir()\n"
    )
    launcher = site.launcher("warm")
    for _ in range(2):
        ended, folder = site.run(launcher, "tidy_task.train")
        assert ended.state is TrialState.COMPLETED
    assert Path(text_of(folder, "folder")).is_dir()
    launcher.close()
    assert not Path(text_of(folder, "folder")).exists()


BROKEN = {
    "import": ("import module_that_is_not_there\n", "No module named 'module_that_is_not_there'"),
    "syntax": ("def train(:\n", "SyntaxError"),
    "prepare": ("def prepare(cfg):\n    raise OSError('no data')\ndef train(cfg, run):\n    pass\n", "no data"),
    "exit": ("import sys\nsys.exit('not like this')\n", "not like this"),
    "lines": ("raise OSError('no data\\n  hint: fetch them')\n", "OSError: no data"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_task_that_cannot_be_loaded_fails_as_it_would_cold(site: Site, fault: str) -> None:
    source, words = BROKEN[fault]
    (site.path / "broken_task.py").write_text(source)
    told = {}
    for start in STARTS:
        launcher = site.launcher(start, slots=2)
        for _ in range(2):
            ended, folder = site.run(launcher, "broken_task.train")
        result = read_result(RunDir(folder).result)
        assert result is not None
        told[start] = (ended.state, ended.message, result["failure"], (folder / "out.log").read_text())
    assert words in told["cold"][1]
    assert told["warm"] == told["cold"]
    assert told["standby"] == told["cold"]
    assert len(site.said) == 1  # by the warm one
    assert words in site.said[0]


@pytest.mark.parametrize("start", STARTS)
def test_a_task_whose_import_ends_the_process_fails_with_its_log(site: Site, start: str) -> None:
    (site.path / "deadly_task.py").write_text(
        "import os, signal\nprint('going', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    launcher = site.launcher(start)
    for _ in range(3):
        ended, folder = site.run(launcher, "deadly_task.train")
        assert (ended.state, ended.failure, ended.exit_code) == (TrialState.FAILED, FailureClass.KILLED, -11)
        assert (folder / "out.log").read_text() == "going\n"
    if start == "warm":
        assert len(site.said) == 1
        assert "died 2 times" in site.said[0]


ORPHANS = """
import os, signal, time
def train(cfg, run):
    told = run.artifact("orphan")
    if os.fork() == 0:
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if cfg["own"]:
                {"group": os.setpgrp, "session": os.setsid}[cfg["own"]]()
            told.write_text(str(os.getpid()))
            time.sleep(600)
        os._exit(0)
    os.wait()
    while not told.exists() or not told.read_text():
        time.sleep(0.001)
    run.log(1, loss=1.0)
"""


@pytest.mark.parametrize("own", ["", "group", "session"])
@pytest.mark.parametrize("start", STARTS)
def test_what_outlives_its_own_parent_in_a_trial_ends_with_the_trial(site: Site, start: str, own: str) -> None:
    (site.path / "orphan_task.py").write_text(ORPHANS)
    launcher = site.launcher(start)
    for _ in range(2):
        ended, folder = site.run(launcher, "orphan_task.train", own=own)
        assert ended.state is TrialState.COMPLETED
        assert is_gone(int(text_of(folder, "orphan")))
    assert site.said == []


SHARED = """
import os, signal
from multiprocessing import shared_memory
def train(cfg, run):
    global kept
    kept = shared_memory.SharedMemory(create=True, size=64)
    run.artifact("name").write_text(kept.name)
    if cfg["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("start", STARTS)
def test_shared_memory_that_a_trial_leaves_is_removed_when_it_ends(site: Site, start: str, dies: bool) -> None:
    (site.path / "sharing_task.py").write_text(SHARED)
    launcher = site.launcher(start)
    for _ in range(2):
        ended, folder = site.run(launcher, "sharing_task.train", dies=dies)
        assert ended.state is (TrialState.FAILED if dies else TrialState.COMPLETED)
        assert not (Path("/dev/shm") / text_of(folder, "name")).exists()


def test_ended_trials_are_reaped_while_the_driver_waits(site: Site) -> None:
    (site.path / "orphan_task.py").write_text(ORPHANS)
    launcher = site.launcher("warm")
    site.run(launcher, "orphan_task.train", own="")
    parent = psutil.Process(int(text_of(site.run(launcher, "tells_parent")[1], "parent")))
    assert launcher.poll(0.05) == []
    wait_for(lambda: living(parent.children()) == parent.children())


@pytest.mark.parametrize("start", STARTS)
def test_how_a_trial_ended_is_known_though_the_driver_was_started_with_sigchld_ignored(site: Site, start: str) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # as a shell's `trap "" CHLD` leaves it to its commands
    try:
        launcher = site.launcher(start)
        assert [site.run(launcher, "segfaults")[0].exit_code for _ in range(2)] == [-signal.SIGSEGV] * 2
        launcher.close()
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert site.said == []


def test_an_end_is_reported_while_the_parent_is_busy_on_a_kernel_without_pidfds(site: Site) -> None:
    go = site.path / "go"
    (site.path / "busy_task.py").write_text(
        "import os, sys, time\n"
        f"def improve():\n    while not os.path.exists({str(go)!r}):\n        time.sleep(0.005)\n        yield\n"
        "if 'warm' in sys.argv[0]:\n    del os.pidfd_open\n"
        "    sys.modules['sweep.worker.fork_server'].use_huge_pages = improve\n"
        "def train(cfg, run):\n    os._exit(7)\n"
    )
    launcher = site.launcher("warm")
    for _ in range(2):
        assert site.run(launcher, "busy_task.train")[0].exit_code == 7
    go.touch()
    assert site.run(launcher, "busy_task.train")[0].exit_code == 7


VANISHING = """
import os, time
def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
def train(cfg, run):
    told, tell = os.pipe()
    if os.fork() == 0:
        pid = os.fork()
        os.write(tell, b"%d" % pid) if pid else None
        os._exit(0)
    os.wait()
    orphan = int(os.read(told, 20))
    until = time.monotonic() + 20
    while lives(orphan):
        assert time.monotonic() < until, "a process that has ended is still there"
        time.sleep(0.005)
"""


def test_a_trial_sees_a_process_vanish_that_has_lost_its_parent_and_ended(site: Site) -> None:
    (site.path / "vanishing_task.py").write_text(VANISHING)
    ended, _ = site.run(site.launcher("warm"), "vanishing_task.train")
    assert (ended.state, ended.message) == (TrialState.COMPLETED, "")


@pytest.mark.parametrize("start", ["auto", "standby"])
def test_what_a_tasks_import_has_started_ends_with_the_launcher(site: Site, start: str) -> None:
    pids = site.path / "pids"
    (site.path / "serving_task.py").write_text(
        "import subprocess\nserver = subprocess.Popen(['sleep', '600'])\n"
        f"with open({str(pids)!r}, 'a') as file:\n    print(server.pid, file=file)\n"
        "def train(cfg, run):\n    assert server.poll() is None\n"
    )
    launcher = site.launcher(start)
    for _ in range(2):
        assert site.run(launcher, "serving_task.train")[0].state is TrialState.COMPLETED
    wait_for(lambda: len(pids.read_text().split()) >= 3)  # one that waits for a run has its own, too
    launcher.close()
    wait_for(lambda: all(is_gone(int(pid)) for pid in pids.read_text().split()))


def test_without_a_list_of_children_a_parent_gets_no_orphans(tmp_path: Path) -> None:
    code = f"""
        import ctypes
        from pathlib import Path
        from sweep.worker import fork_server as server
        server.CHILDREN = Path({str(tmp_path / "children")!r})
        is_subreaper = ctypes.c_int(-1)
        print(server.become_subreaper(), ctypes.CDLL(None).prctl(37, ctypes.byref(is_subreaper)), is_subreaper.value)
    """
    told = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert told.stdout == "False 0 0\n"  # dead ones that it does not know of would stay zombies


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if not is_gone(process.pid)]


UNSAFE = {
    "signal": ("import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n", "SIGCHLD"),
    "handler": ("import os, signal\nsignal.signal(signal.SIGCHLD, lambda *_: os.waitpid(-1, os.WNOHANG))\n", "SIGCHLD"),
    "process": ("import subprocess\nkept = subprocess.Popen(['sleep', '600'])\n", "process"),
    "thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
        "thread",
    ),
    "file": ("kept = open(__file__)\n", "unsafe_task.py"),
    # As a CUDA context keeps /dev/nvidiactl open.
    "device": ("import os\nkept = os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)\n", "ptmx open"),
    "socket": ("import socket\nkept = socket.socketpair()\n", "socket"),
    "memory": ("import mmap\nkept = mmap.mmap(-1, 4096)\n", "memory"),
}


@pytest.mark.parametrize("reason", UNSAFE)
def test_a_parent_that_holds_what_forks_would_share_is_not_forked(site: Site, reason: str) -> None:
    source, words = UNSAFE[reason]
    (site.path / "unsafe_task.py").write_text(source + "def train(cfg, run):\n    run.log(1, loss=1.0)\n")
    launcher = site.launcher("auto")
    for _ in range(3):
        assert site.run(launcher, "unsafe_task.train")[0].state is TrialState.COMPLETED
    assert len(site.said) == 1
    assert words in site.said[0]


def test_threads_that_a_fork_ends_do_not_stand_in_its_way(site: Site) -> None:
    (site.path / "threaded_task.py").write_text(
        "import numpy as np\na = np.ones((600, 600))\nbefore = (a @ a).sum()\n"
        "def train(cfg, run):\n    run.log(1, loss=float((a @ a).sum() - before))\n    import os\n"
        "    run.artifact('parent').write_text(str(os.getppid()))\n"
    )
    launcher = site.launcher("warm")
    parents = set()
    for _ in range(2):
        asked = site.request("threaded_task.train", spec={"threads": 2})
        launcher.start(asked)
        assert end_of(launcher).state is TrialState.COMPLETED
        parents.add(text_of(asked.dir, "parent"))
    assert site.said == []
    assert parents != {str(os.getpid())}


def test_the_thread_of_an_allocator_that_sees_to_forks_itself_does_not_stand_in_their_way(site: Site) -> None:
    (site.path / "allocating_task.py").write_text(
        "import threading, time\nfrom pathlib import Path\n"
        "thread = threading.Thread(target=time.sleep, args=(600,), daemon=True)\nthread.start()\n"
        "Path(f'/proc/self/task/{thread.native_id}/comm').write_text('jemalloc_bg_thd')\n"
        "def train(cfg, run):\n    import os\n    run.artifact('parent').write_text(str(os.getppid()))\n"
    )
    _, folder = site.run(site.launcher("warm"), "allocating_task.train")
    assert site.said == []
    assert text_of(folder, "parent") != str(os.getpid())


def test_a_run_in_another_environment_is_not_forked(site: Site) -> None:
    launcher = site.launcher("warm")
    _, folder = site.run(launcher, "tells_parent")
    assert text_of(folder, "parent") != str(os.getpid())
    asked = site.request("tells_parent", spec={"env": {"FLAGS_some": "1"}})
    launcher.start(asked)
    assert end_of(launcher).state is TrialState.COMPLETED
    assert text_of(asked.dir, "parent") == str(os.getpid())


def test_a_task_that_takes_long_to_import_does_not_hold_the_driver_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_module, "WARM_UP_S", 0.05)
    go = site.path / "go"
    (site.path / "slow_task.py").write_text(
        f"import os, time\nwhile not os.path.exists({str(go)!r}):\n    time.sleep(0.01)\n"
        "def train(cfg, run):\n    run.artifact('parent').write_text(str(os.getppid()))\n"
    )
    launcher = site.launcher("warm")
    asked = site.request("slow_task.train")
    launcher.start(asked)  # returns, though nothing has been imported
    go.touch()
    assert end_of(launcher).state is TrialState.COMPLETED
    assert text_of(asked.dir, "parent") == str(os.getpid())

    def is_forked() -> bool:
        return text_of(site.run(launcher, "slow_task.train")[1], "parent") != str(os.getpid())

    wait_for(is_forked)
    assert site.said == []


def is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_parent_that_dies_is_replaced_and_its_runs_continue(site: Site) -> None:
    launcher = site.launcher("warm", slots=2)
    asked = site.request("waits")
    launcher.start(asked)
    parent = int(text_of(asked.dir, "parent"))
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: is_dead(parent))
    ended, folder = site.run(launcher, "tells_parent")
    assert ended.state is TrialState.COMPLETED
    assert int(text_of(folder, "parent")) not in (parent, os.getpid())
    RunDir(asked.dir).request_stop("pruned")
    ended = end_of(launcher)
    assert (ended.run_id, ended.state, ended.exit_code) == (asked.run_id, TrialState.PRUNED, None)
    assert site.said == []


def test_a_run_that_vanishes_after_its_parent_is_lost_and_not_failed(site: Site) -> None:
    launcher = site.launcher("warm")
    asked = site.request("waits")
    started = start_run(launcher, asked)
    os.kill(int(text_of(asked.dir, "parent")), signal.SIGKILL)
    os.kill(started.pid, signal.SIGKILL)
    assert end_of(launcher).state is TrialState.LOST


def test_a_parent_that_keeps_dying_between_runs_is_replaced_each_time(site: Site) -> None:
    launcher = site.launcher("warm")
    parents = set()
    for _ in range(4):
        ended, folder = site.run(launcher, "tells_parent")
        assert ended.state is TrialState.COMPLETED
        [parent] = [child for child in psutil.Process().children() if "sweep.worker.warm" in child.cmdline()]
        assert int(text_of(folder, "parent")) == parent.pid
        parents.add(parent.pid)
        parent.kill()
        wait_for(lambda pid=parent.pid: is_gone(pid))
    assert len(parents) == 4
    assert site.said == []


def test_a_parent_that_does_not_answer_is_killed_and_replaced(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.launch.preforked.ANSWER_S", 0.2)
    launcher = site.launcher("warm")
    _, folder = site.run(launcher, "tells_parent")
    parent = int(text_of(folder, "parent"))
    os.kill(parent, signal.SIGSTOP)
    for _ in range(3):  # what it has forked ahead takes runs on all the same
        ended, folder = site.run(launcher, "tells_parent")
        assert ended.state is TrialState.COMPLETED
    wait_for(lambda: is_gone(parent))
    assert int(text_of(folder, "parent")) not in (parent, os.getpid())


def test_a_parent_that_dies_as_it_is_sent_a_run_blocks_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = site.launcher("warm")
    site.run(launcher, "tells_parent")
    [parent] = [child for child in psutil.Process().children() if "sweep.worker.warm" in child.cmdline()]
    spares = wait_for(lambda: found if len(found := living(parent.children())) == 2 else None)
    for process in (parent, *spares):
        process.suspend()
    send = WarmParent.send

    def send_and_kill(self: WarmParent, **message: Any) -> None:
        send(self, **message)
        if "run" in message and parent.is_running():  # one child takes it and cannot say so, the other one waits on
            parent.kill()
            wait_for(lambda: is_gone(parent.pid))
            for spare in spares:
                spare.resume()

    monkeypatch.setattr(WarmParent, "send", send_and_kill)
    began = time.monotonic()
    ended, folder = site.run(launcher, "tells_parent")
    assert time.monotonic() - began < ANSWER_S
    assert ended.state is TrialState.COMPLETED
    assert int(text_of(folder, "parent")) != parent.pid
    wait_for(lambda: not living(spares))


def test_children_that_wait_for_a_run_may_die(site: Site) -> None:
    launcher = site.launcher("warm")
    for _ in range(3):
        ended, folder = site.run(launcher, "tells_parent")
        assert ended.state is TrialState.COMPLETED
        parent = psutil.Process(int(text_of(folder, "parent")))
        for spare in wait_for(lambda parent=parent: living(parent.children())):
            spare.kill()
            wait_for(lambda pid=spare.pid: not psutil.pid_exists(pid))  # reaped, and not taken for a run
    assert int(text_of(folder, "parent")) == parent.pid
    launcher.close()
    assert is_gone(parent.pid)


def test_a_parent_that_cannot_fork_says_so_and_the_run_is_not_lost(site: Site) -> None:
    (site.path / "crowded_task.py").write_text(
        "import os, sys\nreal, forks = os.fork, []\n"
        "def fork():\n    forks.append(1)\n    if len(forks) > 1:\n        raise BlockingIOError(11, 'no more')\n"
        "    return real()\n"
        "if 'warm' in sys.argv[0]:\n    os.fork = fork\n"
        "def train(cfg, run):\n    run.log(1, loss=1.0)\n"
    )
    launcher = site.launcher("warm")
    with pytest.raises(LaunchError, match="cannot fork"):
        launcher.start(site.request("crowded_task.train"))
    assert launcher.free_slots == 1


def test_idle_interpreters_are_no_more_than_the_slots_and_go_with_the_launcher(site: Site) -> None:
    launcher = site.launcher("standby", slots=2)
    for _ in range(5):
        site.run(launcher, "tells_parent")
    mine = {child.pid for child in psutil.Process().children() if "sweep.worker.standby" in child.cmdline()}
    assert 1 <= len(mine) <= 2
    launcher.close()
    assert all(is_gone(pid) for pid in mine)


def test_runs_on_gpus_are_taken_on_by_idle_interpreters_of_their_device(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    launcher = site.launcher("auto", inventory=FixedInventory.of(2), gpus=None, slots=None)
    for is_first in (True, False):
        asked = [site.request("waits") for _ in range(2)]
        for started in [start_run(launcher, run) for run in asked]:
            process = psutil.Process(started.pid)
            assert process.environ()["CUDA_VISIBLE_DEVICES"] == started.device
            assert ("sweep.worker.standby" in process.cmdline()) is not is_first
        for run in asked:
            text_of(run.dir, "parent")
            RunDir(run.dir).request_stop("pruned")
        assert {end.state for end in ends_of(launcher, 2)} == {TrialState.PRUNED}


def test_forks_are_refused_where_runs_get_gpus(site: Site) -> None:
    with pytest.raises(ConfigError, match=r"launcher\.start"):
        site.launcher("warm", inventory=FixedInventory.of(1), gpus=None)


def orchestrator_that_dies(site: Site, start: str, target: str) -> tuple[RunRequest, RunStarted, list[int]]:
    """Start two runs, one after the other, from another process, kill that; return the second run, and who is left."""
    first, second = site.request("tells_parent"), site.request(target)
    code = f"""
        import json, os, sys, time
        from dataclasses import asdict
        from pathlib import Path
        import psutil
        from sweep.config import LauncherConfig
        from sweep.launch import RunRequest, build_launcher
        launcher = build_launcher(LauncherConfig(**json.loads({json.dumps(asdict(launcher_config(start=start)))!r})))
        launcher.start(RunRequest(run_id=1, dir=Path({str(first.dir)!r})))
        while not launcher.poll(1.0):
            pass
        started = launcher.start(RunRequest(run_id=2, dir=Path({str(second.dir)!r}))).started
        while not Path({str(second.dir / "events.jsonl")!r}).exists():
            time.sleep(0.005)
        left = [child.pid for child in psutil.Process().children(recursive=True)]
        print(json.dumps([asdict(started), left]), flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(ROOT)])},
    ) as orchestrator:
        assert orchestrator.stdout is not None
        line = orchestrator.stdout.readline()
        orchestrator.send_signal(signal.SIGKILL)
    started, left = json.loads(line)
    return second, RunStarted(**started), left


@pytest.mark.parametrize("start", STARTS)
def test_a_dead_orchestrators_run_is_found_by_its_folder_and_nothing_else_is_left(site: Site, start: str) -> None:
    asked, started, left = orchestrator_that_dies(site, start, "waits")
    text_of(asked.dir, "parent")
    wait_for(lambda: all(is_gone(pid) for pid in left if pid != started.pid))
    launcher = site.launcher(start)
    handle = launcher.find(asked)
    assert handle == handle_of(started)
    assert launcher.find(replace(asked, token="another")) is None
    adopted = launcher.adopt(asked, handle)
    assert adopted is not None
    assert adopted.started == started
    RunDir(asked.dir).request_stop("pruned")
    assert end_of(launcher).state is TrialState.PRUNED
    assert launcher.find(asked) is None


@pytest.mark.parametrize("start", STARTS)
def test_a_run_is_adopted_though_the_clock_was_set_and_no_other_runs_process_is(site: Site, start: str) -> None:
    asked, started, _ = orchestrator_that_dies(site, start, "waits")
    text_of(asked.dir, "parent")
    launcher = site.launcher(start)
    earlier = replace(started, pid_started_at=started.pid_started_at - 3600)
    other = site.request("waits")
    assert not launcher.adopt(other, handle_of(earlier))
    assert launcher.adopt(asked, handle_of(earlier))
    launcher.stop(asked.run_id, TrialState.CANCELLED)
    assert end_of(launcher).state is TrialState.CANCELLED


@pytest.mark.parametrize("leaves", ["pass", "os.setsid()"])
@pytest.mark.parametrize("start", STARTS)
def test_what_a_dead_run_has_forked_is_killed_when_it_is_not_adopted(site: Site, start: str, leaves: str) -> None:
    (site.path / "forking_task.py").write_text(
        "import os, time\ndef train(cfg, run):\n    child = os.fork()\n"
        f"    if child == 0:\n        {leaves}\n        time.sleep(600)\n"
        "    run.artifact('child').write_text(str(child))\n    time.sleep(600)\n"
    )
    asked, started, _ = orchestrator_that_dies(site, start, "forking_task.train")
    child = int(text_of(asked.dir, "child"))
    os.kill(started.pid, signal.SIGKILL)
    wait_for(lambda: is_gone(started.pid))
    assert not is_gone(child)
    assert not site.launcher(start).adopt(asked, handle_of(started))
    wait_for(lambda: is_gone(child))


def test_every_promise_of_the_page_on_launching_names_a_test_that_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "launching.md").read_text(encoding="utf-8")))
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*start*.py"))
    assert len(named) > 5
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_a_run_that_crashed_in_a_fork_is_retried_in_a_process_of_its_own(site: Site, tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(
        "import os, signal, sys\ndef train(cfg, run):\n"
        "    print('WARM', 'sweep.worker.warm' in sys.orig_argv, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    launcher = site.launcher("warm")
    asked = site.request("crashing.train")
    logs = []
    for _ in range(2):
        RunDir(asked.dir).log.unlink(missing_ok=True)
        launcher.start(asked)
        assert end_of(launcher).failure is FailureClass.KILLED
        logs.append(RunDir(asked.dir).log.read_text().splitlines()[0])
    assert logs == ["WARM True", "WARM False"]
