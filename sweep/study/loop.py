"""Ask, launch, ingest, judge, tell: one pass of this loop per event, until the driver has no more proposals."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sweep.clock import monotonic_s
from sweep.domain.facts import COLD
from sweep.domain.failure import ending_text
from sweep.domain.metric import Series
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.trial import Outcome, TrialRecord, TrialSpec
from sweep.drivers import Abandon, Driver, Proposal
from sweep.errors import StudyGoneError, SweepError
from sweep.judge import SymptomThresholds
from sweep.launch import Launcher, RunEnded, RunNews, RunPaused, RunStarted
from sweep.study.breaker import CircuitBreaker
from sweep.study.crash_points import step
from sweep.study.interrupts import WORDS, Interrupt
from sweep.study.live import LiveRun
from sweep.study.progress import Progress
from sweep.study.rejudging import Rejudge, reuse_finished
from sweep.study.runs import OpenStudy, StudyRuns, named

logger = logging.getLogger(__name__)

POLL_S = 0.5
"""How long (s) the loop sleeps when nothing happens; the end of a run wakes it at once."""

QUIET_S = 0.05
"""Time (s) without the end of a run after which the loop does what can wait. A started process is recorded then, if not
earlier with something else; until then only its folder shows that it exists."""

READ_EVERY_S = 1.0
"""Interval (s) at which the events of running trials are read: the live view is at most this old."""

_REQUEUED = (TrialState.CANCELLED, TrialState.LOST)


class StudyLoop:
    """Runs one study until it ends, drains or is stopped. The caller owns store, launcher and driver, and closes them.

    Every trial of the study that is pending when the loop starts is launched, then those that the driver proposes.
    `on_outcome(outcome, trial, curves)` is called once for each trial that ends in this session; `curves` is what its
    run logged, None if it was not run in this session. `on_quiet` is called while runs continue and none ends, to do a
    bit of the work that can wait; it returns whether more is left. `is_ours` returns whether the study's folder is
    still the one that was locked.
    """

    def __init__(
        self,
        study: OpenStudy,
        *,
        compose: Callable[[Proposal], TrialSpec],
        driver: Driver,
        launcher: Launcher,
        progress: Progress,
        on_outcome: Callable[[Outcome, TrialRecord, Mapping[str, Series] | None], None],
        on_quiet: Callable[[], bool] = lambda: False,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self.study_id, self.store, self.folder = study.record.id, study.store, study.folder
        self.target, self.reuses = study.config.target, study.config.reuse
        self.compose, self.driver, self.launcher, self.progress = compose, driver, launcher, progress
        self.on_outcome, self.on_quiet, self.is_ours = on_outcome, on_quiet, is_ours
        self.interrupt = Interrupt.NONE  # set from signal handlers
        self.breaker = CircuitBreaker()
        self._announced = Interrupt.NONE
        self._runs = StudyRuns(study, launcher)
        self._rejudge = Rejudge(
            study.store, self.target, SymptomThresholds.of(study.config.symptoms), study.config.adopted
        )
        self._read_at_s = 0.0
        self._has_said_cold = False

    # -- the loop

    def run(self) -> None:
        """Run until nothing is left, an interrupt has been handled, or all first trials have failed in the same way.

        Raises StudyGoneError if the study's folder is removed or replaced meanwhile.
        """
        try:
            self._runs.recover()
            done = self._replay()
            logger.info("%d trials finished before, %s in all", done, self.driver.expected_trials())
            self.progress.start(self.driver.expected_trials(), done)
            self._go_round()
            self._runs.paused.end(POLL_S)
        except (OSError, SweepError):
            self._check_place()  # a missing folder would be the reason
            raise

    def _go_round(self) -> None:
        while True:
            self._check_place()
            self._announce()
            if self.interrupt is Interrupt.STOP or self.breaker.is_open:
                self._runs.stop_all()
            else:
                self._fill()
            if not self._runs.is_busy:
                return
            self._settle(self._take_news(self._poll()))
            if monotonic_s() - self._read_at_s >= READ_EVERY_S:
                self._read_running()

    def _check_place(self) -> None:
        if not self.is_ours():
            raise StudyGoneError(
                f"{self.folder.path} was removed or replaced while its study ran",
                hint="run the same command again to resume with what is left",
            )

    def _announce(self) -> None:
        """Print what an interrupt does. The signal handler does not print: it may run in the middle of other output."""
        if self.interrupt is not self._announced:
            self._announced = self.interrupt
            logger.warning("interrupt: %s (%d running)", self.interrupt.name.lower(), len(self._runs.live))
            self.progress.message(WORDS[self.interrupt])

    def _poll(self) -> Sequence[RunNews]:
        """Wait for news of runs. If none comes soon, do what can wait meanwhile."""
        news = self.launcher.poll(QUIET_S)
        if news:
            return news
        self._runs.record_started()
        while self.on_quiet():
            news = self.launcher.poll(0.0)
            if news or self.interrupt is not self._announced:
                return news
        return self.launcher.poll(POLL_S)

    @property
    def _may_launch(self) -> bool:
        return self.interrupt is Interrupt.NONE and not self.breaker.is_open

    def _fill(self) -> None:
        """Launch waiting trials, and ask for more, until every slot is taken."""
        while self.launcher.free_slots > 0 and self._may_launch:
            if not self._runs.is_waiting and not self._ask():
                return
            with self.store.transaction():
                begun = self._runs.begin()
            if self._runs.is_waiting and not begun:
                return
            self._launch(begun)

    def _launch(self, begun: Sequence[LiveRun]) -> None:
        """Start runs whose intent is recorded."""
        for live in begun:
            failed = self._runs.launch(live)
            if failed is not None:
                self._settle([failed], may_begin=False)
            elif live.device is not None:
                self._show_started(live)

    def _take_news(self, all_news: Sequence[RunNews]) -> list[RunEnded]:
        """Handle news of queued runs that have started and of runs that pause; return those that have ended."""
        for news in all_news:
            if isinstance(news, RunStarted):
                self._show_started(self._runs.note_started(news))
            elif isinstance(news, RunPaused):
                self._pause(news)
        return [news for news in all_news if isinstance(news, RunEnded)]

    def _pause(self, news: RunPaused) -> None:
        """Record the end of a slice, then tell the driver."""
        self._check_place()
        paused = self._runs.pause(news)
        step("pause recorded")
        if paused is None:
            return
        live, part = paused
        if not self.driver.pauses:  # an earlier session's driver had asked for this slice
            self._runs.resume(live.proposal)
            return
        self._is_pruned(live)
        self.driver.tell(part)
        step("driver told")

    def _show_started(self, live: LiveRun) -> None:
        self.breaker.devices.add(live.device or "")
        self.progress.trial_started(live.trial.number, str(live.trial.cell), live.trial.seed, self.target.budget_steps)

    def _settle(self, all_ended: Sequence[RunEnded], *, may_begin: bool = True) -> None:
        """Judge the runs that have ended and record it; then tell the driver, or report that their trials are retried.

        The runs that take their slots are begun in the same transaction, and started before the driver is told.
        """
        if not all_ended:
            return
        self._check_place()  # another orchestrator may have these trials by now
        is_stopping = self.interrupt is Interrupt.STOP
        with self.store.transaction():
            settled = self._runs.settle(all_ended, may_retry=not is_stopping)
            for run in settled:
                if run.outcome is not None and run.live.is_wanted:
                    was_open = self.breaker.is_open
                    self.breaker.count(run.live.trial.number, run.ended, run.live.device)
                    if self.breaker.is_open and not was_open:
                        logger.warning("breaker: the first %d trials failed in the same way", len(self.breaker.failed))
            self._runs.record_started()
            begun = self._runs.begin() if may_begin and self._may_launch else []
        step("end recorded")
        self._launch(begun)
        for run in settled:
            live, ended, outcome = run.live, run.ended, run.outcome
            self._say_cold(live)
            if outcome is None:
                how = ending_text(str(ended.failure), ended.message)
                self.progress.message(f"trial {live.trial.number}: {how}; retrying")
            elif live.is_wanted and not (is_stopping and ended.state is TrialState.CANCELLED):
                self._is_pruned(live)  # too late for this run, but others are compared with it
                self._tell(outcome, live.trial, live.series())
                step("driver told")

    def _say_cold(self, live: LiveRun) -> None:
        """Say, once, that a trial did not run in a forked process."""
        if (why := live.facts.get(COLD)) and not self._has_said_cold:
            self._has_said_cold = True
            number = live.trial.number
            self.progress.message(
                f"trial {number} died before its first step in a forked process ({why}) and was started once more, "
                "cold. If others do the same, launcher.start=cold starts all of them so, and takes less time."
            )

    def _read_running(self) -> None:
        """Read what running trials wrote, show it, and prune those that the driver gives up."""
        self._runs.read()
        for live in self._runs.live.values():
            latest = live.latest(self.target.metric)
            self.progress.trial_progress(
                live.trial.number, live.last_step, self.target.metric, latest[1] if latest else None
            )
            if self._is_pruned(live):
                self.launcher.stop(live.run.id, TrialState.PRUNED)
        self._read_at_s = monotonic_s()

    def _is_pruned(self, live: LiveRun) -> bool:
        """Show the driver what a run has logged since the last call; return whether the driver prunes it now."""
        if not self.driver.prunes or live.is_pruned:
            return False
        for at, value in live.unseen(self.target.metric):
            if self.driver.should_prune(live.proposal, at, value):
                logger.debug("%s: pruned by the driver at step %d", named(live), at)
                live.is_pruned = True
                return True
        return False

    # -- the driver

    def _ask(self) -> bool:
        """Ask the driver and act on its answers; return False if it has none now."""
        questions = self.driver.ask(self.launcher.free_slots)
        for question in questions:
            if isinstance(question, Abandon):
                cancelled = self._runs.abandon(question)
                if cancelled is not None:
                    self._tell(self.store.outcome(cancelled.id), cancelled, None)
                continue
            if self._runs.paused.has_trial((question.cell, question.seed)):
                self._runs.resume(question)
                continue
            trial = self._enrol(question)
            step("proposal enrolled")
            if trial.state is TrialState.PENDING:
                self._runs.enqueue(trial)
            else:
                self._tell(self.store.outcome(trial.id), trial, None)
        return bool(questions)

    def _enrol(self, proposal: Proposal) -> TrialRecord:
        """Record the trial of a proposal; if any study has finished the same trial, its result is reused."""
        spec = self.compose(proposal)
        with self.store.transaction():
            [trial] = self.store.add_trials(self.study_id, [spec])
            if proposal.until_step is not None:
                self.store.run_until(trial.id, proposal.until_step)
            if self.reuses:
                reuse_finished(self.store, [trial], self._rejudge)
        return self.store.trial(self.study_id, trial.number)

    def _replay(self) -> int:
        """Tell the driver the recorded outcomes, in their order, and requeue pending trials.

        Return the number of finished trials. Trials whose end is no evidence about the task (interrupted, lost, a fault
        of the machine) are requeued.
        """
        self.breaker.devices.update(live.device or "" for live in self._runs.live.values())
        trials = {trial.number: trial for trial in self.store.trials(self.study_id)}
        history = self.store.history(self.study_id)
        abandoned = self.store.abandoned(self.study_id) if self.driver.pauses else set()
        ended = {each.number: each for each in history if each.state is not TrialState.PAUSED}
        out = {number: trial for number, trial in trials.items() if self._is_out(trial, ended.get(number), abandoned)}
        for outcome in history:
            if outcome.state is TrialState.PAUSED:
                if self.driver.pauses:
                    self.driver.tell(outcome)
            elif outcome.number not in out:
                self._tell_again(outcome, trials[outcome.number])
                self.breaker.completed += outcome.state is TrialState.COMPLETED and not outcome.reused
        running = {live.trial.id for live in self._runs.live.values()}
        for trial in out.values():
            if not self.driver.pauses and trial.until_step is not None:
                self.store.run_until(trial.id, None)
                trial = replace(trial, until_step=None)
            self.driver.adopt(Proposal(trial.cell, trial.seed, trial.until_step))
            if self._runs.paused.has_trial((trial.cell, trial.seed)):
                self._runs.resume(Proposal(trial.cell, trial.seed))
            elif trial.id not in running:
                self._runs.requeue(trial)
        return len(ended.keys() - out.keys())

    def _is_out(self, trial: TrialRecord, outcome: Outcome | None, abandoned: set[int]) -> bool:
        """Return whether a recorded trial is running or still to run. One whose end is no evidence is made pending."""
        if trial.state is TrialState.PAUSED:
            if not self._runs.paused.has_trial((trial.cell, trial.seed)):
                self._runs.paused.add(trial, None)
            return not self.driver.pauses
        if outcome is None:
            return True
        if trial.number in abandoned:
            return False
        if outcome.state in _REQUEUED or outcome.failure is FailureClass.INFRA:
            self.store.transition(trial.id, TrialState.PENDING, "requeued")
            logger.info("trial %d: requeued, its last run was %s", trial.number, outcome.failure or outcome.state)
            step("trial requeued")
            return True
        return False

    def _tell_again(self, outcome: Outcome, trial: TrialRecord) -> None:
        """Tell the driver of a trial that ended in an earlier session, and show it what that trial logged."""
        if self.driver.prunes and self.target.metric is not None:
            proposal = Proposal(trial.cell, trial.seed)
            self.driver.adopt(proposal)
            logged = self.store.series(trial.id, [self.target.metric]).get(self.target.metric, Series.of([]))
            points = zip(logged.steps.tolist(), logged.values.tolist(), strict=True)
            any(self.driver.should_prune(proposal, at, value) for at, value in points)
        self.driver.tell(outcome)

    def _tell(self, outcome: Outcome, trial: TrialRecord, curves: Mapping[str, Series] | None) -> None:
        self.driver.tell(outcome)
        self.progress.trial_ended(outcome)
        self.on_outcome(outcome, trial, curves)
