"""The VisualDL logs of a study's trials: written in quiet moments, and at the latest when the study ends."""

from collections.abc import Mapping
from itertools import groupby

from sweep.domain.metric import Series
from sweep.domain.states import FINISHED_STATES, TrialState
from sweep.domain.trial import TrialRecord
from sweep.report.visualdl import can_write, is_written, run_name, write_trial
from sweep.rundir import StudyDir
from sweep.store import Store

KEPT = 200
"""Number of trials whose curves are kept in memory until then; those of further trials are read from the store."""

AT_ONCE = 4
"""Number of logs written in one quiet moment: a run that ends meanwhile waits a few ms at most."""

_LOGGED = FINISHED_STATES - {TrialState.CANCELLED, TrialState.LOST}
"""States in which a trial gets a log. A trial in another state will run again."""


class CurveFiles:
    """The logs of one study that are still to be written. If a session is killed, the next one writes its missing logs.

    Without VisualDL nothing is written. Once it is installed, running the study's command again writes all logs.
    """

    def __init__(self, store: Store, study_id: int, folder: StudyDir) -> None:
        self._store, self._study_id, self._folder = store, study_id, folder
        self._can_write = can_write()
        self._waiting: list[tuple[TrialRecord, Mapping[str, Series]]] = []

    def add(self, trial: TrialRecord, curves: Mapping[str, Series]) -> None:
        """Add a trial that has ended in this session."""
        if self._can_write and len(self._waiting) < KEPT:
            self._waiting.append((trial, curves))

    def write_some(self) -> bool:
        """Write a few waiting logs; return whether more wait. Raises OSError; `write_all` writes that log later."""
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self._write(*self._waiting.pop(0))
        return bool(self._waiting)

    def write_all(self) -> None:
        """Write all missing logs of trials that have ended, in any session. Raises OSError."""
        if not self._can_write:
            return
        while self.write_some():
            pass
        missing = {
            trial.number: trial
            for trial in self._store.trials(self._study_id, _LOGGED)
            if trial.source_trial_id is None and not is_written(self._folder.trial(trial.number).visualdl)
        }
        if missing:
            points = self._store.study_series(self._study_id, self._store.metric_names(self._study_id))
            for number, rows in groupby(points, key=lambda row: row[0]):
                if number in missing:
                    self._write(missing.pop(number), {metric: series for _, metric, series in rows})
        for trial in missing.values():  # those that have logged nothing
            self._write(trial, {})

    def _write(self, trial: TrialRecord, curves: Mapping[str, Series]) -> None:
        hparams = {**trial.task, "seed": trial.seed, "cell": trial.cell.key}
        run = self._folder.trial(trial.number)
        count = sum(self._store.counts(self._study_id).values())
        name = run_name(trial, count)
        write_trial(run.visualdl, hparams, curves, name=name, pictures=sorted(run.artifacts.glob("*.png")))
