"""How runs start on this machine: the devices, and how their processes are started."""

import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sweep.config import LauncherConfig
from sweep.errors import ConfigError
from sweep.launch.cold import ColdStarter, Starter
from sweep.launch.environment import child_environment
from sweep.launch.layout import Layout
from sweep.launch.leases import CPU
from sweep.launch.local_kind import LocalKind
from sweep.launch.local_settings import LocalSettings
from sweep.launch.process import keep_ended_children
from sweep.launch.standby import StandbyStarter
from sweep.launch.warm import WarmParent, WarmStarter

logger = logging.getLogger(__name__)

LOCAL = "local"
SECTION_MOST = 1 << 16
"""Most characters of JSON handed over as an argument (a task's section, its files' digests). The kernel takes twice
as many bytes."""


def start_early(
    config: LauncherConfig, task: Mapping[str, Any], code: Mapping[str, str] | None = None
) -> WarmParent | None:
    """Start the process that runs of a task will be forked from; None if they will not be, or it cannot be started.

    `code` has the digests of the task's files, by path from its root: no others are imported. The caller closes it,
    even if a launcher uses it.
    """
    section = json.dumps({"task": task, "code": code or {}})
    if len(section) > SECTION_MOST or config.name != LOCAL or not LocalKind().starts_warm(config):
        return None
    layout = Layout.of(config)
    environment = child_environment(
        os.environ,
        {},
        device=CPU,
        threads=layout.threads,
        has_gpus=layout.has_gpus,
        gpu_memory_mb=LocalSettings.of(config).gpu_memory_mb,
    )
    keep_ended_children()
    with suppress(OSError):
        return WarmParent(section, environment)
    return None


def make_starter(
    start: str,
    *,
    slots: int,
    has_devices: bool,
    say: Callable[[str], None],
    early: WarmParent | None = None,
) -> Starter:
    """Return the starter that `launcher.start` asks for. Raises ConfigError for forks if runs get GPUs."""
    if start == "warm" and has_devices:
        raise ConfigError(
            "launcher.start",
            "a run that gets a GPU cannot be forked: a CUDA context does not survive it",
            value=start,
            allowed=("auto", "standby", "cold"),
            hint="launcher.gpus=[] stays on the CPU",
        )
    logger.info("launcher.start=%s: %d runs at a time, on %s", start, slots, "GPUs" if has_devices else "the CPU")
    cold = ColdStarter()
    standby = StandbyStarter(spares=slots, instead=cold)
    if start == "cold":
        return cold
    if start == "standby" or has_devices:
        return standby
    return WarmStarter(instead=cold, unsafe_instead=standby, say=say, early=early)
