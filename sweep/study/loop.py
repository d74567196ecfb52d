"""Ask, launch, ingest, judge, tell: one pass of this loop per event, until the driver has nothing left to ask."""

from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from sweep.clock import monotonic_s
from sweep.config import StudyConfig
from sweep.domain.states import RETRIED, FailureClass, StopReason, TrialState
from sweep.domain.target import Target
from sweep.domain.trial import Outcome, RunRecord, StudyRecord, TrialRecord, TrialSpec
from sweep.drivers.protocol import Driver, Proposal
from sweep.errors import SweepError
from sweep.judge import judge
from sweep.launch import Exit, Launcher, RunEnded, RunRequest, RunStarted, ending_of
from sweep.rundir import RunDir, StudyDir, read_result
from sweep.store import Store
from sweep.study.live import LiveRun

POLL_S = 0.5
"""How long the loop sleeps when nothing happens; a run's end wakes it at once."""

READ_EVERY_S = 1.0
"""How often the events of running trials are read: the live view is at most this old."""

SYSTEMATIC = 3
"""So many trials that fail in the same way, with none completed, stop a study."""

LOG_TAIL = 30
"""Lines of a failed trial's log that are shown."""


class Interrupt(IntEnum):
    """What a person asked for."""

    NONE = 0
    DRAIN = 1  # launch nothing more, let what runs come to its end
    STOP = 2  # stop what runs, too


class Progress(Protocol):
    """Whoever watches a study: a terminal, a log."""

    def start(self, total: int | None, done: int) -> None:
        """The loop begins: `total` trials in all where that is known, `done` of them finished before."""

    def trial_started(self, number: int, cell: str, seed: int, budget_steps: int) -> None:
        """A trial's process is there."""

    def trial_progress(self, number: int, step: int, metric: str | None, value: float | None) -> None:
        """A running trial has logged up to `step`."""

    def trial_ended(self, outcome: Outcome) -> None:
        """A trial is judged."""

    def message(self, text: str) -> None:
        """Something a person should read."""


