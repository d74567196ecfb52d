"""Runs that an earlier orchestrator started on this machine, found by folder and token."""

import os

from sweep.launch.elsewhere import announced_in, require_gone
from sweep.launch.handle import ProcessHandle
from sweep.launch.process import find_run_process
from sweep.launch.protocol import RunRequest
from sweep.rundir import RunDir


def is_of(request: RunRequest) -> bool:
    """Return whether the folder of a request is of its attempt, and of no other."""
    return RunDir(request.dir).is_of({} if request.token is None else {"token": request.token})


def find_local(request: RunRequest) -> str | None:
    """Return the handle of the live process of a run on this machine, None if it is gone or was never started.

    Raises RunElsewhereError if it was started on another host and may still run there.
    """
    if not is_of(request):
        return None
    folder, here = RunDir(request.dir), os.uname().nodename
    announced = announced_in(folder)
    found = find_run_process(request.dir, None if announced is None else announced.pid)
    if found is not None:
        return str(ProcessHandle(host=here, pid=found.pid, started_at=float(found.create_time())))
    if announced is not None and announced.host not in ("", here):
        require_gone(folder, announced.host, announced.pid)
    return None
