"""The runs of a study: recorded as intended, started, followed, and brought into the store when they end."""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sweep.config import StudyConfig
from sweep.domain.states import RETRIED, FailureClass, TrialState
from sweep.domain.trial import Outcome, StudyRecord, TrialRecord
from sweep.drivers import Abandon, Proposal
from sweep.errors import SweepError
from sweep.judge import SymptomThresholds
from sweep.launch import Launched, Launcher, RunEnded, RunPaused, RunRequest, RunStarted
from sweep.rundir import StudyDir
from sweep.rundir.logfile import close_log, trim_running
from sweep.store import Store
from sweep.study.code_guard import PlannedCode
from sweep.study.crash_points import step
from sweep.study.ingest import ingest, record_end, record_launched, spec_of, write_ending
from sweep.study.live import LiveRun
from sweep.study.paused import PausedTrials
from sweep.study.recovery import left_behind

logger = logging.getLogger(__name__)

_OF_THE_MACHINE = frozenset({FailureClass.KILLED, FailureClass.INFRA})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStudy:
    """A study that this process has locked and runs. `code` keeps trials from importing edited task files."""

    record: StudyRecord
    config: StudyConfig
    store: Store
    folder: StudyDir
    code: PlannedCode


@dataclass(frozen=True, slots=True)
class Settled:
    """A run whose end is recorded. `outcome` is its trial's, None if the trial is to be retried."""

    live: LiveRun
    ended: RunEnded
    outcome: Outcome | None


