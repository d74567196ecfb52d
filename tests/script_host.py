"""A process that has imported paddle and done nothing else: forks a trial for each line that it reads (`script_runs`).

A test's own process is no place to fork from: it may have trained, and OpenMP's threads do not survive a fork.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import paddle  # noqa: F401 - so that forks have it

from sweep.rundir import RunDir
from sweep.worker import entry, preforked
from sweep.worker.process_exit import drop_exit_handlers
from sweep.worker.script import overlay, view


def refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def without_restart() -> None:
    preforked.run_trial = lambda folder, **_: entry.run_trial(folder)


TESTS = str(Path(__file__).parent)
PATCHES = {
    "no mounts": lambda: setattr(view, "mount_layers", refuse),
    "no capability": lambda: setattr(overlay, "_may_mount", lambda: False),
    "no restart": without_restart,
    "other temporary folder": lambda: setattr(tempfile, "tempdir", "/nowhere"),
}
"""What a trial may be made to meet, by name."""


def run_by_hand(program: dict[str, Any]) -> None:
    """Become a program that is run without sweep."""
    sys.path.insert(0, TESTS)
    from program_runs import train_by_hand

    sys.path.remove(TESTS)
    train_by_hand(**program)


def run(asked: dict[str, Any]) -> int:
    """Run a trial in a fork, or a program by hand; return its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.chdir(asked["cwd"])
            drop_exit_handlers()
            if "by_hand" in asked:
                run_by_hand(asked["by_hand"])
            for name in asked["patches"]:
                PATCHES[name]()
            folder = RunDir(Path(asked["run"]))
            preforked.run_and_exit(folder.path, folder.open_log(), b"")
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.path[:] = sys.path[1:]  # not the tests' folder, as for a warm parent
    for line in sys.stdin:
        print(run(json.loads(line)), flush=True)
