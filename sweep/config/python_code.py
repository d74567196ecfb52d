"""What Python source says without being run: the modules that it imports, the names that it binds."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweep.errors import ConfigError


def parse(key: str, path: Path, content: bytes) -> ast.Module:
    """Return the syntax tree of a file. Raises ConfigError, naming the key `task.KEY` that led to it, and the line."""
    try:
        return ast.parse(content, filename=str(path))
    except SyntaxError as exc:
        raise ConfigError(f"task.{key}", f"{path}, line {exc.lineno}: {exc.msg}", value=path.stem) from exc
    except (ValueError, RecursionError) as exc:  # a NUL character, or no Python at all
        raise ConfigError(f"task.{key}", f"{path} is not Python source: {exc}", value=path.stem) from exc


def defined(tree: ast.Module) -> list[str]:
    """Return the names that a module binds at its top level and that may be functions."""
    names: list[str] = []
    for node in statements(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
    return names


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, including those inside `if` and `try`."""
    for node in body:
        yield node
        for name in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from statements(getattr(node, name, []))
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body)


Import = ast.Import | ast.ImportFrom


def imports(tree: ast.Module, name: str, *, is_package: bool) -> set[str]:
    """Return the full names of the modules that a module imports, without imports for types only or with a fallback.

    `from a import b` gives both `a` and `a.b`: b may be a module.
    """
    optional = optional_nodes(tree)
    found = [node for node in ast.walk(tree) if isinstance(node, Import) and id(node) not in optional]
    return {each for node in found for each in names_of(node, name, is_package=is_package)}


def optional_nodes(tree: ast.Module) -> set[int]:
    """Return the ids of the nodes inside imports for types only, or with a fallback."""
    return {id(node) for block in _optional_blocks(tree) for stmt in block for node in ast.walk(stmt)}


def names_of(node: Import, name: str, *, is_package: bool) -> set[str]:
    """Return the full names of the modules that an import in module `name` may import."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    base = node.module or ""
    if node.level:
        package = name.split(".") if is_package else name.split(".")[:-1]
        above = package[: len(package) - node.level + 1]
        base = ".".join([*above, base] if base else above)
    if base:
        return {base} | {f"{base}.{alias.name}" for alias in node.names if alias.name != "*"}
    return {alias.name for alias in node.names}


def named_modules(tree: ast.Module) -> set[str]:
    """Return the modules that are imported by a name written out: `importlib.import_module("models.net")`."""
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        in ("import_module", "__import__")
        and not node.args[0].value.startswith(".")
    }


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
