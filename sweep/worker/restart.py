"""A program that has died before its first step in a forked process is started once more, cold, in the same process.

A fork shares what the warm parent has imported. An environment variable that a program sets before its imports comes
too late there, and a library may not bear a fork. The new process begins with the variables as the program left them.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.domain.facts import COLD
from sweep.domain.states import FailureClass, TrialState
from sweep.rundir.paths import PYTHONPATH_VARIABLE, RUN_VARIABLE

if TYPE_CHECKING:
    from sweep.worker.run import WorkerRun

REASON_VARIABLE = "SWEEP_STARTED_AGAIN"
"""Environment variable of a run that was started again, with the error of the first time."""

_KEPT = (RUN_VARIABLE, PYTHONPATH_VARIABLE, "PYTHONPATH")
_UNFIT = ("NoStepError", "EditedTaskError")
"""Errors that a new process would meet again."""


class Restart:
    """What is needed to start the run of `folder` again. Made when a forked process becomes the run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = dict(os.environ)
        self._here = Path.cwd()

    def take(self, run: "WorkerRun", ending: Mapping[str, Any]) -> None:
        """Start the run again, if it has failed before its first step. Then this never returns."""
        failure = ending["failure"]
        if ending["state"] != TrialState.FAILED or run.last_step is not None or run.view is None:
            return
        if failure["class"] != FailureClass.CRASH or failure["type"] in _UNFIT or not run.view.undo():
            return
        _end_workers()
        os.chdir(self._here)
        environment = dict(os.environ)
        for name in _KEPT:
            environment.pop(name, None)
            if name in self._environment:
                environment[name] = self._environment[name]
        environment[REASON_VARIABLE] = failure["message"]
        os.execve(sys.executable, [sys.executable, "-m", "sweep.worker", str(self._folder)], environment)


def note_restart(run: "WorkerRun") -> None:
    """Record that a run was started again, if it was."""
    why = os.environ.pop(REASON_VARIABLE, None)
    if why is not None:
        run.describe(**{COLD: why})
        run.note(f"it died before its first step in a forked process ({why}), and was started once more, cold")


def was_restarted() -> bool:
    """Return whether this process starts its run for the second time."""
    return REASON_VARIABLE in os.environ


def _end_workers() -> None:
    if processes := sys.modules.get("multiprocessing"):
        for worker in processes.active_children():
            worker.kill()
