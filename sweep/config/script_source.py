"""The code of a script or a command: its file, the modules it imports from its own folders, the config files it names.

Read, never imported. A module is the script's own if it lies in the script's folder, or in a folder that the program
adds to `sys.path` where that can be read (script_paths.py). Each file is read once.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from sweep.config.python_code import import_nodes, named_modules, names_of, parse, statements
from sweep.config.script_paths import PathReader
from sweep.domain.command import module_in, script_in
from sweep.domain.task_ref import TaskRef, code_root
from sweep.errors import ConfigError, nearest

CONFIGS = (".yaml", ".yml", ".json", ".toml")
CONFIG_BYTES = 1 << 20
"""Largest config file that counts as code: a larger one is data."""
MAIN = "__main__"
_INHERITED = re.compile(rb"[\w./~-]+\.ya?ml")
_LOOKED_AT = 3000
"""Most files that are looked at for a script of a similar name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A script or command with its own code. `root` is the folder that its files are named from.

    `files` are the files by module name, that of the script is MAIN; a config file's name is its path from the script's
    folder or the current one. `imports` are the top-level names of all other imports without a fallback. `required` are
    those of them without which the script cannot start; none if it edits `sys.path` in a way that cannot be read.
    """

    root: Path
    files: dict[str, tuple[Path, bytes]]
    imports: frozenset[str]
    required: frozenset[str]


def read_script(ref: TaskRef) -> Program:
    """Return the script that a task names, with its own code. Raises ConfigError."""
    path = Path(ref.name).expanduser().absolute()
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise _not_read(ref, path, exc) from exc
    search = _Search(code_root(ref))
    search.add_main(ref.key, path, content)
    search.follow(ref.key)
    search.read_files(_parts(ref.args), CONFIGS)
    return Program(
        root=code_root(ref),
        files=search.files,
        imports=frozenset(search.others),
        required=frozenset(search.required) if search.is_whole else frozenset(),
    )


def read_command(ref: TaskRef) -> Program:
    """Return the code of a command: its Python script or module as that of a script, and the small files that it names.

    Its imports are not known: it may run in another environment. Raises ConfigError for a script that is no Python.
    """
    root = code_root(ref)
    search = _Search(root)
    module = module_in(ref.args)
    main = script_in(ref.args) if module is None else None
    if module is not None:
        inside = module.replace(".", "/")
        main = next((f"{inside}{end}" for end in (".py", "/__main__.py") if (root / f"{inside}{end}").is_file()), None)
    path = None if main is None else (Path(main).expanduser() if module is None else root / main).absolute()
    content = None if path is None else _small_file(path)
    if path is not None and content is not None:
        search.add_main(ref.key, path, content)
        search.follow(ref.key)
    search.read_files(_parts(ref.args))
    return Program(root=root, files=search.files, imports=frozenset(), required=frozenset())


def _parts(words: Sequence[str]) -> list[str]:
    """Return the words that may name files: `--config=a.yaml` names a.yaml."""
    return [part for word in words for part in (word, word.partition("=")[2]) if part]


@dataclass(slots=True)
class _Module:
    """A file of the program, read and parsed."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


class _Search:
    """Follows the imports of a script in `folder`: from folders in front of and behind those of installed packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, tuple[Path, bytes]] = {}
        self.others: set[str] = set()
        self.required: set[str] = set()
        self.is_whole = True
        self._before, self._behind = [folder], list[Path]()
        self._written: set[Path] = set()  # config files that the code names
        self._waiting: list[_Module] = []
        self._missed: set[tuple[str, bool, bool]] = set()

    def add_main(self, key: str, path: Path, content: bytes) -> None:
        """Add the file that is run. Raises ConfigError if it is no Python."""
        self.files[MAIN] = (path, content)
        self._waiting.append(_Module(MAIN, path, parse(key, path, content)))

    def follow(self, key: str) -> None:
        """Read the script's own modules. Raises ConfigError for one that is no Python."""
        roots = 0
        while self._waiting or roots != len(self._before) + len(self._behind):
            if not self._waiting:  # a folder was added since: what was not found before may be there
                roots = len(self._before) + len(self._behind)
                missed, self._missed = self._missed, set()
                for name, is_needed, is_at_top in missed:
                    self._take(key, name, is_needed=is_needed, is_at_top=is_at_top)
                continue
            module = self._waiting.pop()
            self._read_paths(module)
            for name, is_needed, is_at_top in _imported(module):
                self._take(key, name, is_needed=is_needed, is_at_top=is_at_top)
        for name, is_needed, is_at_top in self._missed:
            top = name.partition(".")[0]
            if is_needed and not self._is_own(top):
                self.others.add(top)
                if is_at_top:
                    self.required.add(top)

    def _take(self, key: str, name: str, *, is_needed: bool, is_at_top: bool) -> None:
        found = self._located(name)
        if not found:
            self._missed.add((name, is_needed, is_at_top))
        for each, path in found:
            if each not in self.files and path != self.files[MAIN][0]:
                content = path.read_bytes()
                self.files[each] = (path, content)
                self._waiting.append(_Module(each, path, parse(key, path, content)))

    def _read_paths(self, module: _Module) -> None:
        reader = PathReader(module.tree, module.path)
        edits = reader.edits()
        self.is_whole = self.is_whole and edits.is_whole
        self._before[:0] = [folder for folder in edits.before if folder not in self._before and folder.is_dir()]
        self._behind += [folder for folder in edits.behind if folder not in self._behind and folder.is_dir()]
        for text in reader.paths(CONFIGS):
            self._written |= {folder / text for folder in (Path.cwd(), module.path.parent, self.folder)}

    def _is_own(self, top: str) -> bool:
        return any(name.partition(".")[0] == top for name in self.files)

    def _located(self, name: str) -> list[tuple[str, Path]]:
        """Return the files that importing a module reads, by module name; empty if it is not the program's own."""
        if name.partition(".")[0] in sys.builtin_module_names:
            return []
        for folder in self._before:
            if found := _in_folder(folder, name):
                return found
        top = name.partition(".")[0]
        if self._behind and not _is_installed(top):
            for folder in self._behind:
                if found := _in_folder(folder, name):
                    return found
        return []

    def read_files(self, named: Sequence[str], suffixes: tuple[str, ...] = ("",)) -> None:
        """Add the small files with these suffixes that the arguments name, the config files that the code names, and
        those that they inherit from."""
        here, folder = Path.cwd(), self.folder
        inside = [*self._before, *self._behind, *([here] if folder.is_relative_to(here) else [])]
        known = {path for path, _ in self.files.values()}
        waiting = [*sorted(self._written), *(base / text for text in named for base in (here, folder))]
        seen: set[Path] = set()
        while waiting:
            path = Path(os.path.normpath(waiting.pop()))
            if path in seen | known or not path.name.endswith(suffixes) or not any(map(path.is_relative_to, inside)):
                continue
            seen.add(path)
            content = _small_file(path)
            if content is not None:
                base = folder if path.is_relative_to(folder) else here
                self.files[os.path.relpath(path, base)] = (path, content)
                if b"_BASE_" in content or b"_base_" in content:  # how Paddle's suites inherit configs
                    waiting += [path.parent / os.fsdecode(each) for each in _INHERITED.findall(content)]