class StudyRuns:
    """The trials of a study that wait for a run, and its `live` runs by run id.

    The loop decides what to run, and tells the driver.
    """

    def __init__(self, study: OpenStudy, launcher: Launcher) -> None:
        self.study, self.launcher = study, launcher
        self.config, self.store = study.config, study.store
        self.live: dict[int, LiveRun] = {}
        self._thresholds = SymptomThresholds.of(study.config.symptoms)
        self.paused = PausedTrials(self.store, launcher, self.config.target, self._thresholds)
        self._abandoned: dict[int, LiveRun] = {}  # by run id, those asked to stop
        self._waiting: deque[tuple[TrialRecord, bool]] = deque()  # (trial, needs a device alone)
        self._launched: dict[int, Launched] = {}  # by run id, those not recorded yet

    @property
    def is_waiting(self) -> bool:
        """Whether a trial waits for a run."""
        return bool(self._waiting)

    @property
    def is_busy(self) -> bool:
        """Whether any run has yet to end or to reach its next pause."""
        return bool(self.live or self._abandoned)

    def enqueue(self, trial: TrialRecord, *, exclusive: bool = False) -> None:
        """Queue a pending trial for a run; `exclusive` if it needs a device alone."""
        self._waiting.append((trial, exclusive))

    def requeue(self, trial: TrialRecord) -> None:
        """Queue a pending trial that an earlier session may have run; after an OOM it gets a device alone."""
        # Most have no folder yet: then no query is needed.
        last = self.store.latest_run(trial.id) if self.study.folder.trial(trial.number).path.exists() else None
        self.enqueue(trial, exclusive=last is not None and last.failure is FailureClass.OOM)

    def recover(self) -> None:
        """Adopt the runs of an orchestrator that died, and record the end of those that have ended."""
        for live, ended in left_behind(
            self.store, self.study.record.id, self.study.folder, self.launcher, self._request
        ):
            is_paused = live.run.state is TrialState.PAUSED
            if ended is None:
                logger.info("%s: adopted, still running on %s", named(live), live.device)
                if is_paused and live.is_wanted:
                    self.paused.add(live.trial, live)
                elif is_paused:
                    self._stop_abandoned(live)
                else:
                    self.live[live.run.id] = live
                if not live.is_wanted:
                    logger.info("%s: stopped, its trial is no longer part of the study", named(live))
                    self.launcher.stop(live.run.id, TrialState.CANCELLED)
            elif is_paused:
                self.paused.lose(live, ended)
            else:
                logger.info("%s: recovered, it ended as %s", named(live), ended.state)
                with self.store.transaction():
                    self._record(live, ended, may_retry=True)
            step("run of an earlier session recovered")

    def begin(self) -> list[LiveRun]:
        """Record the intent to run waiting trials, one for each free slot, before any side effect.

        The caller holds a transaction, and launches the runs after it.
        """
        begun: list[LiveRun] = []
        places = self.launcher.free_slots
        while self._waiting and len(begun) < places:
            trial, exclusive = self._waiting[0]
            if (exclusive and begun) or not self._can_start(exclusive=exclusive):
                break
            self._waiting.popleft()
            folder = self.study.folder.trial(trial.number)
            place = folder.path.relative_to(self.study.folder.results).as_posix()
            was = TrialState.PAUSED if trial.state is TrialState.PAUSED else TrialState.PENDING
            run = self.store.begin_run(trial.id, place, was=was)
            live = self.live[run.id] = LiveRun(trial, run, folder, has_folder=False, exclusive=exclusive)
            begun.append(live)
            if exclusive:
                break
        return begun

    def launch(self, live: LiveRun) -> RunEnded | None:
        """Start a run whose intent is recorded. Return its end if it could not be started, else None."""
        step("intent recorded")
        try:
            live.dir.renew(attempt=live.run.attempt)
            live.has_folder = True
            step("folder renewed")
            spec = spec_of(self.config, live.trial, live.run, self.study.code.digests)
            live.dir.write_spec(spec)
            step("spec written")
            launched = self.launcher.start(self._request(live, spec))
        except (OSError, SweepError) as error:
            logger.warning("%s: could not be started: %s", named(live), error)
            return _not_started(live.run.id, str(error))
        step("process started")
        state = "queued" if launched.started is None else f"started on {launched.started.device}"
        logger.debug("%s: %s, %s", named(live), state, launched.handle)
        self._launched[live.run.id] = launched
        live.take(launched)
        return None

    def note_started(self, started: RunStarted) -> LiveRun:
        """Note that a queued run's process has started; return the run."""
        live = self.live[started.run_id]
        assert live.handle is not None
        launched = self._launched[started.run_id] = Launched(handle=live.handle, started=started)
        live.take(launched)
        logger.debug("%s: started on %s", named(live), started.device)
        return live

    def record_started(self) -> None:
        """Record the runs that were launched, or have started, since the last call."""
        if not self._launched:
            return
        with self.store.transaction():
            for run_id, launched in self._launched.items():
                record_launched(self.store, run_id, launched)
                step("process recorded")
        self._launched.clear()

    def pause(self, news: RunPaused) -> tuple[LiveRun, Outcome] | None:
        """Record that a run waits at a step; return it with its outcome so far, None if that is already recorded."""
        if self.paused.has_run(news.run_id) or news.run_id in self._abandoned:
            return None
        with self.store.transaction():
            self.record_started()
            live = self.live.pop(news.run_id)
            part = self.paused.pause(live, news.step)
        logger.debug("%s: paused at step %d", named(live), news.step)
        return live, part

    def resume(self, wanted: Proposal) -> None:
        """Continue a paused trial until a step, with a new run if its process is gone."""
        found = self.paused.resume(wanted)
        step("continuation recorded")
        if isinstance(found, TrialRecord):
            self.requeue(found)
            return
        self.launcher.advance(found.run.id, wanted.until_step)
        self.live[found.run.id] = found

    def abandon(self, given_up: Abandon) -> TrialRecord | None:
        """End a paused trial for good. Its run is settled when it has ended; if it has none, return the trial."""
        found = self.paused.abandon((given_up.cell, given_up.seed))
        if isinstance(found, TrialRecord):
            return found
        self._stop_abandoned(found)
        return None

    def _stop_abandoned(self, live: LiveRun) -> None:
        self._abandoned[live.run.id] = live
        self.launcher.stop(live.run.id, TrialState.CANCELLED)

    def read(self) -> None:
        """Ingest what the live runs have written."""
        with self.store.transaction():
            for live in self.live.values():
                ingest(self.store, live)
                trim_running(live.dir.log)
        step("events ingested")

    def settle(self, all_ended: Sequence[RunEnded], *, may_retry: bool) -> list[Settled]:
        """Judge runs that have ended and record it. Trials to be retried are queued, but none if not `may_retry`.

        The caller holds a transaction.
        """
        settled = []
        for ended in all_ended:
            if self.paused.has_run(ended.run_id):
                self.paused.lose(self.paused.run(ended.run_id), ended)
                continue
            if ended.run_id in self._abandoned:
                abandoned = self._abandoned.pop(ended.run_id)
                cancelled = replace(ended, state=TrialState.CANCELLED, failure=None)
                settled.append(Settled(abandoned, cancelled, self._record(abandoned, cancelled, may_retry=False)))
                continue
            live = self.live.pop(ended.run_id)
            step("run ended")
            outcome = self._record(live, ended, may_retry=may_retry)
            if outcome is None:
                again = self.store.trial(self.study.record.id, live.trial.number)
                self.enqueue(again, exclusive=ended.failure is FailureClass.OOM)
            settled.append(Settled(live, ended, outcome))
        return settled

    def stop_all(self) -> None:
        """Ask the launcher to stop all live runs."""
        for run_id, live in self.live.items():
            logger.debug("%s: asked to stop", named(live))
            self.launcher.stop(run_id, TrialState.CANCELLED)

    def _can_start(self, *, exclusive: bool) -> bool:
        """Return whether a run can start now and would get the code that was planned."""
        if not self.launcher.can_start(exclusive=exclusive):
            return False
        return self.study.code.may_start(has_imported=self.launcher.has_imported)

    def _request(self, live: LiveRun, spec: Mapping[str, object] | None = None) -> RunRequest:
        return RunRequest(
            run_id=live.run.id,
            # Absolute: it identifies the process to an orchestrator in any folder, and a task may change its cwd.
            dir=live.dir.path.absolute(),
            token=live.run.token,
            spec=spec,
            timeout_s=self.config.launcher.timeout_s,
            exclusive=live.exclusive,
            until_step=live.trial.until_step,
        )

    def _record(self, live: LiveRun, ended: RunEnded, *, may_retry: bool) -> Outcome | None:
        """Record the end of a run; return its trial's outcome, None if the trial is to be retried and is pending again.

        The caller holds a transaction.
        """
        is_retried = may_retry and live.is_wanted and self._is_retried(live, ended)
        if ended.state is not TrialState.COMPLETED and live.has_folder:
            write_ending(live.dir, ended, is_retried=is_retried)
        if live.has_folder:
            with suppress(OSError):  # a full disk: the log stays long
                close_log(live.dir.log)
        ingest(self.store, live, is_over=True)
        outcome = record_end(
            self.store,
            live,
            ended,
            self.config.target,
            thresholds=self._thresholds,
            launched=self._launched.pop(live.run.id, None),
            is_check=self.config.check is not None,
        )
        if is_retried:
            self.store.transition(live.trial.id, TrialState.PENDING, f"retry after {ended.failure}")
        self._log_end(live, ended, is_retried=is_retried)
        return None if is_retried else outcome

    def _log_end(self, live: LiveRun, ended: RunEnded, *, is_retried: bool) -> None:
        if ended.failure is None:
            logger.debug("%s: %s", named(live), ended.state)
            return
        alone = ", alone on its device" if ended.failure is FailureClass.OOM else ""
        then = f"retried{alone}" if is_retried else "not retried"
        logger.warning("%s: %s on %s (%s); %s", named(live), ended.failure, live.device, ended.message, then)

    def _is_retried(self, live: LiveRun, ended: RunEnded) -> bool:
        if ended.failure not in RETRIED:
            return False
        if ended.failure is FailureClass.LOST:  # the orchestrator died, not the trial: not counted
            return True
        is_oom = ended.failure is FailureClass.OOM
        counted = {FailureClass.OOM} if is_oom else _OF_THE_MACHINE
        before = sum(run.failure in counted for run in self.store.runs(live.trial.id))
        return before < (1 if is_oom else self.config.launcher.retries)


def named(live: LiveRun) -> str:
    """Return the name of a run in log lines."""
    return f"trial {live.trial.number} attempt {live.run.attempt} (run {live.run.id})"


def _not_started(run_id: int, message: str) -> RunEnded:
    return RunEnded(
        run_id=run_id,
        state=TrialState.FAILED,
        exit_code=None,
        failure=FailureClass.INFRA,
        message=message,
        stop_reason=None,
    )
