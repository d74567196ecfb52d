"""The paused trials of a study: those whose run waits at a step, and those whose process has ended since."""

import logging
from dataclasses import replace

from sweep.domain.axis import Cell
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.target import Target
from sweep.domain.trial import Outcome, TrialRecord
from sweep.drivers import Proposal
from sweep.judge import SymptomThresholds, judge
from sweep.launch import Launcher, RunEnded
from sweep.store import Store
from sweep.study.ingest import ingest
from sweep.study.live import LiveRun

logger = logging.getLogger(__name__)

Key = tuple[Cell, int]


class PausedTrials:
    """The paused trials, each with its run if that still has a process. Changes are recorded before their effects."""

    def __init__(self, store: Store, launcher: Launcher, target: Target, thresholds: SymptomThresholds) -> None:
        self._store, self._launcher = store, launcher
        self._target, self._thresholds = target, thresholds
        self._trials: dict[Key, TrialRecord] = {}
        self._live: dict[int, LiveRun] = {}  # by run id

    @property
    def runs(self) -> list[LiveRun]:
        """The runs that wait."""
        return list(self._live.values())

    def has_trial(self, key: Key) -> bool:
        """Return whether a trial is paused."""
        return key in self._trials

    def has_run(self, run_id: int) -> bool:
        """Return whether a run waits."""
        return run_id in self._live

    def run(self, run_id: int) -> LiveRun:
        """Return a run that waits."""
        return self._live[run_id]

    def add(self, trial: TrialRecord, live: LiveRun | None) -> None:
        """Add a trial that is recorded as paused; `live` is its run if that still has a process."""
        self._trials[trial.cell, trial.seed] = trial
        if live is not None:
            self._live[live.run.id] = live

    def pause(self, live: LiveRun, step: int) -> Outcome:
        """Record that a run has reached a step and waits; return the outcome so far, for the driver.

        The caller holds a transaction.
        """
        ingest(self._store, live)
        state = TrialState.PAUSED
        so_far = judge(live.series(), self._target, live.facts, ended=None, state=state, thresholds=self._thresholds)
        self._store.pause_run(live.run.id, step, so_far)
        self.add(replace(live.trial, state=state), live)
        return Outcome(
            number=live.trial.number,
            cell=live.trial.cell,
            seed=live.trial.seed,
            state=state,
            verdict=so_far.verdict,
            tau=so_far.tau,
            steps=step,
            wall_s=0.0,
            best=so_far.best,
            final=so_far.final,
        )

    def resume(self, wanted: Proposal) -> LiveRun | TrialRecord:
        """Remove a paused trial, to be continued, and record the intent.

        Return its run, which the caller advances; or, if the process is gone, the trial, which needs a new run.
        """
        trial = replace(self._trials.pop((wanted.cell, wanted.seed)), until_step=wanted.until_step)
        live = next((live for live in self._live.values() if live.trial.id == trial.id), None)
        if live is None:
            self._store.run_until(trial.id, wanted.until_step)
            return trial
        del self._live[live.run.id]
        self._store.continue_run(live.run.id, wanted.until_step)
        live.trial = trial
        return live

    def abandon(self, key: Key) -> LiveRun | TrialRecord:
        """Remove a paused trial for good. Return its run, which the caller stops; without one, cancel the trial."""
        trial = self._trials.pop(key)
        live = next((live for live in self._live.values() if live.trial.id == trial.id), None)
        if live is None:
            self._store.transition(trial.id, TrialState.CANCELLED, "abandoned by the driver")
            return trial
        return self._live.pop(live.run.id)

    def lose(self, live: LiveRun, ended: RunEnded) -> None:
        """Record that the process of a waiting run is gone. The trial stays paused and can be run again."""
        self._live.pop(live.run.id, None)
        logger.info("trial %d: paused, and its process ended (%s)", live.trial.number, ended.message or ended.state)
        failure = ended.failure or (FailureClass.LOST if ended.state is TrialState.LOST else None)
        self._store.end_paused_run(live.run.id, state=ended.state, failure=failure, message=ended.message)

    def end(self, wait_s: float) -> None:
        """Stop all runs that wait. Their trials stay paused."""
        for run_id in self._live:
            self._launcher.stop(run_id, TrialState.CANCELLED)
        while self._live:
            for news in self._launcher.poll(wait_s):
                if isinstance(news, RunEnded) and news.run_id in self._live:
                    self.lose(self._live[news.run_id], news)
