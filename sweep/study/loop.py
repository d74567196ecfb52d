"""Ask, launch, ingest, judge, tell: one pass of this loop per event, until the driver has nothing left to ask."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweep.clock import monotonic_s
from sweep.config import StudyConfig
from sweep.domain.metric import Series
from sweep.domain.states import RETRIED, FailureClass, StopReason, TrialState
from sweep.domain.trial import Outcome, StudyRecord, TrialRecord, TrialSpec
from sweep.drivers.protocol import Driver, Proposal
from sweep.errors import StudyGoneError, SweepError
from sweep.judge import SymptomThresholds
from sweep.launch import Launcher, RunEnded, RunRequest, RunStarted
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.breaker import CircuitBreaker
from sweep.study.interrupts import WORDS, Interrupt
from sweep.study.live import LiveRun
from sweep.study.progress import Progress
from sweep.study.recording import ingest, record_end, record_process, spec_of, write_ending
from sweep.study.recovery import left_behind
from sweep.study.steps import step

POLL_S = 0.5
"""How long the loop sleeps when nothing happens; a run's end wakes it at once."""

QUIET_S = 0.05
"""Where no run has ended for so long there is time for what can wait. A process that was started is put on record then,
if not earlier with something else: until then its folder tells of it."""

READ_EVERY_S = 1.0
"""How often the events of running trials are read: the live view is at most this old."""


_TAKEN_UP = (TrialState.CANCELLED, TrialState.LOST)
_OF_THE_MACHINE = frozenset({FailureClass.KILLED, FailureClass.INFRA})