def _imported(module: _Module) -> Iterator[tuple[str, bool, bool]]:
    """Yield the names that a module may import; for each, whether there is no fallback, and whether at its top."""
    at_top = {id(node) for node in statements(module.tree.body)}
    name = "" if module.name == MAIN else module.name
    for node, is_optional in import_nodes(module.tree):
        for each in names_of(node, name, is_package=module.is_package):
            yield each, not is_optional, id(node) in at_top
    for each in named_modules(module.tree):
        yield each, False, False


def _in_folder(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return the files that importing a module from this folder reads, in order; empty if it is not there.

    `a.b` may be a name in `a`: then these are the files of `a`. A folder without `__init__.py` is a package, too, if no
    package of its name is installed.
    """
    found: list[tuple[str, Path]] = []
    parts = name.split(".")
    is_there = False
    for depth, part in enumerate(parts):
        package, module = folder / part, folder / f"{part}.py"
        full = ".".join(parts[: depth + 1])
        if (init := package / "__init__.py").is_file():
            found.append((full, init))
        elif module.is_file():
            return [*found, (full, module)]
        elif not package.is_dir() or (depth == 0 and _is_installed(part)):
            break
        is_there, folder = True, package
    return found if is_there else []


def _is_installed(top: str) -> bool:
    """Return whether a regular package or module of this name is found outside of the current folder."""
    here = str(Path.cwd())
    spec = PathFinder.find_spec(top, [entry for entry in sys.path if entry not in ("", here)])
    return spec is not None and spec.origin is not None


def _small_file(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= CONFIG_BYTES else None
    except OSError:
        return None


def _not_read(ref: TaskRef, path: Path, exc: OSError) -> ConfigError:
    """Return the error for a script that cannot be read, with the names of scripts nearby."""
    if path.is_dir():
        problem = "is a folder: name the script in it"
        near = sorted(str(Path(ref.name) / each.name) for each in path.glob("*.py"))[:8]
    else:
        is_missing = isinstance(exc, FileNotFoundError | NotADirectoryError)
        problem = "there is no such script" if is_missing else f"cannot be read ({exc.strerror})"
        near = _nearby(path)
    hint = f"did you mean {near[0]}?" if near else f"paths are relative to {Path.cwd()}"
    return ConfigError(f"task.{ref.key}", problem, value=ref.name, allowed=near, hint=hint)


def _nearby(path: Path) -> list[str]:
    """Return scripts below the current folder, or in the path's own, that it may have meant, nearest first."""
    here = Path.cwd()
    found = list(path.parent.glob("*.py"))
    looked_at = 0
    for folder, folders, files in os.walk(here):
        depth = len(Path(folder).relative_to(here).parts)
        folders[:] = sorted(each for each in folders if each[0] != "." and each != "site-packages") if depth < 3 else []
        looked_at += len(files) + len(folders)
        found += [Path(folder) / name for name in files if name == path.name]
        if looked_at > _LOOKED_AT:
            break
    names = {os.path.relpath(each, here): each for each in found}
    same = sorted(name for name, each in names.items() if each.name == path.name)
    others = {each.name: name for name, each in names.items() if name not in same}
    near = nearest(path.name, others)
    first = [*same, *([] if near is None else [others[near]])]
    return list(dict.fromkeys([*first, *sorted(others.values())]))[:8]
