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

_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
"""The fields of a node that hold statements, or the nodes that hold these."""


def imports(tree: ast.Module, name: str, *, is_package: bool) -> set[str]:
    """Return the full names of the modules that a module imports, without imports for types only or with a fallback.

    `from a import b` gives both `a` and `a.b`: b may be a module.
    """
    found = [node for node, is_optional in import_nodes(tree) if not is_optional]
    return {each for node in found for each in names_of(node, name, is_package=is_package)}


def import_nodes(tree: ast.Module) -> Iterator[tuple[Import, bool]]:
    """Yield all imports of a module; for each, whether it is for types only, or has a fallback."""
    waiting: list[tuple[Sequence[ast.AST], bool]] = [(tree.body, False)]
    while waiting:
        nodes, is_optional = waiting.pop()
        for node in nodes:
            if isinstance(node, Import):
                yield node, is_optional
            is_tried = isinstance(node, ast.Try) and any(map(_catches_import_error, node.handlers))
            is_typing = isinstance(node, ast.If) and _names_type_checking(node.test)
            for field in _BLOCKS:  # imports are statements: no expression has one
                within = (is_tried and field in ("body", "handlers")) or (is_typing and field == "body")
                block = getattr(node, field, None)
                if isinstance(block, list):  # that of a lambda is an expression
                    waiting.append((block, is_optional or within))


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


def _names_type_checking(test: ast.expr) -> bool:
    return any(
        (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")) == "TYPE_CHECKING"
        for node in ast.walk(test)
    )


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = ast.unparse(handler.type)
    return any(word in caught for word in ("ImportError", "ModuleNotFoundError", "Exception"))
