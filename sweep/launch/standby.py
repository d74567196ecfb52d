"""The standby starter: an idle interpreter that has imported everything takes the run."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sweep.launch.cold import ColdProcess, Starter
from sweep.launch.preforked import PreforkedProcess
from sweep.launch.process import RunProcess
from sweep.rundir import RunDir

logger = logging.getLogger(__name__)

MODULE = "sweep.worker.standby"


class StandbyProcess(ColdProcess):
    """A run in an interpreter that was idle before."""

    def __init__(self, idle: PreforkedProcess, folder: Path) -> None:
        super().__init__(idle.child)
        self._prepared = idle
        self._log = RunDir(folder).log

    def collect(self) -> int | None:
        """Reap it and return its exit code; its output is in the log even if it died before its run."""
        if not self._prepared.has_taken_a_run():
            with suppress(OSError), self._log.open("ab") as log:
                log.write(self._prepared.printed())
        return self._prepared.leave()  # nothing is left of a run that was cleaned up


class StandbyStarter:
    """Keeps at most `spares` idle interpreters, each for one run; a used one is replaced while the run trains.

    If none waits in the run's environment (the first runs of each GPU), the `instead` starter is used.
    """

    def __init__(self, *, spares: int, instead: Starter) -> None:
        self._spares = spares
        self._instead = instead
        self._idle: list[PreforkedProcess] = []  # the oldest first

    @property
    def has_imported(self) -> bool:
        """False: an idle interpreter may have imported the task before or after it was edited."""
        return False

    def start(self, folder: Path, environment: Mapping[str, str]) -> RunProcess:
        """Start the run of a folder. Raises OSError."""
        process = self._take(folder, environment)
        if process is None:
            logger.debug("%s starts cold: no idle interpreter of its environment", folder)
            process = self._instead.start(folder, environment)
        self._replace(folder, environment)
        return process

    def tidy(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """End the idle interpreters."""
        while self._idle:
            self._idle.pop().close()

    def _take(self, folder: Path, environment: Mapping[str, str]) -> RunProcess | None:
        """Hand a run to an idle process. One that still imports can take it too: it is further than a new one."""
        fitting = [idle for idle in self._idle if idle.is_for(environment)]
        for idle in sorted(fitting, key=lambda idle: idle.look() == "warming"):
            self._idle.remove(idle)
            if idle.child.poll() is None:
                with suppress(OSError), RunDir(folder).log.open("ab") as log:
                    idle.send(run=str(folder.absolute()), log=log.fileno())
                    return StandbyProcess(idle, folder)
            idle.close()
        return None

    def _replace(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start one more, in place of the oldest if the maximum is reached."""
        while len(self._idle) >= self._spares:
            self._idle.pop(0).close()
        with suppress(OSError):
            self._idle.append(PreforkedProcess(MODULE, folder, environment))
