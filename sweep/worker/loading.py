"""Loads a task in the process that runs it: imports it, checks that its code is what was planned, and prepares it."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.domain.task_ref import TaskKind, TaskRef, code_root, naming_key
from sweep.task import Run, TaskConfig
from sweep.worker.code_guard import check_code, import_root
from sweep.worker.process_exit import exit_if_forked
from sweep.worker.seeding import seed_globals

PREPARE_SEED = 0
"""Seed of the global generators while the task is imported and prepared."""

Digests = Mapping[str, str | None]
"""Digests of a task's files, by path relative to the task's root."""


@dataclass(frozen=True, slots=True)
class Task:
    """The functions of a task; None for those that it does not have.

    `data(cfg)` returns the training and the validation set, `model(cfg)` the network (docs/tasks.md). Checks use them.
    `is_script`: the program was not written for sweep, so checks take what they need from its running training.
    `share` does once what all runs have in common, in a process that they are forked from.
    """

    train: Callable[[TaskConfig, Run], object]
    prepare: Callable[[TaskConfig], object] | None
    data: Callable[[TaskConfig], Any] | None = None
    model: Callable[[TaskConfig], Any] | None = None
    is_script: bool = False
    share: Callable[[], object] | None = None


def load_task(ref: TaskRef, code: Digests | None = None, env: Mapping[str, object] | None = None) -> Task:
    """Import a task and return it. Raises ImportError, AttributeError, and whatever its code raises.

    `env` is the environment that a script asks for. `code` has the digests of its files when the study was planned.
    Raises EditedTaskError if this call imports the task and its files differ.
    """
    return LOADERS[ref.kind](ref, code or {}, env or {})


def prepared_task(
    spec: Mapping[str, Any], *, is_prepared: bool = True, is_parent: bool = False
) -> tuple[Task, TaskConfig]:
    """Import and prepare the task of a spec; return it and its config. Raises whatever `load_task` or the task raises.

    The trial's seed is not used here, so a trial behaves the same whether this was done for it alone or once for all
    trials. If `is_prepared` is False the task is only imported. `is_parent`: runs will be forked from this process.
    """
    pid, section = os.getpid(), spec["task"]
    seed_globals(PREPARE_SEED)
    task, cfg = load_task(TaskRef.of(section), spec.get("code"), section.get("env")), config_of(section)
    if is_prepared and task.prepare is not None:
        seed_globals(PREPARE_SEED)
        task.prepare(cfg)
    if is_parent and task.share is not None:
        task.share()
    exit_if_forked(pid, 0)
    return task, cfg


def config_of(section: Mapping[str, Any]) -> TaskConfig:
    """Return the config that the task receives: its section without the keys that name the task."""
    named_by = naming_key(section)
    return TaskConfig({key: value for key, value in section.items() if key != named_by})


def _load_function(ref: TaskRef, code: Digests, _: Mapping[str, object]) -> Task:
    is_imported = ref.module in sys.modules
    try:
        module = importlib.import_module(ref.module)
        prepare, data, model = (getattr(module, part, None) for part in ("prepare", "data", "model"))
        return Task(getattr(module, ref.function), prepare, data, model)
    finally:
        if not is_imported:  # otherwise it was checked on import, and may have been edited since
            check_code(import_root(ref.module), code)


def _load_script(ref: TaskRef, code: Digests, env: Mapping[str, object]) -> Task:
    if ref.name not in _SCRIPTS:
        from sweep.worker.script.program import prepare_process

        prepare_process(Path(ref.name).expanduser().absolute(), env)
        from sweep.worker.script.runner import Script  # imports paddle

        script = Script.read(ref.name, code)
        _SCRIPTS[ref.name] = Task(script.train, None, is_script=True, share=script.share)
    return _SCRIPTS[ref.name]


_SCRIPTS: dict[str, Task] = {}
"""Scripts that are compiled already: by a warm parent, before its children were forked."""


def _load_command(ref: TaskRef, code: Digests, _: Mapping[str, object]) -> Task:
    from sweep.worker.command import Command

    check_code(code_root(ref), code)
    return Task(Command(ref.args).train, None)


LOADERS: Mapping[TaskKind, Callable[[TaskRef, Digests, Mapping[str, object]], Task]] = {
    TaskKind.FUNCTION: _load_function,
    TaskKind.SCRIPT: _load_script,
    TaskKind.COMMAND: _load_command,
}
