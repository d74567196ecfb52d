"""Executes one run, from spec.json to result.json."""

import os
import resource
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.clock import monotonic_s, now_utc
from sweep.domain.check import Check
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import Target
from sweep.domain.task_ref import TaskKind, is_program, kind_of_section
from sweep.rundir import EventWriter, RunDir, write_json_atomic
from sweep.rundir.result import EXIT_WITHOUT_RESULT
from sweep.task import StopTrial
from sweep.worker.checks import RUNNERS
from sweep.worker.loading import prepared_task
from sweep.worker.os_exit import os_exit_reported
from sweep.worker.process_exit import exit_if_forked
from sweep.worker.run import WorkerRun
from sweep.worker.seeding import seed_globals
from sweep.worker.sigterm import SigtermWatch

if TYPE_CHECKING:
    from sweep.worker.restart import Restart
    from sweep.worker.script.view import View

REPORTED_PACKAGES = ("numpy", "paddle", "scipy", "sklearn")
"""Packages whose versions go into result.json if the task has imported them."""

DURABLE_FROM_S = 2.0
"""Minimum duration of a run whose result is fsynced (about 10 ms). After a power cut, shorter runs are repeated."""

_STATE_OF = {StopReason.PRUNED: TrialState.PRUNED, StopReason.STOPPED: TrialState.CANCELLED}
"""States by stop reason; with any other reason the run is COMPLETED."""


def run_trial(folder: RunDir, *, is_forked: bool = False) -> int:
    """Run the trial whose spec.json is in `folder`; return the exit code: 0 ended, 1 failed, 74 no result written.

    With `is_forked`, a script that dies before its first step is started once more, cold: then this never returns.

    Every outcome, crashes of the task included, is written to result.json. `wall_s` is measured from this call, so it
    includes the imports of the task.
    """
    started_at, started_s = now_utc(), monotonic_s()
    spec = folder.read_spec()
    restart = _restart(folder) if is_forked and is_program(spec["task"]) else None
    try:
        events = EventWriter(folder.events)
        events.write("start", pid=os.getpid(), host=os.uname().nodename, held=events.hold())
        view = _view(spec["task"], folder)
        folder = folder if view is None else view.run
        _cap_memory(spec.get("memory_mb"))
        check = Check.from_mapping(spec["probe"]) if "probe" in spec else None
        run = WorkerRun(
            folder,
            seed=int(spec["seed"]),
            target=Target.from_mapping(spec["target"]),
            events=events,
            is_check=check is not None,
            watch=str(spec.get("watch", "light")),
        )
        run.view = view
        sigterm = SigtermWatch(run)

        def end(ending: Mapping[str, Any]) -> None:
            if restart is not None:
                restart.take(run, ending)
            with suppress(OSError):  # a full disk: only result.json matters
                events.write("end", state=ending["state"], reason=ending["stop_reason"])
            wall_s = monotonic_s() - started_s
            _write_result(folder, ending, run, started_at=started_at, wall_s=wall_s)

        reported = os_exit_reported(lambda code: end(_exited(run, sigterm, code)))
        with reported if is_program(spec["task"]) else nullcontext():
            ending = _execute(spec, run, sigterm, check)
        end(ending)
    except OSError as error:
        with suppress(OSError):  # the log may be on the same full disk
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return EXIT_WITHOUT_RESULT
    return 1 if ending["state"] == TrialState.FAILED else 0


def _restart(folder: RunDir) -> "Restart":
    from sweep.worker.restart import Restart  # imported only by runs of programs

    return Restart(folder.path)


def _view(section: Mapping[str, Any], folder: RunDir) -> "View | None":
    """Give a script its private view of its folders; None for other tasks. Raises OSError."""
    if kind_of_section(section) is not TaskKind.SCRIPT:
        return None
    from sweep.worker.script.view import enter_view  # imports what only scripts need

    return enter_view(Path(section["path"]).expanduser().absolute(), folder)


