"""Starts the process that runs are forked from before there is a launcher, while the study is still prepared."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from sweep.config import LauncherConfig
from sweep.domain.task_ref import environment_of
from sweep.launch import build_launcher
from sweep.launch.environment import child_environment
from sweep.launch.layout import Layout
from sweep.launch.leases import CPU
from sweep.launch.local import LocalLauncher
from sweep.launch.local_settings import LocalSettings
from sweep.launch.process import keep_ended_children
from sweep.launch.protocol import MakeLauncher
from sweep.launch.warm import WarmParent

LOCAL = "local"
SECTION_MOST = 1 << 16
"""Most characters of JSON handed over as an argument (a task's section, its files' digests). The kernel takes twice
as many bytes."""


@contextmanager
def started_early(
    config: LauncherConfig, task: Mapping[str, Any], code: Mapping[str, str] | None = None
) -> Iterator[MakeLauncher]:
    """Start what runs of a task need before there is a launcher; yield what makes the launcher that uses it.

    That is the process that runs are forked from: it imports the task meanwhile. Nothing is started if runs will not be
    forked. `code` has the digests of the task's files, by path from its root: no others are imported.
    """
    parent = start_parent(config, task, code)
    try:
        yield build_launcher if parent is None else partial(LocalLauncher, early=parent)
    finally:
        if parent is not None:
            parent.close()


def start_parent(
    config: LauncherConfig, task: Mapping[str, Any], code: Mapping[str, str] | None = None
) -> WarmParent | None:
    """Start the process that runs of a task will be forked from; None if they will not be, or it cannot be started."""
    section = json.dumps({"task": task, "code": code or {}})
    if len(section) > SECTION_MOST or config.name != LOCAL or LocalSettings.of(config).start not in ("auto", "warm"):
        return None
    layout = Layout.of(config)
    if layout.devices:
        return None
    environment = child_environment(
        os.environ,
        {"env": environment_of(task)},
        device=CPU,
        threads=layout.threads,
        has_gpus=layout.has_gpus,
        gpu_memory_mb=LocalSettings.of(config).gpu_memory_mb,
    )
    keep_ended_children()
    with suppress(OSError):
        return WarmParent(section, environment)
    return None
