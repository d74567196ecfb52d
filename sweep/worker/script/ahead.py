"""Imports ahead, once for all trials, the installed packages that a script imports: scikit-learn takes a second.

Only where a trial cannot tell: imports at the top level of the script's own files, without a condition; no package that
uses Paddle (its names must be made when surgery is installed); nothing if the program sets environment variables, which
packages read at their import. Each import is tried out in a forked child first.
"""

import ast
import importlib
import sys
from collections.abc import Iterable
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from sweep.worker.proven import is_harmless

READS = ("get", "copy", "items", "keys", "values")
"""Methods of os.environ that do not change it."""


def import_ahead(sources: Iterable[bytes], folder: Path) -> tuple[str, ...]:
    """Import what the program's files, given as source text, import from installed packages; return the names.

    `folder` is the program's own. Files that cannot be parsed are skipped.
    """
    trees = [tree for source in sources if (tree := _parsed(source)) is not None]
    if any(_sets_environment(tree) for tree in trees):
        return ()
    done = []
    for name in dict.fromkeys(name for tree in trees for name in _imported(tree)):
        if name not in sys.modules and _is_installed(name, folder) and is_harmless(partial(_try, name)):
            importlib.import_module(name)
            done.append(name)
    return tuple(done)


def _parsed(source: bytes) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _imported(tree: ast.Module) -> list[str]:
    """Return the full names of the modules that are imported unconditionally when the file is run."""
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names


def _sets_environment(tree: ast.Module) -> bool:
    """Return whether a file names os.environ or putenv in a way that may change it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("putenv", "unsetenv"):
            return True
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and _is_environ(node.value):
            return True
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and _is_environ(called.value) and called.attr not in READS:
            return True
    return False


def _is_environ(node: ast.expr) -> bool:
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) == "environ"


def _is_installed(name: str, folder: Path) -> bool:
    """Return whether a name is that of an installed package, not of one of the program's own modules."""
    top = name.partition(".")[0]
    if (folder / f"{top}.py").exists() or (folder / top).is_dir():
        return False
    spec = PathFinder.find_spec(top)
    return spec is not None and spec.origin is not None and "site-packages" in Path(spec.origin).parts


def _try(name: str) -> bool:
    """Import a module; return whether no module that this imported uses Paddle."""
    before = set(sys.modules)
    importlib.import_module(name)
    new = [module for key, module in sys.modules.items() if key not in before and not _is_of_paddle(key)]
    return not any(_uses_paddle(module) for module in new)


def _uses_paddle(module: ModuleType) -> bool:
    for value in list(getattr(module, "__dict__", {}).values()):
        origin = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if isinstance(origin, str) and _is_of_paddle(origin):
            return True
    return False


def _is_of_paddle(name: str) -> bool:
    return name == "paddle" or name.startswith("paddle.")
