"""The program that a study trains, as named in a task section: each kind of task has its own key.

A task is found and fingerprinted in `config/source.py` (it reads files, and imports neither paddle nor the task), and
loaded and prepared in `worker/loading.py` (it imports the task, and does not need Hydra). Both use this type. A new
kind needs a member and a line here, and a line in the dict of each of these two.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from sweep.domain.enums import StrEnum
from sweep.domain.script_words import SUFFIX, stem_of
from sweep.errors import ConfigError


class TaskKind(StrEnum):
    """How the program of a task is given."""

    FUNCTION = "function"  # MODULE.FUNCTION of an importable module: train(cfg, run)
    SCRIPT = "script"  # any Paddle script, as it is; keys in conf/task/script.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How a kind of task is named: by the value of `key`, which `is_name` accepts; `form` describes it to the user."""

    key: str
    is_name: Callable[[str], bool]
    form: str


def _is_dotted(text: str) -> bool:
    return "." in text and all(part.isidentifier() for part in text.split("."))


def _is_script(text: str) -> bool:
    return text.endswith(SUFFIX)


NAMINGS: Mapping[TaskKind, Naming] = {
    TaskKind.FUNCTION: Naming(key="_target_", is_name=_is_dotted, form="must name a function: package.module.function"),
    TaskKind.SCRIPT: Naming(key="path", is_name=_is_script, form="must name a Python script: train.py"),
}

NAMELESS = frozenset({TaskKind.SCRIPT.value})
"""The files of conf/task/ that are a kind rather than a task: a study is called after the program."""

KIND_OF_KEY: Mapping[str, TaskKind] = {naming.key: kind for kind, naming in NAMINGS.items()}
"""The keys that name a program, with their kinds of task. A section is of the first kind whose key it has: a function
may have a `path` of its own. No axis may change the key that names the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRef:
    """A task by its kind and name; `key` is the key of the task section with the name. `args` are a script's own."""

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
        name, kind = section[key], KIND_OF_KEY[key]
        if not isinstance(name, str) or not NAMINGS[kind].is_name(name):
            raise ConfigError(f"task.{key}", NAMINGS[kind].form, value=name, hint=_notebook_hint(name))
        args = section.get("args") if kind is TaskKind.SCRIPT else None
        words = tuple(map(str, args)) if isinstance(args, list) else ()
        return cls(kind=kind, key=key, name=name, args=words)

    @property
    def title(self) -> str | None:
        """What a study of this program is called if no file of the user's names it: a script's name without `.py`;
        None for a function."""
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


def kind_of_section(keys: Iterable[object]) -> TaskKind | None:
    """Return the kind of task that a task section with these keys is; None if it names no program."""
    key = naming_key(keys)
    return None if key is None else KIND_OF_KEY[key]


def identity(section: Mapping[str, object]) -> dict[str, object]:
    """Return a task section with what it means in another checkout, too: a script outside of the current folder is
    known by its name, as its code has a digest of its own."""
    path = section.get("path")
    is_elsewhere = kind_of_section(section) is TaskKind.SCRIPT and isinstance(path, str) and path.startswith("/")
    return {**section, "path": PurePath(str(path)).name} if is_elsewhere else dict(section)


def naming_key(keys: Iterable[object]) -> str | None:
    """Return the key of a task section that names its program; None if there is none."""
    there = set(keys)
    return next((key for key in KIND_OF_KEY if key in there), None)
