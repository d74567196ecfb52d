"""A task given by its command: each placeholder has a value, each key a placeholder, and its program exists."""

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from sweep.config.overrides import dotted
from sweep.domain.command import GIVEN, KEYS, RUN_DIR, SEED, filled, is_plain_script, placeholders
from sweep.domain.task_ref import TaskRef
from sweep.errors import ConfigError


def check_command(ref: TaskRef, section: Mapping[str, object]) -> None:
    """Raise ConfigError for a placeholder without a value, and for a key without a placeholder."""
    own = {name: value for name, value in section.items() if name not in KEYS}
    values = dict(dotted(own))
    names = placeholders(ref.args)
    for name in names:
        if name not in values and name not in own and name not in GIVEN:
            raise ConfigError(
                "task.command",
                f"has the placeholder {{{name}}} without a value",
                value=name,
                allowed=[*values, *GIVEN],
                hint=f"+task.{name}=VALUE gives it one",
            )
    for name in values:
        if name in GIVEN:
            raise ConfigError(
                f"task.{name}", "each trial has its own: the placeholder needs no key", value=values[name]
            )
        if not any(each == name or name.startswith(f"{each}.") for each in names):
            raise ConfigError(
                f"task.{name}",
                "no word of task.command has a placeholder for it",
                value=values[name],
                hint=f'task.command=[..., --{name.rpartition(".")[2]}, "{{{name}}}"]',
            )
    try:
        filled(ref.args, {**own, **values, SEED: 0, RUN_DIR: ""})
    except ValueError as exc:
        raise ConfigError("task.command", str(exc), value=ref.name) from exc
    if shutil.which(ref.args[0]) is None and "{" not in ref.args[0]:
        hint = "in the current folder: ./NAME" if Path(ref.args[0]).is_file() else "the first word is a program"
        raise ConfigError("task.command", "there is no such program", value=ref.args[0], hint=hint)


def command_notes(ref: TaskRef) -> tuple[str, ...]:
    """Return what the user may want to know about a command before it runs."""
    notes = []
    if is_plain_script(ref.args):
        words = shlex.join(["python", "-m", "sweep", ref.args[1]])
        more = "it observes losses and steps, and changes dropout, weight decay, ... without options for them"
        notes.append(f"`{words}` runs this script itself and can do more: {more}")
    if SEED not in placeholders(ref.args):
        notes.append("task.command has no {seed}: unless the program draws its own, its seeds are one run repeated")
    return tuple(notes)
