"""What launchers are asked and how runs ended, for tests of what starts runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from sweep.config import LauncherConfig
from sweep.launch import RunEnded, RunRequest, RunStarted
from sweep.launch.handle import ProcessHandle
from sweep.launch.protocol import Launcher
from sweep.rundir import RunDir

ROOT = Path(__file__).parents[1]
STUBS = ROOT / "tests" / "stubs"
LIMIT_S = 60.0
NO_TARGET = {
    "metric": None, "mode": "min", "threshold": None, "hold": None, "budget_steps": 10**6, "stop_early": False
}  # fmt: skip


def launcher_config(**changes: Any) -> LauncherConfig:
    """Make a config of the local launcher; None stands for `auto` in slots and gpus."""
    settings = {
        "slots": 1, "gpus": (), "slots_per_gpu": 1, "gpu_memory_mb": None, "grace_s": 5.0, "start": "auto",
    }  # fmt: skip
    settings |= {key: value for key, value in changes.items() if key in settings}
    settings |= {key: "auto" for key in ("slots", "gpus") if settings[key] is None}
    others = {key: value for key, value in changes.items() if key not in settings}
    return LauncherConfig(**{"name": "local", "timeout_s": None, "retries": 0, "settings": settings, **others})


def run_request(
    path: Path,
    task: str,
    *,
    run_id: int = 1,
    timeout_s: float | None = None,
    exclusive: bool = False,
    spec: dict[str, Any] | None = None,
    **section: Any,
) -> RunRequest:
    """Make the folder of a run of `task`, a dotted name; `section` is the rest of the task's config."""
    folder = RunDir(path)
    folder.renew(attempt=1)
    token = f"token-{run_id}"
    asked = {"schema": 1, "token": token, "seed": 0, "task": {"_target_": task, **section}, "target": NO_TARGET}
    folder.write_spec({**asked, **(spec or {})})
    return RunRequest(run_id=run_id, dir=path, token=token, timeout_s=timeout_s, exclusive=exclusive)


def ends_of(launcher: Launcher, count: int, *, limit_s: float = LIMIT_S) -> list[RunEnded]:
    """Poll until `count` runs have ended; return them in the order in which they did."""
    ended: list[RunEnded] = []
    until = time.monotonic() + limit_s
    while len(ended) < count and time.monotonic() < until:
        ended += [news for news in launcher.poll(1.0) if isinstance(news, RunEnded)]
    assert len(ended) == count
    return ended


def start_run(launcher: Launcher, request: RunRequest) -> RunStarted:
    """Start a run whose process exists at once, and return what is known of it."""
    started = launcher.start(request).started
    assert started is not None
    return started


def handle_of(started: RunStarted) -> str:
    """Return the local launcher's handle of a process."""
    assert started.host is not None
    assert started.pid is not None
    assert started.pid_started_at is not None
    return str(ProcessHandle(host=started.host, pid=started.pid, started_at=started.pid_started_at))


def end_of(launcher: Launcher) -> RunEnded:
    return ends_of(launcher, 1)[0]


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return what `condition` says once it is true of something; AssertionError after LIMIT_S."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it never came to pass")


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
