"""The standby starter: a run is taken on by an idle interpreter that has already imported everything."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sweep.launch.cold import ColdProcess, Starter
from sweep.launch.preforked import AheadProcess
from sweep.launch.process import RunProcess
from sweep.rundir import RunDir

logger = logging.getLogger(__name__)

MODULE = "sweep.worker.standby"


class StandbyProcess(ColdProcess):
    """A run that was an idle interpreter before."""

    def __init__(self, ahead: AheadProcess, folder: Path) -> None:
        super().__init__(ahead.child)
        self._ahead = ahead
        self._log = RunDir(folder).log

    def collect(self) -> int | None:
        """Reap it and return its exit code; what it printed is in the log though it died before it came to its run."""
        if not self._ahead.has_taken_a_run():
            with suppress(OSError), self._log.open("ab") as log:
                log.write(self._ahead.printed())
        return self._ahead.leave()  # of a run that has been buried nothing is left


class StandbyStarter:
    """Keeps at most `spares` idle interpreters, each for one run; one that was taken is replaced while the run trains.

    Where none waits in the run's environment (the first runs of each GPU) the `instead` starter is used.
    """

    def __init__(self, *, spares: int, instead: Starter) -> None:
        self._spares = spares
        self._instead = instead
        self._idle: list[AheadProcess] = []  # the oldest first

    @property
    def has_imported(self) -> bool:
        """False: those that wait may have imported the task at any time, before it was edited or after."""
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
        """Send the idle ones away."""
        while self._idle:
            self._idle.pop().close()

    def _take(self, folder: Path, environment: Mapping[str, str]) -> RunProcess | None:
        """Hand a run to an idle process. One that still imports takes it all the same: it is further than a new one."""
        fitting = [ahead for ahead in self._idle if ahead.is_for(environment)]
        for ahead in sorted(fitting, key=lambda ahead: ahead.look() == "warming"):
            self._idle.remove(ahead)
            if ahead.child.poll() is None:
                with suppress(OSError), RunDir(folder).log.open("ab") as log:
                    ahead.tell(run=str(folder.absolute()), log=log.fileno())
                    return StandbyProcess(ahead, folder)
            ahead.close()
        return None

    def _replace(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Have one more waiting, in the place of the oldest where there are as many as there may be."""
        while len(self._idle) >= self._spares:
            self._idle.pop(0).close()
        with suppress(OSError):
            self._idle.append(AheadProcess(MODULE, folder, environment))
