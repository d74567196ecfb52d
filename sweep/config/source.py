"""A task's source files: found and read, never imported (importing a task may import paddle)."""

import ast
import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from sweep.config.python_code import defined, imports, parse
from sweep.config.script_source import Program, read_command, read_script
from sweep.domain.digest import content_digest
from sweep.domain.task_ref import TaskKind, TaskRef, root_of
from sweep.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSource:
    """The code of a task: its own module and what it imports from the same package or folder, transitively.

    Each file is read once, and everything known about its contents comes from that one read.

    `files` maps module names to paths, by name. `root` is the folder that its module is imported from; `digests` are of
    the files' contents, by path from `root` (absolute for a file outside of it). `imports` are the top-level names of
    all other imports without a fallback, including the standard library. `digest` is a hex digest of all the files'
    bytes. `required` are those of the imports without which a script cannot start.
    """

    files: tuple[tuple[str, Path], ...]
    root: Path
    digests: Mapping[str, str] = field(hash=False)
    imports: frozenset[str]
    digest: str
    required: frozenset[str] = frozenset()


def find_task(ref: TaskRef) -> TaskSource:
    """Return the code of a task. Raises ConfigError if it cannot be found."""
    importlib.invalidate_caches()  # also find a file written a moment ago
    return FINDERS[ref.kind](ref)


def missing_imports(source: TaskSource) -> tuple[str, ...]:
    """Return the top-level packages that the task's code imports and that are not installed, sorted."""
    return tuple(sorted(name for name in source.imports if module_file(name) is None and not _is_found(name)))


def missing_required(source: TaskSource) -> tuple[str, ...]:
    """Return the packages, paddle left out, that a script cannot start without and that are not installed, sorted."""
    return tuple(name for name in missing_imports(source) if name in source.required and name != "paddle")


def module_file(module: str) -> Path | None:
    """Return the source file of a module on sys.path, None if there is none; packages on the way are not imported."""
    spec: ModuleSpec | None = None
    path: list[str] | None = [str(Path.cwd()), *sys.path]
    for part in module.split("."):
        # The parts are looked up by their last name: with a full one, a namespace package asks for its parent's module.
        spec = PathFinder.find_spec(part, path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or [])
    assert spec is not None
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


def _find_function(ref: TaskRef) -> TaskSource:
    """Return the module of a function with the modules it uses. Raises ConfigError."""
    path = module_file(ref.module)
    if path is None:
        raise ConfigError(
            f"task.{ref.key}",
            f"module {ref.module} not found",
            value=ref.name,
            hint=f"searched in {Path.cwd()} and on PYTHONPATH",
        )
    content = path.read_bytes()
    tree = parse(ref.key, path, content)
    if ref.function not in defined(tree):
        raise ConfigError(
            f"task.{ref.key}",
            f"{path} has no function {ref.function}",
            value=ref.function,
            allowed=[node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"],
        )
    return _collect(ref.key, ref.module, path, content)


def _find_script(ref: TaskRef) -> TaskSource:
    """Return a script with its own modules and the config files that it names. Raises ConfigError."""
    return _source_of(read_script(ref))


def _find_command(ref: TaskRef) -> TaskSource:
    """Return the script or module of a command, likewise, and the files that it names. Raises ConfigError."""
    return _source_of(read_command(ref))


def _source_of(program: Program) -> TaskSource:
    root = program.root
    digest = hashlib.blake2b(digest_size=16)
    for name, (_, content) in sorted(program.files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return TaskSource(
        files=tuple((name, path) for name, (path, _) in sorted(program.files.items())),
        root=root,
        # Relative also for a file beside or above the script's folder: a moved checkout has the same names.
        digests={os.path.relpath(path, root): content_digest(content) for path, content in program.files.values()},
        imports=program.imports,
        required=program.required,
        digest=digest.hexdigest(),
    )


FINDERS: Mapping[TaskKind, Callable[[TaskRef], TaskSource]] = {
    TaskKind.FUNCTION: _find_function,
    TaskKind.SCRIPT: _find_script,
    TaskKind.COMMAND: _find_command,
}


def _is_found(name: str) -> bool:
    try:
        return find_spec(name) is not None or (Path.cwd() / name).is_dir()
    except (ImportError, ValueError):
        return name in sys.modules


def _collect(key: str, module: str, path: Path, content: bytes) -> TaskSource:
    """Return the files reached from a module inside its own top-level package, or its folder if it has none."""
    files: dict[str, Path] = {}
    contents = {module: content}
    others: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        file = path if name == module else module_file(name)
        if file is None:
            continue
        files[name] = file
        if name not in contents:
            contents[name] = file.read_bytes()
        # `import a.b.c` runs a/__init__.py and a/b/__init__.py first.
        waiting += [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
        for imported in imports(parse(key, file, contents[name]), name, is_package=file.name == "__init__.py"):
            if _is_local(imported, module, path):
                waiting.append(imported)
            else:
                others.add(imported.partition(".")[0])
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(files):
        digest.update(f"{name}\0{len(contents[name])}\0".encode() + contents[name])
    root = root_of(module, path.absolute())
    return TaskSource(
        files=tuple(sorted(files.items())),
        root=root,
        digests={_named(files[name], root): content_digest(contents[name]) for name in sorted(files)},
        imports=frozenset(others),
        digest=digest.hexdigest(),
    )


def _named(file: Path, root: Path) -> str:
    """Return a file's path from the root, or its absolute path if it is elsewhere."""
    file = file.absolute()
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)


def _is_local(imported: str, module: str, path: Path) -> bool:
    """Return whether an imported name is part of the task's own code."""
    top = imported.partition(".")[0]
    if "." in module:
        return top == module.partition(".")[0]
    beside = path.parent
    return (beside / f"{top}.py").is_file() or (beside / top / "__init__.py").is_file()
