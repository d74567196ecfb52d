"""Launchers: where and how runs execute. To add one: a file with its LauncherKind, and a line in LAUNCHERS.

  protocol     what a launcher is asked and what it reports
  local_kind   what is known of the local launcher without building it
  local        the launcher for this machine
  local_settings  its own settings under `launcher:`
  fake         one without processes, for tests of whatever uses a launcher

how a run's process starts
  early        the process to fork from, started before there is a launcher
  starting     which of these starts a run, and on what
  cold         a fresh interpreter per run
  standby      idle interpreters that have imported everything, each for one run
  warm         one process that has imported the task, forked for each run
  preforked    a process of either kind, seen from here
  environment  what a run's process is given

whether it is still running, and how it ended
  process      a run's process with its session: found, recognized, ended
  handle       how a run's process is recognized later
  finding      runs of an earlier orchestrator, by folder and token
  elsewhere    runs that were started on another host
  timing       how long a run has run, without pauses
  watch        sleeping until one ends
  ending       how a run ended, from what it left and how its process went

what it runs on
  layout       devices, slots and threads for a study
  gpus         which GPUs there are, and which of them a study may use
  leases       which run has which device
  machine      cores, and the kernel's count of processes killed by its OOM killer
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sweep.config import LauncherConfig
from sweep.errors import ConfigError
from sweep.launch.local_kind import LocalKind

if TYPE_CHECKING:
    from sweep.launch.early import started_early
    from sweep.launch.ending import Exit, ending_of
    from sweep.launch.local import LocalLauncher
    from sweep.launch.protocol import (
        Launched,
        Launcher,
        LauncherKind,
        MakeLauncher,
        RunEnded,
        RunNews,
        RunPaused,
        RunRequest,
        RunStarted,
    )

__all__ = [
    "LAUNCHERS",
    "Exit",
    "Launched",
    "Launcher",
    "LauncherKind",
    "LocalLauncher",
    "MakeLauncher",
    "RunEnded",
    "RunNews",
    "RunPaused",
    "RunRequest",
    "RunStarted",
    "build_launcher",
    "can_pause",
    "check_launcher",
    "devices_of",
    "ending_of",
    "kind_of",
    "launcher_notes",
    "slots_of",
    "started_early",
    "starts_warm",
]

_HOMES = {
    "early": ("started_early",),
    "ending": ("Exit", "ending_of"),
    "local": ("LocalLauncher",),
    "protocol": (
        "Launched",
        "Launcher",
        "LauncherKind",
        "MakeLauncher",
        "RunEnded",
        "RunNews",
        "RunPaused",
        "RunRequest",
        "RunStarted",
    ),
}
"""Where each name is defined. They are imported when asked for: a plan needs no processes."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"sweep.launch.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


LAUNCHERS: "dict[str, LauncherKind]" = {"local": LocalKind()}
"""By the name that `launcher.name` gives."""


def kind_of(name: str) -> "LauncherKind":
    """Return the kind of launcher of this name. Raises ConfigError."""
    if name not in LAUNCHERS:
        raise ConfigError("launcher.name", "no such launcher", value=name, allowed=LAUNCHERS)
    return LAUNCHERS[name]


def build_launcher(
    config: LauncherConfig,
    *,
    say: Callable[[str], None] = lambda text: None,  # noqa: ARG005 - messages are dropped
) -> "Launcher":
    """Return the launcher that the config names; it gives `say` what a user should read. Raises ConfigError."""
    return kind_of(config.name).build(config, say=say)


def check_launcher(config: LauncherConfig) -> None:
    """Raise ConfigError if the config names no launcher, or has a setting that it cannot read."""
    kind_of(config.name).check(config)


def launcher_notes(config: LauncherConfig) -> tuple[str, ...]:
    """Return what a user should know of this config before it runs. Raises ConfigError."""
    return tuple(kind_of(config.name).notes_of(config))


def slots_of(config: LauncherConfig) -> int:
    """Return how many trials run at a time, without building a launcher. Raises ConfigError."""
    return kind_of(config.name).slots_of(config)


def devices_of(config: LauncherConfig) -> tuple[str, ...]:
    """Return the GPUs that runs may be on, without building a launcher. Raises ConfigError."""
    return kind_of(config.name).devices_of(config)


def can_pause(config: LauncherConfig) -> bool:
    """Return whether runs can be paused at a step, without building a launcher. Raises ConfigError."""
    return kind_of(config.name).can_pause(config)


def starts_warm(config: LauncherConfig) -> bool:
    """Return whether runs are forked from one process, without building a launcher. Raises ConfigError."""
    return kind_of(config.name).starts_warm(config)
