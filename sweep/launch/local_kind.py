"""What is known of the local launcher without building it. Light: heavier modules are imported when they are needed."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from sweep.config import LauncherConfig
from sweep.domain.plural import count_text
from sweep.launch.handle import ProcessHandle
from sweep.launch.local_settings import LocalSettings

if TYPE_CHECKING:
    from sweep.launch.protocol import Launcher, RunRequest


SLOTS_PER_CORE = 4
"""Runs at a time for each core, above which a user is warned."""


class LocalKind:
    """This machine: each run a process here, on a slot or a GPU."""

    def check(self, config: LauncherConfig) -> None:
        """Raise ConfigError for a setting that is wrong."""
        LocalSettings.of(config)

    def notes_of(self, config: LauncherConfig) -> tuple[str, ...]:
        """Return what of a config is odd on this machine."""
        slots, cores = LocalSettings.of(config).slots, len(os.sched_getaffinity(0))
        if slots is None or slots <= SLOTS_PER_CORE * cores:
            return ()
        number = count_text(cores, "CPU core")
        return (f"launcher.slots={slots} is {slots} trials at a time on {number}: each gets slower",)

    def build(self, config: LauncherConfig, *, say: Callable[[str], None]) -> "Launcher":
        """Return a launcher. Raises ConfigError."""
        from sweep.launch.local import LocalLauncher

        return LocalLauncher(config, say=say)

    def slots_of(self, config: LauncherConfig) -> int:
        """Return how many trials run at a time. Raises ConfigError."""
        from sweep.launch.layout import Layout

        return Layout.planned(config).slots

    def devices_of(self, config: LauncherConfig) -> tuple[str, ...]:
        """Return the GPUs that runs may be on; none on the CPU. Raises ConfigError."""
        from sweep.launch.layout import Layout

        return Layout.of(config).devices

    def starts_warm(self, config: LauncherConfig) -> bool:
        """Return whether runs are forked from one process that has imported the task."""
        from sweep.launch.layout import Layout

        return LocalSettings.of(config).start in ("auto", "warm") and not Layout.planned(config).devices

    def find(self, request: "RunRequest") -> str | None:
        """Return the handle of a live run. Raises RunElsewhereError."""
        from sweep.launch.finding import find_local

        return find_local(request)

    def can_pause(self, config: LauncherConfig) -> bool:  # noqa: ARG002 - the protocol's signature
        """Return False: nothing in a run's process waits at a step yet."""
        return False

    def shown(self, handle: str) -> str:
        """Return a handle for a reader: `pid 4000 on vm-1`."""
        known = ProcessHandle.parse(handle)
        return handle if known is None else f"pid {known.pid} on {known.host}"
