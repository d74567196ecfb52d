"""The warm starter: one process imports the task and prepares its data, and every run is forked from it."""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from signal import SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV

from sweep.launch.cold import Starter
from sweep.launch.preforked import PreforkedProcess
from sweep.launch.process import RunProcess, is_gone
from sweep.rundir import RunDir

logger = logging.getLogger(__name__)

MODULE = "sweep.worker.warm"

WARM_UP_S = 20.0
"""Seconds that the first run waits for the parent. If importing the task takes longer, the first runs start cold."""

CRASHES = 2
"""Number of deaths in a row, without a run in between, after which no further parent is started."""

CRASH_SIGNALS = frozenset({SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE})
"""Signals by which code in C++ dies. A library may not bear the fork: if its run is retried, that starts cold."""

REAPED_AT_ONCE = 8
"""Number of ended runs that the parent is asked to reap at once, unless an idle moment comes earlier."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a run ended, as its parent saw it. `has_left` is whether processes that the run started may still live."""

    code: int
    has_left: bool


class WarmParent(PreforkedProcess):
    """The process that runs are forked from: it sees them end, and reaps them when the launcher says so.

    Raises OSError if it cannot be started.
    """

    def __init__(self, what: Path | str, environment: Mapping[str, str]) -> None:
        super().__init__(MODULE, what, environment)
        self._ended: dict[int, _Ended] = {}  # by pid
        self._unreaped: list[int] = []

    def ending(self, pid: int) -> _Ended | None:
        """Return how a run that is gone ended, None if this process died before it could report it."""
        while pid not in self._ended:
            if self.state == "gone":
                return None
            try:
                news = self.listen()
            except OSError:
                return None
            self._ended[news["ended"]] = _Ended(news["code"], news["has_left"])
        return self._ended[pid]

    def reap_later(self, pid: int) -> None:
        """Have a run reaped, now or soon; until then no other process gets its pid."""
        self._ended.pop(pid, None)
        self._unreaped.append(pid)
        if len(self._unreaped) >= REAPED_AT_ONCE:
            self.reap()

    def reap(self) -> None:
        """Have all such runs reaped now."""
        if self._unreaped and self.state != "gone":
            with suppress(OSError):
                self.send(reap=self._unreaped)
        self._unreaped = []


class WarmChild:
    """A run that was forked from the warm parent."""

    def __init__(self, pid: int, started_at: float, parent: WarmParent, crashed: Callable[[], object]) -> None:
        self.pid, self.started_at = pid, started_at
        self._parent, self._crashed = parent, crashed

    def has_ended(self) -> bool:
        """Return whether it is gone; it stays a zombie while its parent lives, so its pid is not reused."""
        return is_gone(self.pid)

    def is_alone(self) -> bool:
        """Return whether the run left no process to its parent, which inherits those that it leaves."""
        ended = self._parent.ending(self.pid)
        return ended is not None and not ended.has_left

    def collect(self) -> int | None:
        """Have it reaped and return its exit code, None if the parent has died: then init has reaped it."""
        ended = self._parent.ending(self.pid)
        self._parent.reap_later(self.pid)
        if ended is not None and -ended.code in CRASH_SIGNALS:
            self._crashed()
        return None if ended is None else ended.code


class WarmStarter:
    """Forks runs from a parent that it starts with the first run, and again if it has died.

    `instead` starts what cannot be forked: a run in another environment than the parent's, and every run if the task
    cannot be imported (so that each reports its own error) or the parent keeps dying. `unsafe_instead` starts all runs
    if the parent is not proven to be safe to fork. `say` gets a message, once, for each such change for good. `early`
    is the first parent, if one was started before.
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
        self._crashed: set[Path] = set()  # folders of runs that have died in a fork
        self._patience_s = WARM_UP_S

    @property
    def has_imported(self) -> bool:
        """Whether there is a parent that runs are forked from."""
        parent = self._parent
        return parent is not None and parent.state == "ready" and parent.child.poll() is None

    def start(self, folder: Path, environment: Mapping[str, str]) -> RunProcess:
        """Start the run of a folder. Raises OSError."""
        if folder in self._crashed:
            logger.info("%s: died in a forked process, retried cold", folder)
            return self._instead.start(folder, environment)
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
            return WarmChild(answer["pid"], answer["started_at"], parent, partial(self._crashed.add, folder))
        return (self._for_good or self._instead).start(folder, environment)

    def tidy(self) -> None:
        """Have ended runs reaped."""
        if self._parent is not None:
            self._parent.reap()

    def close(self) -> None:
        """End the parent."""
        if self._parent is not None:
            self._parent.close()
            self._parent = None
        self._instead.close()
        self._unsafe_instead.close()

    def _ready_parent(self, folder: Path, environment: Mapping[str, str]) -> WarmParent | None:
        """Return a parent from which this run may be forked now, None if it has to start in another way."""
        while self._for_good is None:
            if self._parent is None:
                self._parent = self._take_early(environment) or WarmParent(folder, environment)
            elif not self._parent.is_for(environment):
                return None
            state = self._parent.look(self._patience_s)
            if state == "ready" and self._parent.child.poll() is not None:
                state = self._parent.state = "gone"  # even if children that it left could take a run
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
        """Return the running parent if runs in this environment can be forked from it."""
        early, self._early = self._early, None
        if early is None or early.is_for(environment):
            return early
        early.close()
        return None

    def _part(self, parent: WarmParent, state: str) -> None:
        """Drop a parent that cannot be used; for good if the next one would be no better."""
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
