"""What a driver that died has left: which of its runs still go on, and how the others ended."""

from collections.abc import Callable, Iterator

from sweep.domain.states import FailureClass, TrialState
from sweep.domain.trial import RunRecord
from sweep.launch import Exit, Launcher, RunEnded, RunRequest, RunStarted, ending_of, find_run_process
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.live import LiveRun
from sweep.study.recording import identity_of, record_process


def left_behind(
    store: Store, study_id: int, folder: StudyDir, launcher: Launcher, request_of: Callable[[LiveRun], RunRequest]
) -> Iterator[tuple[LiveRun, RunEnded | None]]:
    """Yield each run that the store believes alive: with None where it is and was adopted, else with how it ended.

    The intent to run is on record before anything else. Between that and the record of the process a driver may have
    died anywhere: spec.json says whether the folder is this run's yet, and its process is looked for by the folder.
    """
    trials = {trial.id: trial for trial in store.trials(study_id, retired=True)}
    wanted = {trial.id for trial in store.trials(study_id)}
    for run in store.live_runs(study_id):
        live = LiveRun(
            trials[run.trial_id], run, folder.trial(trials[run.trial_id].number), is_wanted=run.trial_id in wanted
        )
        if not live.dir.is_of(identity_of(run)):  # what lies there, if anything, is of another run
            live.has_folder = False
            yield live, never_started(run.id)
            continue
        live.resume(store.series(run.trial_id))
        request = request_of(live)
        started = _recorded(run) or find_run_process(run.id, request.dir, live.announced)
        if started is not None and launcher.adopt(request, started):
            live.device = started.device
            if run.pid is None:
                record_process(store, started)
            yield live, None
        elif started is None and not live.has_started:
            yield live, never_started(run.id)
        else:
            yield live, ending_of(run.id, live.dir, Exit())


def never_started(run_id: int) -> RunEnded:
    """Return the end of a run whose driver died before it was started."""
    return RunEnded(
        run_id=run_id,
        state=TrialState.LOST,
        exit_code=None,
        failure=FailureClass.LOST,
        message="its driver ended before the run was started",
        stop_reason=None,
    )


def _recorded(run: RunRecord) -> RunStarted | None:
    if run.pid is None or run.pid_started_at is None:
        return None
    return RunStarted(
        run_id=run.id, pid=run.pid, pid_started_at=run.pid_started_at, host=run.host or "", device=run.device or "cpu"
    )
