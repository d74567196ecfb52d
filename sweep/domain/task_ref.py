"""The program that a study trains, as named in a task section: each kind of task has its own key.

A task is found and fingerprinted in `config/source.py` (it reads files, and imports neither paddle nor the task), and
loaded and prepared in `worker/loading.py` (it imports the task, and does not need Hydra). Both use this type. A new
kind needs a member and a line here, and a line in the dict of each of these two.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from sweep.domain.command import module_in, script_in, title_of
from sweep.domain.enums import StrEnum
from sweep.domain.script_words import SUFFIX, argument_text, stem_of
from sweep.errors import ConfigError


class TaskKind(StrEnum):
    """How the program of a task is given."""

    FUNCTION = "function"  # MODULE.FUNCTION of an importable module: train(cfg, run)
    SCRIPT = "script"  # any Paddle script, as it is; keys in conf/task/script.yaml
    COMMAND = "command"  # any program, by its command line; keys in conf/task/command.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How a kind of task is named: by the value of `key`, which `name_of` reads as text; None for a value that names
    nothing. `form` describes the value to the user."""

    key: str
    name_of: Callable[[object], str | None]
    form: str


def _dotted(value: object) -> str | None:
    is_name = isinstance(value, str) and "." in value and all(part.isidentifier() for part in value.split("."))
    return str(value) if is_name else None


def _script(value: object) -> str | None:
    return value if isinstance(value, str) and value.endswith(SUFFIX) else None


def _command(value: object) -> str | None:
    words = [argument_text(word) for word in value] if isinstance(value, list) else []
    return shlex.join(word or "" for word in words) if words and words[0] and None not in words else None


NAMINGS: Mapping[TaskKind, Naming] = {
    TaskKind.FUNCTION: Naming(key="_target_", name_of=_dotted, form="must name a function: package.module.function"),
    TaskKind.SCRIPT: Naming(key="path", name_of=_script, form="must name a Python script: train.py"),
    TaskKind.COMMAND: Naming(
        key="command", name_of=_command, form='must be the words of a command: [python, train.py, --lr, "{lr}"]'
    ),
}

NAMELESS = frozenset({TaskKind.SCRIPT.value, TaskKind.COMMAND.value})
"""The files of conf/task/ that are a kind rather than a task: a study is called after the program."""

KIND_OF_KEY: Mapping[str, TaskKind] = {naming.key: kind for kind, naming in NAMINGS.items()}
"""The keys that name a program, with their kinds of task. A section is of the first kind whose key it has: a function
may have a `path` of its own. No axis may change the key that names the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRef:
    """A task by its kind and name; `key` is the key of the task section with the name.

    `args` are a script's own arguments; of a command, all its words.
    """

    kind: TaskKind
    key: str
    name: str
    args: tuple[str, ...] = ()

    @classmethod
    def of(cls, section: Mapping[str, object]) -> "TaskRef":
        """Return the task that a task section names. Raises ConfigError if it names none, or by an invalid name."""
        key = naming_key(section)
        if key is None:
            raise ConfigError(f"task.{next(iter(KIND_OF_KEY))}", "is missing: the function that trains")
        value, kind = section[key], KIND_OF_KEY[key]
        name = NAMINGS[kind].name_of(value)
        if name is None:
            raise ConfigError(f"task.{key}", NAMINGS[kind].form, value=value, hint=_notebook_hint(value))
        args = {TaskKind.SCRIPT: section.get("args"), TaskKind.COMMAND: value}.get(kind)
        words = tuple(argument_text(word) or "" for word in args) if isinstance(args, list) else ()
        return cls(kind=kind, key=key, name=name, args=words)

    @property
    def title(self) -> str | None:
        """What a study of this program is called if no file of the user's names it: a script's name without `.py`.

        None for a function.
        """
        if self.kind is TaskKind.COMMAND:
            return title_of(self.args)
        return stem_of(self.name) if self.kind is TaskKind.SCRIPT else None

    @property
    def module(self) -> str:
        """The module that a function is imported from."""
        return self.name.rpartition(".")[0]

    @property
    def function(self) -> str:
        """The name of a function in its module."""
        return self.name.rpartition(".")[2]


def _notebook_hint(name: object) -> str | None:
    is_notebook = isinstance(name, str) and name.endswith(".ipynb")
    return f"jupyter nbconvert --to script {name} makes a script of a notebook" if is_notebook else None


def root_of(module: str, file: Path) -> Path:
    """Return the folder that a module was imported from, given its file: `/x` for `a.b` in `/x/a/b.py`.

    Files of a task are named by their path from there, so that a checkout in another place is the same code.
    """
    depth = module.count(".") + (file.name == "__init__.py")
    return file.parents[min(depth, len(file.parents) - 1)]


def code_root(ref: TaskRef) -> Path:
    """Return the folder from which the code of a script or a command is named: the script's, else the current one."""
    script = ref.name if ref.kind is TaskKind.SCRIPT else None if module_in(ref.args) else script_in(ref.args)
    return Path.cwd() if script is None else Path(script).expanduser().absolute().parent


def kind_of_section(keys: Iterable[object]) -> TaskKind | None:
    """Return the kind of task that a task section with these keys is; None if it names no program."""
    key = naming_key(keys)
    return None if key is None else KIND_OF_KEY[key]


def identity(section: Mapping[str, object]) -> dict[str, object]:
    """Return a task section with what it means in another checkout, too: a script outside of the current folder is
    known by its name, because its code has a separate digest."""
    path = section.get("path")
    is_elsewhere = kind_of_section(section) is TaskKind.SCRIPT and isinstance(path, str) and path.startswith("/")
    return {**section, "path": PurePath(str(path)).name} if is_elsewhere else dict(section)


def naming_key(keys: Iterable[object]) -> str | None:
    """Return the key of a task section that names its program; None if there is none."""
    there = set(keys)
    return next((key for key in KIND_OF_KEY if key in there), None)


def is_program(section: Mapping[str, object]) -> bool:
    """Return whether a task section names a program that was not written for sweep."""
    key = naming_key(section)
    return key is not None and KIND_OF_KEY[key] is not TaskKind.FUNCTION


def environment_of(section: Mapping[str, object]) -> dict[str, str]:
    """Return the environment variables that a trial's process needs from its start: those in the `env` of a script."""
    env = section.get("env") if kind_of_section(section) is TaskKind.SCRIPT else None
    return {str(name): str(value) for name, value in env.items()} if isinstance(env, Mapping) else {}
