"""The warm starter: one process imports the task and prepares its data, and every run is forked from it."""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sweep.launch.cold import Starter
from sweep.launch.preforked import AheadProcess
from sweep.launch.process import RunProcess, is_gone
from sweep.rundir import RunDir

logger = logging.getLogger(__name__)

MODULE = "sweep.worker.warm"

WARM_UP_S = 20.0
"""So long the first run waits for the parent. A task that takes longer to import has its first runs started cold."""

CRASHES = 2
"""A parent that has died so many times in a row, without a run in between, is given up."""

BURIED_AT_ONCE = 8
"""Ended runs of which the parent is told together that it may reap them, where no quiet time comes before."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a parent saw of a run's end. `has_left` is whether anything may live on that the run has started."""

    code: int
    has_left: bool


class WarmParent(AheadProcess):
    """The process that runs are forked from: it sees them end, and reaps them once it is told that they are buried.

    Raises OSError where there can be none.
    """

    def __init__(self, what: Path | str, environment: Mapping[str, str]) -> None:
        super().__init__(MODULE, what, environment)
        self._ended: dict[int, _Ended] = {}  # by pid
        self._buried: list[int] = []

    def ending(self, pid: int) -> _Ended | None:
        """Return how a run that is gone has ended, None where this process died before it could say so."""
        while pid not in self._ended:
            if self.state == "gone":
                return None
            try:
                told = self.listen()
            except OSError:
                return None
            self._ended[told["ended"]] = _Ended(told["code"], told["has_left"])
        return self._ended[pid]

    def bury(self, pid: int) -> None:
        """Let it reap a run, now or soon: until then the pid is nobody else's."""
        self._ended.pop(pid, None)
        self._buried.append(pid)
        if len(self._buried) >= BURIED_AT_ONCE:
            self.reap()

    def reap(self) -> None:
        """Have all buried runs reaped."""
        if self._buried and self.state != "gone":
            with suppress(OSError):
                self.tell(reap=self._buried)
        self._buried = []


class WarmChild:
    """A run that was forked from the warm parent."""

    def __init__(self, pid: int, started_at: float, parent: WarmParent) -> None:
        self.pid, self.started_at = pid, started_at
        self._parent = parent

    def has_ended(self) -> bool:
        """Return whether it is gone; a zombie as long as its parent lives, so that its pid is not given away."""
        return is_gone(self.pid)

    def is_alone(self) -> bool:
        """Return whether its parent, which gets whatever a run leaves behind, has got nothing."""
        ended = self._parent.ending(self.pid)
        return ended is not None and not ended.has_left

    def collect(self) -> int | None:
        """Have it reaped and return its exit code, None where the parent has died: init has it by now."""
        ended = self._parent.ending(self.pid)
        self._parent.bury(self.pid)
        return None if ended is None else ended.code


class WarmStarter:
    """Forks runs from a parent that it starts with the first run, and again where it has died.

    `instead` starts what cannot be forked: a run in another environment than the parent's, and every run where the task
    cannot be imported (so that each fails in its own words) or the parent keeps dying. `unsafe_instead` starts all runs
    where the parent is not proven to be safe to fork. `say` is told, once, of every such change for good. `early`
    is the first parent, where one was started before.
    """

    def __init__(
        self,
        *,
        instead: Starter,
        unsafe_instead: Starter,
        say: Callable[[str], None],
        early: WarmParent | None = None,
    ) -> None:
        self._early = early
        self._instead = instead
        self._unsafe_instead = unsafe_instead
        self._say = say
        self._parent: WarmParent | None = None
        self._for_good: Starter | None = None
        self._crashes = 0
        self._patience_s = WARM_UP_S

    @property
    def has_imported(self) -> bool:
        """Whether there is a parent that runs are forked from."""
        parent = self._parent
        return parent is not None and parent.state == "ready" and parent.child.poll() is None

    def start(self, folder: Path, environment: Mapping[str, str]) -> RunProcess:
        """Start the run of a folder. Raises OSError."""
        while (parent := self._ready_parent(folder, environment)) is not None:
            log = RunDir(folder).open_log()
            try:
                answer = parent.ask(run=str(folder.absolute()), log=log)
            except OSError:
                continue  # it has died since
            finally:
                os.close(log)
            if "error" in answer:
                raise OSError(answer["error"])
            self._crashes = 0
            return WarmChild(answer["pid"], answer["started_at"], parent)
        return (self._for_good or self._instead).start(folder, environment)

    def tidy(self) -> None:
        """Have ended runs reaped."""
        if self._parent is not None:
            self._parent.reap()

    def close(self) -> None:
        """Send the parent away."""
        if self._parent is not None:
            self._parent.close()
            self._parent = None
        self._instead.close()
        self._unsafe_instead.close()

    def _ready_parent(self, folder: Path, environment: Mapping[str, str]) -> WarmParent | None:
        """Return a parent from which this run may be forked now, None where it is to be started otherwise."""
        while self._for_good is None:
            if self._parent is None:
                self._parent = self._take_early(environment) or WarmParent(folder, environment)
            elif not self._parent.is_for(environment):
                return None
            state = self._parent.look(self._patience_s)
            if state == "ready" and self._parent.child.poll() is not None:
                state = self._parent.state = "gone"  # though children that it left behind could take on a run
            if state == "ready":
                return self._parent
            if state == "warming":
                if self._patience_s:
                    logger.info("runs start cold for now: the warm parent still imports after %g s", self._patience_s)
                self._patience_s = 0.0
                return None
            self._part(self._parent, state)
        return None

    def _take_early(self, environment: Mapping[str, str]) -> WarmParent | None:
        """Return the parent that was started before, where there is one and runs in this environment may come of it."""
        early, self._early = self._early, None
        if early is None or early.is_for(environment):
            return early
        early.close()
        return None

    def _part(self, parent: WarmParent, state: str) -> None:
        """Let go of a parent that cannot be used, and for good where the next one would be no better."""
        self._parent = None
        code = parent.close()
        self._crashes += state == "gone"
        logger.warning("warm parent (pid %d) closed: %s, exit code %s %s", parent.child.pid, state, code, parent.why)
        if state == "unsafe":
            self._for_good = self._unsafe_instead
            logger.warning("fallback for all runs, warm to standby: the warm parent %s", parent.why)
            self._say(f"runs start from idle interpreters, not as forks: the process to fork from {parent.why}")
        elif state == "failed":
            self._for_good = self._instead
            logger.warning("fallback for all runs, warm to cold: the task could not be imported and prepared ahead")
            self._say(f"runs start cold: the task could not be imported and prepared ahead ({parent.why})")
        elif self._crashes >= CRASHES:
            self._for_good = self._instead
            logger.warning("fallback for all runs, warm to cold: %d warm parents died in a row", self._crashes)
            self._say(f"runs start cold: the process to fork them from has died {self._crashes} times (code {code})")
