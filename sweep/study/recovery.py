"""What a dead orchestrator has left: which of its runs are still live, and how the others ended."""

from collections.abc import Callable, Iterator

from sweep.domain.states import FailureClass, TrialState
from sweep.domain.trial import RunRecord, TrialRecord
from sweep.errors import RunElsewhereError
from sweep.launch import Launched, Launcher, RunEnded, RunRequest
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.ingest import identity_of, record_launched
from sweep.study.live import LiveRun


def left_behind(
    store: Store, study_id: int, folder: StudyDir, launcher: Launcher, request_of: Callable[[LiveRun], RunRequest]
) -> Iterator[tuple[LiveRun, RunEnded | None]]:
    """Yield each run that is live according to the store: with None if it is and was adopted, else with how it ended.

    The intent to run is recorded first. An orchestrator may have died anywhere between that and recording the handle:
    spec.json says whether the folder is already this run's, and the launcher looks for the run.

    Raises RunElsewhereError, naming the trial, if a run may still be live on another host.
    """
    trials = {trial.id: trial for trial in store.trials(study_id, retired=True)}
    wanted = {trial.id for trial in store.trials(study_id)}
    for run in store.live_runs(study_id):
        trial = trials[run.trial_id]
        live = LiveRun(trial, run, folder.trial(trial.number), is_wanted=run.trial_id in wanted)
        if not live.dir.is_of(identity_of(run)):  # its files, if any, are of another run
            live.has_folder = False
            yield live, never_started(run.id)
            continue
        live.resume(store.series(run.trial_id))
        request = request_of(live)
        handle, launched = _looked_for(launcher, trial, run, request)
        if launched is not None:
            live.take(launched)
            if run.handle is None:
                record_launched(store, run.id, launched)
            yield live, None
        elif handle is None and not live.has_started:
            yield live, never_started(run.id)
        else:
            yield live, launcher.ending(request)


def _looked_for(
    launcher: Launcher, trial: TrialRecord, run: RunRecord, request: RunRequest
) -> tuple[str | None, Launched | None]:
    """Return the handle of a run, recorded or found, and how it was adopted. Raises RunElsewhereError."""
    try:
        handle = run.handle or launcher.find(request)
        return handle, None if handle is None else launcher.adopt(request, handle)
    except RunElsewhereError as error:
        raise RunElsewhereError(f"trial {trial.number}: {error.message}", hint=error.hint) from error


def never_started(run_id: int) -> RunEnded:
    """Return the end of a run whose orchestrator died before it was started."""
    return RunEnded(
        run_id=run_id,
        state=TrialState.LOST,
        exit_code=None,
        failure=FailureClass.LOST,
        message="its orchestrator ended before the run was started",
        stop_reason=None,
    )
