"""A task's source files: found and read, never imported (importing a task may import paddle)."""

import ast
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

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
    bytes.
    """

    files: tuple[tuple[str, Path], ...]
    root: Path
    digests: Mapping[str, str] = field(hash=False)
    imports: frozenset[str]
    digest: str


def find_task(ref: TaskRef) -> TaskSource:
    """Return the code of a task. Raises ConfigError if it cannot be found."""
    importlib.invalidate_caches()  # also find a file written a moment ago
    return FINDERS[ref.kind](ref)


def missing_imports(source: TaskSource) -> tuple[str, ...]:
    """Return the top-level packages that the task's code imports and that are not installed, sorted."""
    return tuple(sorted(name for name in source.imports if module_file(name) is None and not _is_found(name)))


def module_file(module: str, search: Sequence[str] = ()) -> Path | None:
    """Return the source file of a module, None if there is none; packages on the way are not imported.

    `search` are the folders to look in; by default the current folder and sys.path.
    """
    spec: ModuleSpec | None = None
    path: list[str] | None = list(search) or [str(Path.cwd()), *sys.path]
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
    tree = _parse(ref.key, path, content)
    if ref.function not in _defined(tree):
        raise ConfigError(
            f"task.{ref.key}",
            f"{path} has no function {ref.function}",
            value=ref.function,
            allowed=[node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"],
        )
    return _collect(ref.key, ref.module, path, content)


def _find_script(ref: TaskRef) -> TaskSource:
    """Return a script with the modules that it imports from its own folder. Raises ConfigError."""
    path = Path(ref.name)
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ConfigError(
            f"task.{ref.key}",
            f"cannot be read ({exc.strerror})",
            value=ref.name,
            allowed=[file.name for file in path.parent.glob("*.py")] if path.parent.is_dir() else (),
            hint=f"relative to {Path.cwd()}",
        ) from exc
    return _collect(ref.key, path.stem, path, content, search=(str(path.absolute().parent),))


FINDERS: Mapping[TaskKind, Callable[[TaskRef], TaskSource]] = {
    TaskKind.FUNCTION: _find_function,
    TaskKind.SCRIPT: _find_script,
}


def _is_found(name: str) -> bool:
    try:
        return find_spec(name) is not None or (Path.cwd() / name).is_dir()
    except (ImportError, ValueError):
        return name in sys.modules


def _collect(key: str, module: str, path: Path, content: bytes, search: Sequence[str] = ()) -> TaskSource:
    """Return the files reached from a module inside its own top-level package, or its folder if it has none."""
    files: dict[str, Path] = {}
    contents = {module: content}
    others: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        file = path if name == module else module_file(name, search)
        if file is None:
            continue
        files[name] = file
        if name not in contents:
            contents[name] = file.read_bytes()
        # `import a.b.c` runs a/__init__.py and a/b/__init__.py first.
        waiting += [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
        for imported in _imports(_parse(key, file, contents[name]), name, is_package=file.name == "__init__.py"):
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


def _parse(key: str, path: Path, content: bytes) -> ast.Module:
    try:
        return ast.parse(content, filename=str(path))
    except SyntaxError as exc:
        raise ConfigError(f"task.{key}", f"{path}, line {exc.lineno}: {exc.msg}", value=path.stem) from exc


def _defined(tree: ast.Module) -> list[str]:
    """Return the names that a module binds at its top level and that may be functions."""
    names: list[str] = []
    for node in _statements(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
    return names


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, including those inside `if` and `try`."""
    for node in body:
        yield node
        for name in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _statements(getattr(node, name, []))
        for handler in getattr(node, "handlers", []):
            yield from _statements(handler.body)


def _imports(tree: ast.Module, name: str, *, is_package: bool) -> set[str]:
    """Return the full names of the modules that a module imports, without imports for types only or with a fallback.

    `from a import b` gives both `a` and `a.b`: b may be a module.
    """
    optional = {id(node) for block in _optional_blocks(tree) for stmt in block for node in ast.walk(stmt)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in optional:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".") if is_package else name.split(".")[:-1]
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            if base:
                found |= {base} | {f"{base}.{alias.name}" for alias in node.names if alias.name != "*"}
            else:
                found |= {alias.name for alias in node.names}
    return found


def _optional_blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(_catches_import_error(handler) for handler in node.handlers):
            yield node.body
            yield from (handler.body for handler in node.handlers)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield node.body


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = ast.unparse(handler.type)
    return any(word in caught for word in ("ImportError", "ModuleNotFoundError", "Exception"))