class StudyLoop:
    """Runs one study to its end, a drain or a stop. The caller owns store, launcher and driver, and closes them.

    Every trial of the study that is pending when the loop starts is launched; what the driver asks for is added.
    `on_outcome(outcome, trial)` is called once for each trial finished here.
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
        on_outcome: Callable[[Outcome, TrialRecord], None],
    ) -> None:
        self.study, self.config, self.target = study, config, config.target
        self.compose, self.driver, self.launcher = compose, driver, launcher
        self.store, self.folder = store, folder
        self.progress, self.on_outcome = progress, on_outcome
        self.interrupt = Interrupt.NONE
        self.systematic_failure: str | None = None
        self._live: dict[int, LiveRun] = {}  # by run id
        self._ready: deque[tuple[TrialRecord, bool]] = deque()  # (trial, needs a device alone)
        self._failures: list[tuple[str, int]] = []  # (message, trial number) of trials that failed in this session
        self._completed = 0  # trials that came to a result in this session
        self._read_at = 0.0

    # -- the loop

    def run(self) -> None:
        """Run until nothing is left, or an interrupt has been obeyed, or a systematic failure shows."""
        self._recover()
        done = self._replay()
        self.progress.start(self.driver.expected_trials(), done)
        while True:
            if self.interrupt is Interrupt.STOP or self.systematic_failure is not None:
                self._stop_all()
            elif self.interrupt is Interrupt.NONE:
                self._fill()
            if not self._live:
                return
            for ended in self.launcher.poll(POLL_S):
                self._settle(ended)
            if monotonic_s() - self._read_at >= READ_EVERY_S:
                self._read_running()

    def _fill(self) -> None:
        """Launch what is ready, and ask for more, until every slot is taken."""
        while self.launcher.free_slots > 0 and self.interrupt is Interrupt.NONE:
            if not self._ready and not self._ask():
                return
            if self._ready:
                trial, exclusive = self._ready[0]
                if not self.launcher.can_start(exclusive=exclusive):
                    return
                self._ready.popleft()
                self._launch(trial, exclusive)

    def _ask(self) -> bool:
        """Take proposals in. Returns False where the driver has none now."""
        proposals = self.driver.ask(self.launcher.free_slots)
        for proposal in proposals:
            trial = self._enrol(proposal)
            if trial.state is TrialState.PENDING:
                self._ready.append((trial, False))
            else:
                self._tell(trial)
        return bool(proposals)

    def _enrol(self, proposal: Proposal) -> TrialRecord:
        """Put a proposal on record; a trial that any study has finished before is reused."""
        spec = self.compose(proposal)
        with self.store.transaction():
            [trial] = self.store.add_trials(self.study.id, [spec])
            finished = self.store.find_finished([spec.fingerprint])
            if finished:
                self.store.reuse(trial.id, finished[spec.fingerprint])
        return self.store.trial(self.study.id, trial.number)

    # -- what an earlier session left

    def _recover(self) -> None:
        """Adopt the runs of a driver that died, and settle those whose process is gone."""
        trials = {trial.id: trial for trial in self.store.trials(self.study.id, retired=True)}
        for run in self.store.live_runs(self.study.id):
            live = LiveRun(trials[run.trial_id], run, RunDir(Path(run.dir)))
            live.resume(self.store.series(run.trial_id))
            self._live[run.id] = live
            request = self._request(run.id, Path(run.dir), exclusive=False)
            started = _started(run)
            if started is None or not self.launcher.adopt(request, started):
                self._settle(ending_of(run.id, live.dir, Exit()), is_recovery=True)

    def _replay(self) -> int:
        """Tell the driver what is known and queue what is pending. Returns how many trials have finished."""
        for trial in self.store.trials(self.study.id, {TrialState.CANCELLED, TrialState.LOST}):
            self.store.transition(trial.id, TrialState.PENDING, "taken up again")
        self._ready.clear()
        outcomes = {outcome.number: outcome for outcome in self.store.outcomes(self.study.id)}
        running = {live.trial.id for live in self._live.values()}
        out = []
        for trial in self.store.trials(self.study.id):
            if trial.state is TrialState.PENDING or trial.id in running:
                out.append(trial)
            else:
                self.driver.tell(outcomes[trial.number])
        for trial in out:
            self.driver.adopt(Proposal(trial.cell, trial.seed))
            if trial.id not in running:
                self._ready.append((trial, False))
        return len(outcomes) - len(out)

    # -- one run

    def _request(self, run_id: int, folder: Path, *, exclusive: bool) -> RunRequest:
        return RunRequest(run_id=run_id, dir=folder, timeout_s=self.config.launcher.timeout_s, exclusive=exclusive)

    def _launch(self, trial: TrialRecord, exclusive: bool) -> None:
        folder = self.folder.trial(trial.number)
        run = self.store.begin_run(trial.id, str(folder.path))  # the intent, before anything outside
        self._live[run.id] = LiveRun(trial, run, folder)
        try:
            folder.renew(attempt=run.attempt)
            folder.write_spec(spec_of(self.study.name, self.target, trial, run))
            started = self.launcher.start(self._request(run.id, folder.path, exclusive=exclusive))
        except (OSError, SweepError) as error:
            self._settle(_not_started(run.id, str(error)))
            return
        self.store.run_started(
            run.id, pid=started.pid, pid_started_at=started.pid_started_at, host=started.host, device=started.device
        )
        self.progress.trial_started(trial.number, str(trial.cell), trial.seed, self.target.budget_steps)

    def _read_running(self) -> None:
        """Take in what running trials wrote, show it, and ask the driver whether to go on with them."""
        with self.store.transaction():
            for live in self._live.values():
                self._ingest(live)
        for live in self._live.values():
            latest = live.latest(self.target.metric)
            self.progress.trial_progress(
                live.trial.number, live.last_step, self.target.metric, latest[1] if latest else None
            )
            if latest is not None and self.driver.should_prune(live.proposal, *latest):
                live.dir.request_stop(str(StopReason.PRUNED))
        self._read_at = monotonic_s()

    def _ingest(self, live: LiveRun) -> None:
        """Move new points from the run's file into the store."""
        start = live.read_bytes
        points = live.read()
        if live.read_bytes > start:
            self.store.ingest(live.run.id, from_byte=start, to_byte=live.read_bytes, points=points)
        if live.has_started and not live.is_marked_running:
            self.store.mark_running(live.run.id)
            live.is_marked_running = True

    def _settle(self, ended: RunEnded, *, is_recovery: bool = False) -> None:
        """Judge a run that has ended and record it; then tell the driver, or put the trial up again."""
        live = self._live.pop(ended.run_id)
        with self.store.transaction():
            self._ingest(live)
            self._record_end(live, ended)
            is_retried = self._is_retried(live, ended, is_recovery)
            if is_retried:
                self.store.transition(live.trial.id, TrialState.PENDING, f"retry after {ended.failure}")
        if is_retried:
            self.progress.message(f"trial {live.trial.number}: {ended.failure} ({ended.message}); trying again")
            again = self.store.trial(self.study.id, live.trial.number)
            self._ready.append((again, ended.failure is FailureClass.OOM))
            return
        self._note(live, ended)
        if self.interrupt is not Interrupt.STOP or ended.state is not TrialState.CANCELLED:
            self._tell(live.trial)

    def _record_end(self, live: LiveRun, ended: RunEnded) -> None:
        reason = StopReason(ended.stop_reason) if ended.stop_reason else None
        judgement = judge(live.series(), self.target, live.facts, ended=reason, state=ended.state)
        result = read_result(live.dir.result) or {}
        self.store.end_run(
            live.run.id,
            state=ended.state,
            exit_code=ended.exit_code,
            failure=ended.failure,
            message=ended.message,
            stop_reason=ended.stop_reason,
            wall_s=result.get("wall_s"),
            last_step=live.last_step,
            judgement=judgement,
        )

    def _is_retried(self, live: LiveRun, ended: RunEnded, is_recovery: bool) -> bool:
        if ended.failure not in RETRIED or self.interrupt is Interrupt.STOP:
            return False
        if is_recovery:  # the driver died, not the trial: that costs it no attempt
            return True
        spent = sum(run.failure in RETRIED and run.pid is not None for run in self.store.runs(live.trial.id))
        return spent <= (1 if ended.failure is FailureClass.OOM else self.config.launcher.retries)

    def _note(self, live: LiveRun, ended: RunEnded) -> None:
        """Look for a systematic failure: the first trials fail, all in the same way."""
        if ended.state is not TrialState.FAILED:
            self._completed += ended.state is not TrialState.CANCELLED
            return
        self._failures.append((ended.message, live.trial.number))
        same = {message for message, _ in self._failures}
        if self._completed == 0 and len(self._failures) >= SYSTEMATIC and len(same) == 1:
            self.systematic_failure = ended.message

    def failure_log(self) -> str:
        """Return the end of the first failed trial's log, with the trial named; empty where none has failed."""
        if not self._failures:
            return ""
        message, number = self._failures[0]
        log = self.folder.trial(number).log
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:] if log.exists() else [message]
        return "\n".join([f"trial {number}: {message}", *(f"  | {line}" for line in tail)])

    @property
    def failed(self) -> int:
        """How many trials have failed in this session."""
        return len(self._failures)

    def _tell(self, trial: TrialRecord) -> None:
        outcome = self.store.outcome(trial.id)
        self.driver.tell(outcome)
        self.progress.trial_ended(outcome)
        self.on_outcome(outcome, trial)

    def _stop_all(self) -> None:
        for run_id in self._live:
            self.launcher.stop(run_id, TrialState.CANCELLED)


def spec_of(study: str, target: Target, trial: TrialRecord, run: RunRecord) -> Mapping[str, object]:
    """Return the contents of spec.json: all a worker needs to know."""
    return {
        "schema": 1,
        "run_id": run.id,
        "study": study,
        "trial": trial.number,
        "attempt": run.attempt,
        "seed": trial.seed,
        "cell": trial.cell.key,
        "task": dict(trial.task),
        "target": target.to_mapping(),
    }


def _started(run: RunRecord) -> RunStarted | None:
    """Return the process of a recorded run, None where the driver died before there was one."""
    if run.pid is None or run.pid_started_at is None:
        return None
    return RunStarted(
        run_id=run.id, pid=run.pid, pid_started_at=run.pid_started_at, host=run.host or "", device=run.device or "cpu"
    )


def _not_started(run_id: int, message: str) -> RunEnded:
    return RunEnded(
        run_id=run_id,
        state=TrialState.FAILED,
        exit_code=None,
        failure=FailureClass.INFRA,
        message=message,
        stop_reason=None,
    )
