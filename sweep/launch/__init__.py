"""Launchers: where and how runs execute. To add one: a file, and a line in LAUNCHERS.

  protocol     what a launcher is asked and what it tells
  local        the launcher for this machine
  fake         one without processes, for tests of whatever uses a launcher

how a run's process comes to be
  starting     what there is to run on, and which of these starts it
  cold         a fresh interpreter per run
  standby      idle interpreters that have imported everything, each for one run
  warm         one process that has imported the task, forked for each run
  ahead        a process of either kind, seen from here
  environment  what a run's process is given

whether it goes on, and how it ended
  process      a run's process with its session: found, told from others, ended
  watch        sleeping until one ends
  ending       how a run ended, from what it left and how its process went

what it runs on
  layout       devices, slots and threads for a study
  gpus         which GPUs there are, and which of them a study may use
  leases       who has which device
  machine      cores, and the kernel's count of those it killed for want of memory
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sweep.config import LauncherConfig
from sweep.errors import ConfigError

if TYPE_CHECKING:
    from sweep.launch.ending import Exit, ending_of, log_tail
    from sweep.launch.layout import devices_of, slots_of, starts_warm
    from sweep.launch.local import LocalLauncher
    from sweep.launch.process import find_run_process
    from sweep.launch.protocol import Launcher, RunEnded, RunRequest, RunStarted
    from sweep.launch.starting import start_early
    from sweep.launch.warm import WarmParent

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
    "slots_of",
    "start_early",
    "starts_warm",
]

_HOMES = {
    "ending": (
        "Exit",
        "ending_of",
        "log_tail",
    ),
    "layout": (
        "devices_of",
        "slots_of",
        "starts_warm",
    ),
    "local": ("LocalLauncher",),
    "process": ("find_run_process",),
    "protocol": (
        "Launcher",
        "RunEnded",
        "RunRequest",
        "RunStarted",
    ),
    "starting": ("start_early",),
    "warm": ("WarmParent",),
}
"""Where each name is defined. They are imported when asked for: a plan needs the layout, and no processes."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"sweep.launch.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _local(config: LauncherConfig, **given: Any) -> "Launcher":
    from sweep.launch.local import LocalLauncher

    return LocalLauncher(config, **given)


LAUNCHERS: "dict[str, Callable[..., Launcher]]" = {"local": _local}
"""By the name that `launcher.name` gives; each is called with the config, `say`, `early` and `is_current`."""


def build_launcher(
    config: LauncherConfig,
    *,
    say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - messages are dropped
    early: "WarmParent | None" = None,
    is_current: Callable[[], bool] = lambda: True,
) -> "Launcher":
    """Return the launcher that the config names; it gives `say` what a user should read. Raises ConfigError.

    `early` is what `start_early` made. `is_current` returns whether the task's code is still the one to be run: if it
    is not, `can_start` of the launcher is False, except for runs forked from a process that has imported it before.
    """
    if config.name not in LAUNCHERS:
        raise ConfigError("launcher.name", "no such launcher", value=config.name, allowed=LAUNCHERS)
    return LAUNCHERS[config.name](config, say=say, early=early, is_current=is_current)
