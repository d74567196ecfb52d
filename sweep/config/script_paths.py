"""Paths in the source of a script: the folders it adds to `sys.path`, and the files that it names, without running it.

Only what is written out can be read: `os.path.join(os.path.dirname(__file__), "..")`, `Path(__file__).parent / "lib"`,
a name that was given such a value once.
"""

import ast
import os.path
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_OF_ONE: Mapping[str, Callable[[str], str]] = {
    "dirname": os.path.dirname,
    "abspath": os.path.abspath,
    "realpath": os.path.realpath,
    "normpath": os.path.normpath,
    "expanduser": os.path.expanduser,
    "basename": os.path.basename,
    "str": str,
    "Path": lambda path: str(Path(path)),
    "fspath": str,
    "resolve": lambda path: str(Path(path).resolve()),
    "absolute": lambda path: str(Path(path).absolute()),
    "as_posix": str,
}
"""Functions and methods of one path."""
_CONSTANTS = {"pardir": "..", "curdir": ".", "sep": "/"}
MOST_DEPTH = 20
"""How deeply an expression is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEdits:
    """What a file adds to `sys.path`: folders in front of and behind the others. `is_whole` is False if there is an
    edit that cannot be read."""

    before: tuple[Path, ...] = ()
    behind: tuple[Path, ...] = ()
    is_whole: bool = True


class PathReader:
    """Reads the paths in one file's source. `file` is absolute."""

    def __init__(self, tree: ast.Module, file: Path) -> None:
        self._tree, self._file = tree, file
        self._named: dict[str, ast.expr | None] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                self._named[name] = None if name in self._named else node.value  # given twice: not known

    def edits(self) -> PathEdits:
        """Return what the file adds to `sys.path`."""
        before: list[Path] = []
        behind: list[Path] = []
        is_whole = True
        for is_before, value in self._edits():
            path = None if value is None else self.value(value)
            if path is None:
                is_whole = False
            else:
                (before if is_before else behind).append(Path(path).absolute())
        return PathEdits(before=tuple(reversed(before)), behind=tuple(behind), is_whole=is_whole)

    def paths(self, suffixes: tuple[str, ...]) -> Iterator[str]:
        """Yield the paths with one of these suffixes that are written in the file, as they are written."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Constant | ast.Call | ast.BinOp):
                path = self.value(node)
                if path is not None and path.endswith(suffixes) and "\n" not in path:
                    yield path

    def value(self, node: ast.expr, depth: int = 0) -> str | None:
        """Return the text that an expression gives, None if that cannot be read from it."""
        if depth > MOST_DEPTH:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                return str(self._file)
            known = self._named.get(node.id)
            return None if known is None else self.value(known, depth + 1)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, depth)
        if isinstance(node, ast.Subscript):
            return self._parent(node, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Div):
            left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
            if left is None or right is None:
                return None
            return left + right if isinstance(node.op, ast.Add) else str(Path(left) / right)
        return self._call(node, depth) if isinstance(node, ast.Call) else None

    def _attribute(self, node: ast.Attribute, depth: int) -> str | None:
        if node.attr in _CONSTANTS:
            return _CONSTANTS[node.attr]
        inner = self.value(node.value, depth + 1) if node.attr == "parent" else None
        return None if inner is None else str(Path(inner).parent)

    def _parent(self, node: ast.Subscript, depth: int) -> str | None:
        """Return the value of `path.parents[1]`."""
        if not (isinstance(node.value, ast.Attribute) and node.value.attr == "parents"):
            return None
        inner = self.value(node.value.value, depth + 1)
        at = node.slice.value if isinstance(node.slice, ast.Constant) else None
        parents = () if inner is None else tuple(Path(inner).parents)
        return str(parents[at]) if isinstance(at, int) and 0 <= at < len(parents) else None

    def _call(self, node: ast.Call, depth: int) -> str | None:
        """Return the value of a call of a function of paths, or of such a method of a path."""
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        args = [self.value(each, depth + 1) for each in node.args]
        if name in ("getcwd", "cwd"):
            return str(Path.cwd())
        if isinstance(function, ast.Attribute) and name in ("resolve", "absolute", "as_posix", "joinpath"):
            args.insert(0, self.value(function.value, depth + 1))
        texts = [each for each in args if each is not None]
        if not texts or len(texts) < len(args):
            return None
        if name in ("join", "joinpath", "Path") and not isinstance(getattr(function, "value", None), ast.Constant):
            return os.path.join(*texts)  # noqa: PTH118
        return _OF_ONE[name](texts[0]) if name in _OF_ONE and len(texts) == 1 else None

    def _edits(self) -> Iterator[tuple[bool, ast.expr | None]]:
        """Yield the expressions that are added to `sys.path`, each with whether in front; None for one not known."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_sys_path(node.func.value):
                if node.func.attr == "insert" and len(node.args) == 2:
                    yield True, node.args[1]
                elif node.func.attr == "append" and len(node.args) == 1:
                    yield False, node.args[0]
                elif node.func.attr == "extend" and len(node.args) == 1:
                    yield from ((False, each) for each in _elements(node.args[0]))
            elif isinstance(node, ast.AugAssign) and _is_sys_path(node.target):
                yield from ((False, each) for each in _elements(node.value))
            elif isinstance(node, ast.Assign) and any(map(_is_sys_path, node.targets)):
                whole = node.value
                is_in_front = isinstance(whole, ast.BinOp) and _is_sys_path(whole.right)
                added = whole.left if isinstance(whole, ast.BinOp) and is_in_front else None
                yield from ((True, each) for each in reversed([None] if added is None else _elements(added)))


def _elements(node: ast.expr) -> list[ast.expr | None]:
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple) else [None]


def _is_sys_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and getattr(node.value, "id", "") == "sys"