def _write_result(
    folder: RunDir, ending: Mapping[str, Any], run: WorkerRun, *, started_at: datetime, wall_s: float
) -> None:
    """Write result.json. Raises OSError."""
    result = {
        "schema": 1,
        **ending,
        "last_step": run.last_step,
        "wall_s": round(wall_s, 4),
        "started_at": started_at.isoformat(),
        "ended_at": now_utc().isoformat(),
        "peak_memory_mb": _peak_memory_mb(),
        "packages": _packages(),
        **({} if run.view is None else {"program": {"view": str(run.view.kind), "notes": run.notes}}),
    }
    write_json_atomic(folder.result, result, is_durable=wall_s >= DURABLE_FROM_S)


def _execute(spec: Mapping[str, Any], run: WorkerRun, sigterm: SigtermWatch, check: Check | None) -> dict[str, Any]:
    """Run the task, or the check on it; return how it ended: state, stop_reason, failure."""
    pid, failure, returned = os.getpid(), None, None
    try:
        runner = None if check is None else RUNNERS[check.name]
        task, cfg = prepared_task(spec, is_prepared=runner is None or runner.prepares)
        sigterm.renew()
        seed_globals(run.seed)
        if check is None or runner is None:
            returned = task.train(cfg, run)
        else:
            runner.run(task, cfg, run, check)
    except StopTrial:
        pass
    except BaseException as error:
        if not _is_clean_exit(error):
            failure = _report_failure(error)
    exit_if_forked(pid, 0 if failure is None else 1)
    return _ending(run, sigterm, failure, returned)


def _exited(run: WorkerRun, sigterm: SigtermWatch, code: int) -> dict[str, Any]:
    """Return how a run ended whose program has called `os._exit(code)`."""
    run.exit_code = code
    for act in run.before_end:
        with suppress(Exception):
            act()
    from sweep.worker.failure import describe_os_exit  # imported only by runs that end like this

    failure = None if code == 0 else describe_os_exit(code)
    return _ending(run, sigterm, failure)


def _ending(
    run: WorkerRun, sigterm: SigtermWatch, failure: dict[str, Any] | None, returned: object = None
) -> dict[str, Any]:
    """Return how a run ended: state, stop_reason, failure."""
    run.conclude(returned, has_failed=failure is not None)
    run.unwatch()
    reason = run.stop_reason
    # SIGTERM goes to the whole group: the task may fail because its data loaders die before it notices the signal.
    if reason is None and (sigterm.was_handled_by_task() or (run.is_terminated and failure is not None)):
        run.is_terminated = True
        reason = run.requested_stop()
    if reason is None and failure is not None:
        return {"state": str(TrialState.FAILED), "stop_reason": None, "failure": failure}
    # With a reason the trial was already over: errors while the task cleaned up are only in the log.
    reason = reason or StopReason.RETURNED
    return {"state": str(_STATE_OF.get(reason, TrialState.COMPLETED)), "stop_reason": str(reason), "failure": None}


def _report_failure(error: BaseException) -> dict[str, Any]:
    """Print the traceback of a failure, and return the failure as result.json records it."""
    from sweep.worker.failure import describe_failure, format_error  # imported only by runs that fail

    with suppress(Exception):  # the disk is full, or the task has closed stderr
        print(format_error(error), file=sys.stderr, flush=True)
    return describe_failure(error)


def _is_clean_exit(error: BaseException) -> bool:
    """Return whether the task called `sys.exit()` without an error, which counts as returning."""
    return isinstance(error, SystemExit) and error.code in (None, 0)


def _cap_memory(memory_mb: int | None) -> None:
    """Limit the memory of this process and of those it starts; beyond the limit Python raises MemoryError.

    RLIMIT_DATA counts private writable memory. RLIMIT_AS counts address space, of which CUDA reserves hundreds of GB
    that it never uses.
    """
    if memory_mb is not None:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        cap = min(memory_mb << 20, sys.maxsize)  # the largest limit that the kernel accepts
        resource.setrlimit(resource.RLIMIT_DATA, (cap if most == resource.RLIM_INFINITY else min(cap, most), most))


def _peak_memory_mb() -> float | None:
    """Return the peak resident memory of this process in MiB. (ru_maxrss would include the orchestrator's.)"""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    except (OSError, ValueError):
        pass
    return None


def _packages() -> dict[str, str]:
    """Return the versions of Python and of the REPORTED_PACKAGES that the task has imported."""
    loaded = {name: getattr(sys.modules[name], "__version__", "?") for name in REPORTED_PACKAGES if name in sys.modules}
    return {"python": sys.version.split()[0], **loaded}