class StudyLoop:
    """Runs one study to its end, a drain or a stop. The caller owns store, launcher and driver, and closes them.

    Every trial of the study that is pending when the loop starts is launched; what the driver asks for is added.
    `on_outcome(outcome, trial, curves)` is called once for each trial finished here; `curves` is what its run logged,
    None where no run was made for it here. `on_quiet` is called while runs go on and none ends, to do a bit of what can
    wait; it returns whether more of it is left. `is_ours` says whether the study's folder is still what was locked.
    `code` has the digests of the task's files, by path: no trial is to import others.
    """

    def __init__(
        self,
        *,
        study: StudyRecord,
        config: StudyConfig,
        compose: Callable[[Proposal], TrialSpec],
        driver: Driver,
        launcher: Launcher,
        store: Store,
        folder: StudyDir,
        progress: Progress,
        on_outcome: Callable[[Outcome, TrialRecord, Mapping[str, Series] | None], None],
        on_quiet: Callable[[], bool] = lambda: False,
        is_ours: Callable[[], bool] = lambda: True,
        code: Mapping[str, str | None] | None = None,
    ) -> None:
        self.study, self.config, self.target = study, config, config.target
        self.thresholds = SymptomThresholds.of(config.symptoms)
        self.compose, self.driver, self.launcher = compose, driver, launcher
        self.store, self.folder = store, folder
        self.progress, self.on_outcome, self.on_quiet = progress, on_outcome, on_quiet
        self.is_ours, self.code = is_ours, code or {}
        self.interrupt = Interrupt.NONE  # set from signal handlers
        self.breaker = CircuitBreaker()
        self._announced = Interrupt.NONE
        self._live: dict[int, LiveRun] = {}  # by run id
        self._ready: deque[tuple[TrialRecord, bool]] = deque()  # (trial, needs a device alone)
        self._started: dict[int, RunStarted] = {}  # by run id, those whose process is not on record yet
        self._from = Path.cwd()
        self._read_at = 0.0

    # -- the loop

    def run(self) -> None:
        """Run until nothing is left, or an interrupt has been obeyed, or a systematic failure shows.

        Raises StudyGoneError once the study's folder is no longer the one that it began with.
        """
        try:
            self._recover()
            done = self._replay()
            self.progress.start(self.driver.expected_trials(), done)
            self._go_round()
        except (OSError, SweepError):
            self._check_place()  # that would be the reason
            raise

    def _go_round(self) -> None:
        while True:
            self._check_place()
            self._announce()
            if self.interrupt is Interrupt.STOP or self.breaker.is_open:
                self._stop_all()
            elif self.interrupt is Interrupt.NONE:
                self._fill()
            if not self._live:
                return
            self._settle(self._poll())
            if monotonic_s() - self._read_at >= READ_EVERY_S:
                self._read_running()

    def _check_place(self) -> None:
        if not self.is_ours():
            raise StudyGoneError(
                f"{self.folder.path} was removed or replaced while its study ran",
                hint="the same command goes on with what is there",
            )

    def _announce(self) -> None:
        """Say what an interrupt has brought about: not where the signal came, in the midst of whatever was printed."""
        if self.interrupt is not self._announced:
            self._announced = self.interrupt
            self.progress.message(WORDS[self.interrupt])

    def _poll(self) -> Sequence[RunEnded]:
        """Wait for runs to end. Where that takes a while, what can wait is done first."""
        ended = self.launcher.poll(QUIET_S)
        if ended:
            return ended
        if self._started:
            with self.store.transaction():
                self._record_started()
        while self.on_quiet():
            ended = self.launcher.poll(0.0)
            if ended or self.interrupt is not self._announced:
                return ended
        return self.launcher.poll(POLL_S)

    def _fill(self) -> None:
        """Launch what is ready, and ask for more, until every slot is taken."""
        while self.launcher.free_slots > 0 and self.interrupt is Interrupt.NONE:
            if not self._ready and not self._ask():
                return
            with self.store.transaction():
                begun = self._begin()
            if self._ready and not begun:
                return
            self._launch_all(begun)

    def _ask(self) -> bool:
        """Take proposals in. Returns False where the driver has none now."""
        proposals = self.driver.ask(self.launcher.free_slots)
        for proposal in proposals:
            trial = self._enrol(proposal)
            step("proposal enrolled")
            if trial.state is TrialState.PENDING:
                self._ready.append((trial, False))
            else:
                self._tell(self.store.outcome(trial.id), trial, None)
        return bool(proposals)

    def _enrol(self, proposal: Proposal) -> TrialRecord:
        """Put a proposal on record; a trial that any study has finished before is reused."""
        spec = self.compose(proposal)
        with self.store.transaction():
            [trial] = self.store.add_trials(self.study.id, [spec])
            finished = self.store.find_finished([spec.fingerprint]) if self.config.reuse else {}
            if finished:
                self.store.reuse(trial.id, finished[spec.fingerprint])
        return self.store.trial(self.study.id, trial.number)

    # -- what an earlier session left

    def _recover(self) -> None:
        """Adopt the runs of a driver that died, and record the end of those that are over."""
        for live, ended in left_behind(self.store, self.study.id, self.launcher, self._request):
            if ended is None:
                self._live[live.run.id] = live
                self.breaker.devices.add(live.device or "")
                if not live.is_wanted:
                    self.launcher.stop(live.run.id, TrialState.CANCELLED)
            else:
                with self.store.transaction():
                    self._record(live, ended)
            step("run of an earlier session recovered")

    def _replay(self) -> int:
        """Tell the driver what is known and queue what is pending. Returns how many trials have finished.

        What ended without saying anything of the task (interrupted, lost, a fault of the machine) is taken up again.
        """
        running = {live.trial.id for live in self._live.values()}
        trials = {trial.number: trial for trial in self.store.trials(self.study.id)}
        out = []
        for outcome in self.store.outcomes(self.study.id):
            trial = trials[outcome.number]
            if outcome.state in _TAKEN_UP or outcome.failure is FailureClass.INFRA:
                self.store.transition(trial.id, TrialState.PENDING, "taken up again")
                step("trial taken up again")
                out.append(trial)
            elif outcome.state is TrialState.PENDING or trial.id in running:
                out.append(trial)
            else:
                self.driver.tell(outcome)
                self.breaker.completed += outcome.state is TrialState.COMPLETED and not outcome.reused
        for trial in out:
            self.driver.adopt(Proposal(trial.cell, trial.seed))
            if trial.id not in running:
                # Most have no folder yet: nothing of them needs to be asked for.
                last = self.store.latest_run(trial.id) if self.folder.trial(trial.number).path.exists() else None
                self._ready.append((trial, last is not None and last.failure is FailureClass.OOM))
        return len(trials) - len(out)

    # -- one run

    def _request(self, live: LiveRun, *, spec: Mapping[str, Any] | None = None, exclusive: bool = False) -> RunRequest:
        # Absolute: a process is known again by it from wherever a driver is started, and a task may change its cwd.
        folder, timeout_s = self._from / live.dir.path, self.config.launcher.timeout_s
        return RunRequest(run_id=live.run.id, dir=folder, spec=spec, timeout_s=timeout_s, exclusive=exclusive)

    def _begin(self) -> list[tuple[LiveRun, bool]]:
        """Record the intent to run ready trials, as many as there are places for, before anything outside happens.

        Returns each with whether it needs a device alone.
        """
        begun: list[tuple[LiveRun, bool]] = []
        places = self.launcher.free_slots
        while self._ready and len(begun) < places and self.interrupt is Interrupt.NONE and not self.breaker.is_open:
            trial, exclusive = self._ready[0]
            if (exclusive and begun) or not self.launcher.can_start(exclusive=exclusive):
                break
            self._ready.popleft()
            folder = self.folder.trial(trial.number)
            run = self.store.begin_run(trial.id, str(folder.path))
            live = self._live[run.id] = LiveRun(trial, run, folder, has_folder=False)
            begun.append((live, exclusive))
            if exclusive:
                break
        return begun

    def _launch_all(self, begun: list[tuple[LiveRun, bool]]) -> None:
        """Start the runs that are on record as intended."""
        for live, exclusive in begun:
            step("intent recorded")
            self._launch(live, exclusive)

    def _launch(self, live: LiveRun, exclusive: bool) -> None:
        try:
            live.dir.renew(attempt=live.run.attempt)
            live.has_folder = True
            step("folder renewed")
            spec = spec_of(self.config, live.trial, live.run, self.code)
            live.dir.write_spec(spec)
            step("spec written")
            started = self.launcher.start(self._request(live, spec=spec, exclusive=exclusive))
        except (OSError, SweepError) as error:
            self._settle([_not_started(live.run.id, str(error))], goes_on=False)
            return
        step("process started")
        self._started[live.run.id] = started
        live.device = started.device
        self.breaker.devices.add(started.device)
        trial = live.trial
        self.progress.trial_started(trial.number, str(trial.cell), trial.seed, self.target.budget_steps)

    def _record_started(self) -> None:
        """Put on record whose processes were started since the last time. The caller holds a transaction."""
        for started in self._started.values():
            record_process(self.store, started)
            step("process recorded")
        self._started.clear()

    def _read_running(self) -> None:
        """Take in what running trials wrote, show it, and ask the driver whether to go on with them."""
        with self.store.transaction():
            for live in self._live.values():
                ingest(self.store, live)
        step("events ingested")
        for live in self._live.values():
            latest = live.latest(self.target.metric)
            self.progress.trial_progress(
                live.trial.number, live.last_step, self.target.metric, latest[1] if latest else None
            )
            if latest is not None and self.driver.should_prune(live.proposal, *latest):
                live.dir.request_stop(str(StopReason.PRUNED))
        self._read_at = monotonic_s()

    def _settle(self, all_ended: Sequence[RunEnded], *, goes_on: bool = True) -> None:
        """Judge the runs that have ended and record it; then tell the driver, or put their trials up again.

        The runs that take their places are begun in the same transaction, and started before anybody is told.
        """
        if not all_ended:
            return
        self._check_place()  # another driver may have these trials by now
        settled, begun = [], []
        with self.store.transaction():
            for ended in all_ended:
                live = self._live.pop(ended.run_id)
                step("run ended")
                outcome = self._record(live, ended)
                settled.append((live, ended, outcome))
                if live.is_wanted:
                    self._count(live, ended, outcome)
            self._record_started()
            if goes_on:
                begun = self._begin()
        step("end recorded")
        self._launch_all(begun)
        for live, ended, outcome in settled:
            if not live.is_wanted:
                continue
            if outcome is None:
                self.progress.message(f"trial {live.trial.number}: {ended.failure} ({ended.message}); trying again")
            elif self.interrupt is not Interrupt.STOP or ended.state is not TrialState.CANCELLED:
                self._tell(outcome, live.trial, live.series())
                step("driver told")

    def _count(self, live: LiveRun, ended: RunEnded, outcome: Outcome | None) -> None:
        """Take an end into account; without an outcome the trial is ready again."""
        if outcome is None:
            again = self.store.trial(self.study.id, live.trial.number)
            self._ready.append((again, ended.failure is FailureClass.OOM))
            return
        self.breaker.count(
            live.trial.number,
            ended,
            live.device,
            is_failure=ended.state is TrialState.FAILED,
            is_result=ended.state not in (TrialState.FAILED, TrialState.CANCELLED),
        )

    def _record(self, live: LiveRun, ended: RunEnded) -> Outcome | None:
        """Record the end of a run; return its trial's outcome, None where it is to be tried again and is pending.

        The caller holds a transaction.
        """
        is_retried = live.is_wanted and self._is_retried(live, ended)
        if ended.state is not TrialState.COMPLETED and live.has_folder:
            write_ending(live.dir, ended, is_retried=is_retried)
        ingest(self.store, live, is_over=True)
        is_probe = self.config.probe is not None
        started = self._started.pop(live.run.id, None)
        outcome = record_end(
            self.store, live, ended, self.target, thresholds=self.thresholds, started=started, is_probe=is_probe
        )
        if is_retried:
            self.store.transition(live.trial.id, TrialState.PENDING, f"retry after {ended.failure}")
        return None if is_retried else outcome

    def _is_retried(self, live: LiveRun, ended: RunEnded) -> bool:
        if ended.failure not in RETRIED or self.interrupt is Interrupt.STOP:
            return False
        if ended.failure is FailureClass.LOST:  # the driver died, not the trial: that costs it no attempt
            return True
        is_oom = ended.failure is FailureClass.OOM
        counted = {FailureClass.OOM} if is_oom else _OF_THE_MACHINE
        before = sum(run.failure in counted for run in self.store.runs(live.trial.id))
        return before < (1 if is_oom else self.config.launcher.retries)

    def _tell(self, outcome: Outcome, trial: TrialRecord, curves: Mapping[str, Series] | None) -> None:
        self.driver.tell(outcome)
        self.progress.trial_ended(outcome)
        self.on_outcome(outcome, trial, curves)

    def _stop_all(self) -> None:
        for run_id in self._live:
            self.launcher.stop(run_id, TrialState.CANCELLED)


def _not_started(run_id: int, message: str) -> RunEnded:
    return RunEnded(
        run_id=run_id,
        state=TrialState.FAILED,
        exit_code=None,
        failure=FailureClass.INFRA,
        message=message,
        stop_reason=None,
    )
