"""A task in the process that runs it: imported, checked to be the code that was planned, and prepared."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sweep.domain.taskref import KIND_OF_KEY, TaskKind, TaskRef
from sweep.task import Run, TaskConfig
from sweep.worker.code_guard import check_code, import_root
from sweep.worker.process_exit import exit_if_forked
from sweep.worker.seeding import seed_globals

AHEAD_SEED = 0
"""Global generators have it while the task is imported and prepared."""

Digests = Mapping[str, str | None]
"""Digests of a task's files, by path from the task's root."""


@dataclass(frozen=True, slots=True)
class Task:
    """The functions of a task, as far as it has them.

    `data(cfg)` returns the training and the validation set, `model(cfg)` the network (docs/tasks.md); checks use them.
    """

    train: Callable[[TaskConfig, Run], object]
    prepare: Callable[[TaskConfig], object] | None
    data: Callable[[TaskConfig], Any] | None = None
    model: Callable[[TaskConfig], Any] | None = None


def load_task(ref: TaskRef, code: Digests | None = None) -> Task:
    """Return a task, imported. Raises ImportError, AttributeError, and whatever its code raises.

    `code` has the digests of the files as they were when the study was planned: raises EditedTaskError if the task is
    imported here and now, and from others.
    """
    return LOADERS[ref.kind](ref, code or {})


def prepared_task(spec: Mapping[str, Any], *, is_prepared: bool = True) -> tuple[Task, TaskConfig]:
    """Return the task of a spec, imported and prepared, and its config. Raises whatever `load_task` or the task raises.

    Nothing of it knows the trial's seed: whether it has been done ahead, for all trials, cannot be told by a trial.
    `is_prepared` False only imports it.
    """
    pid, section = os.getpid(), spec["task"]
    seed_globals(AHEAD_SEED)
    task, cfg = load_task(TaskRef.of(section), spec.get("code")), config_of(section)
    if is_prepared and task.prepare is not None:
        seed_globals(AHEAD_SEED)
        task.prepare(cfg)
    exit_if_forked(pid, 0)
    return task, cfg


def config_of(section: Mapping[str, Any]) -> TaskConfig:
    """Return what a task is given of its section: all but the keys that name it."""
    return TaskConfig({key: value for key, value in section.items() if key not in KIND_OF_KEY})


def _load_function(ref: TaskRef, code: Digests) -> Task:
    is_there = ref.module in sys.modules
    try:
        module = importlib.import_module(ref.module)
        extras = {part: getattr(module, part, None) for part in ("prepare", "data", "model")}
        return Task(getattr(module, ref.function), **extras)
    finally:
        if not is_there:  # else it has been looked at before, and may be edited since
            check_code(import_root(ref.module), code)


LOADERS: Mapping[TaskKind, Callable[[TaskRef, Digests], Task]] = {TaskKind.FUNCTION: _load_function}
