"""Launchers: where and how runs execute. To add one: a file, and a line in LAUNCHERS."""

from collections.abc import Callable

from sweep.config import LauncherConfig
from sweep.errors import ConfigError
from sweep.launch.ending import Exit, ending_of, log_tail
from sweep.launch.local import LocalLauncher
from sweep.launch.process import find_run_process
from sweep.launch.protocol import Launcher, RunEnded, RunRequest, RunStarted
from sweep.launch.starting import Layout, start_early
from sweep.launch.warm import WarmParent

LAUNCHERS: dict[str, Callable[..., Launcher]] = {"local": LocalLauncher}
"""By the name that `launcher.name` gives; each is called with the config, `say`, `early` and `is_current`."""


def build_launcher(
    config: LauncherConfig,
    *,
    say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - nobody listens
    early: WarmParent | None = None,
    is_current: Callable[[], bool] = lambda: True,
) -> Launcher:
    """Return the launcher that the config names; it tells `say` what a person should read. Raises ConfigError.

    `early` is what `start_early` made. `is_current` tells whether the task's code is still the one to be run: where it
    is not, `can_start` of the launcher says no, but for runs that come of a process which has imported it before.
    """
    if config.name not in LAUNCHERS:
        raise ConfigError("launcher.name", "no such launcher", value=config.name, allowed=LAUNCHERS)
    return LAUNCHERS[config.name](config, say=say, early=early, is_current=is_current)


def devices_of(config: LauncherConfig) -> tuple[str, ...]:
    """Return the GPUs that runs may be on, as they will name them; none on the CPU. Raises ConfigError."""
    return Layout.of(config).devices if config.name == "local" else ()


__all__ = [
    "LAUNCHERS",
    "Exit",
    "Launcher",
    "LocalLauncher",
    "RunEnded",
    "RunRequest",
    "RunStarted",
    "WarmParent",
    "build_launcher",
    "devices_of",
    "ending_of",
    "find_run_process",
    "log_tail",
    "start_early",
]
