"""The keys of a script or command task: brought into one form, and checked."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sweep.config.command_keys import check_command, command_notes
from sweep.config.source import TaskSource
from sweep.config.values import Section
from sweep.domain.command import KEYS
from sweep.domain.script_words import argument_text
from sweep.domain.task_ref import TaskKind, TaskRef, kind_of_section
from sweep.errors import ConfigError

SEEDINGS = ("sweep", "script")
"""`task.seeding`: the trial's seeds, or the script's own randomness left alone."""

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def in_one_form(config: DictConfig) -> None:
    """Write the arguments, the environment and the path of a program in one form, in place, so that equal programs are
    equal however they were typed: `3` and `"3"` are one argument, `./train.py` and `train.py` one script."""
    task = config.get("task")
    if not isinstance(task, DictConfig) or kind_of_section(task.keys()) in (None, TaskKind.FUNCTION):
        return
    plain = OmegaConf.to_container(task, resolve=False)
    assert isinstance(plain, dict)
    env, path = plain.get("env"), plain.get("path")
    changed: dict[str, object] = {}
    words = "command" if kind_of_section(task.keys()) is TaskKind.COMMAND else "args"
    if isinstance(args := plain.get(words), list):
        changed[words] = [_text(each) for each in args]
    if isinstance(env, dict):
        changed["env"] = {name: _text(each) for name, each in env.items()}
    if isinstance(path, str) and "${" not in path and path != "???":
        changed["path"] = usual_path(path)
    for name, value in changed.items():
        OmegaConf.update(config, f"task.{name}", value, merge=False)


def usual_path(text: str) -> str:
    """Return a path as it is usually written: from the current folder, if it lies below that."""
    path = Path(text).expanduser()
    short = Path(os.path.normpath(path))
    if short != path and short.resolve() == path.resolve():  # not so where `..` follows a link
        path = short
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path)


def check_program(ref: TaskRef, section: Mapping[str, object]) -> None:
    """Raise ConfigError for a wrong value of a key that programs have."""
    if ref.kind is TaskKind.FUNCTION:
        return
    for name, check in _CHECKS.items():
        if name in section and not (ref.kind is TaskKind.COMMAND and name not in KEYS):
            check(f"task.{name}", section[name])
    if ref.kind is TaskKind.COMMAND:
        check_command(ref, section)


def program_notes(ref: TaskRef, source: TaskSource) -> tuple[str, ...]:
    """Return what the user may want to know about a program before it runs."""
    if ref.kind is TaskKind.COMMAND:
        return command_notes(ref)
    if ref.kind is not TaskKind.SCRIPT or any(name.startswith("paddle") for name in source.imports):
        return ()
    others = sorted(source.imports - sys.stdlib_module_names)
    seen = f"it imports {', '.join(others)}: unless one of these trains with paddle" if others else "so"
    return (f"{ref.name} does not import paddle; {seen}, nothing of its training can be observed",)


def _check_args(key: str, value: object) -> None:
    hint = 'task.args=[--epochs,"3"]; after a script on the command line: -- --epochs 3'
    if not isinstance(value, list):
        raise ConfigError(key, "must be a list of the script's own arguments", value=value, hint=hint)
    for each in value:
        if argument_text(each) is None:
            raise ConfigError(key, "each argument must be text, a number, true or false", value=_shown(each), hint=hint)
        _check_no_nul(key, each)


def _check_env(key: str, value: object) -> None:
    hint = 'task.env={OMP_NUM_THREADS: "1"}'
    if not isinstance(value, Mapping):
        raise ConfigError(
            key, "must be a section: names of environment variables and their values", value=value, hint=hint
        )
    for name, each in value.items():
        if not _VARIABLE.fullmatch(str(name)):
            raise ConfigError(key, "is not the name of an environment variable", value=str(name), hint=hint)
        if argument_text(each) is None:
            raise ConfigError(f"{key}.{name}", "must be text, a number, true or false", value=_shown(each), hint=hint)
        _check_no_nul(f"{key}.{name}", each)


def _check_no_nul(key: str, value: object) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ConfigError(key, "a program cannot be given the character NUL", value=value)


def _check_seeding(key: str, value: object) -> None:
    Section({"seeding": value}, "task", ("seeding",)).choice(key.rpartition(".")[2], SEEDINGS)


def _check_metrics(key: str, value: object) -> None:
    hint = "task.metrics={val/acc: 'top1 acc: ([0-9.]+)'}"
    if not isinstance(value, Mapping):
        raise ConfigError(
            key, "must be a section: names of metrics and the patterns of their lines", value=value, hint=hint
        )
    for name, pattern in value.items():
        _check_pattern(f"{key}.{name}", pattern, hint)


def _check_pattern(key: str, pattern: object, hint: str) -> None:
    """Raise ConfigError unless this is a regular expression with one group."""
    if not isinstance(pattern, str):
        raise ConfigError(
            key, "must be a regular expression with one group: the number", value=_shown(pattern), hint=hint
        )
    try:
        groups = re.compile(pattern).groups
    except re.error as exc:
        at = "" if exc.pos is None else f" at position {exc.pos}: {pattern[: exc.pos]}>>>{pattern[exc.pos :]}"
        raise ConfigError(key, f"is not a regular expression: {exc.msg}{at}", value=pattern, hint=hint) from exc
    except (OverflowError, RecursionError) as exc:
        raise ConfigError(key, f"is not a regular expression: {exc}", value=pattern, hint=hint) from exc
    if groups != 1:
        found = f"it has {groups}" if groups else "it has none"
        raise ConfigError(key, f"must have exactly one group, the number: {found}", value=pattern, hint=hint)


_CHECKS = {"args": _check_args, "env": _check_env, "seeding": _check_seeding, "metrics": _check_metrics}


def _text(value: object) -> object:
    """Return an argument as text; a value that is none as it is, for the check that follows."""
    text = argument_text(value)
    return value if text is None else text


def _shown(value: object) -> object:
    return "null" if value is None else value
