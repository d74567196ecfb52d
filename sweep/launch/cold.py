"""The cold starter: a fresh interpreter per run."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from sweep.clock import process_started_at
from sweep.launch.process import RunProcess
from sweep.rundir import RUN_VARIABLE, RunDir


class Starter(Protocol):
    """How a process starts. The returned process leads its own session and writes to out.log in the folder.

    Its environment is `environment`, with the folder in RUN_VARIABLE, where the kernel shows it.
    """

    @property
    def has_imported(self) -> bool:
        """Whether the next run is forked from a process that has imported the task, with the code of that time."""
        ...

    def start(self, folder: Path, environment: Mapping[str, str]) -> RunProcess:
        """Start the run of a folder. Raises OSError."""
        ...

    def tidy(self) -> None:
        """Do what can wait: called while runs continue and none ends."""
        ...

    def close(self) -> None:
        """End all processes that are not runs."""
        ...


class ColdProcess:
    """A child of the orchestrator."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child
        self.started_at = process_started_at(child.pid)

    @property
    def pid(self) -> int:
        """Its pid."""
        return self._child.pid

    def has_ended(self) -> bool:
        """Return whether it is gone; it stays a zombie, so that its pid, the session's id, is not reused."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def is_alone(self) -> bool:
        """Return False: unknown."""
        return False

    def collect(self) -> int | None:
        """Reap it and return its exit code, negative for a signal."""
        return self._child.wait()


class ColdStarter:
    """Starts `python -m sweep.worker FOLDER` with the interpreter that runs this."""

    @property
    def has_imported(self) -> bool:
        """False: each run imports the task."""
        return False

    def start(self, folder: Path, environment: Mapping[str, str]) -> RunProcess:
        """Start the run of a folder in its own session. Raises OSError."""
        with RunDir(folder).log.open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "sweep.worker", str(folder.absolute())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment, RUN_VARIABLE: str(folder.absolute())},
                start_new_session=True,
            )
        return ColdProcess(child)

    def tidy(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: there are only runs."""
