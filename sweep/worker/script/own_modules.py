"""Lets a program's own modules named `sweep`, `tasks` or `conf` win over ours, while ours keep working."""

import builtins
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = ("sweep", "tasks", "conf")
"""Top-level names that this package installs."""

_HERE = f"{Path(__file__).parents[2]}/"


def yield_names(folder: str) -> tuple[str, ...]:
    """From now on import the modules of `folder` under those of our names that it has; return these names."""
    names = tuple(name for name in OURS if PathFinder.find_spec(name, [folder]) is not None)
    if names:
        finder = _OwnModules(folder, names)
        theirs = _Swap(names, finder)
        sys.meta_path.insert(0, finder)
        builtins.__import__ = theirs.importer(builtins.__import__)
    return names


class _OwnModules:
    """An import finder for a program's modules with names of ours, packages without `__init__.py` included."""

    def __init__(self, folder: str, names: tuple[str, ...]) -> None:
        self.is_active = True
        self._folder, self._names = folder, names

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the protocol's signature
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's signature
    ) -> ModuleSpec | None:
        """Return the spec of the program's module, None for other names, and while our own code imports."""
        return PathFinder.find_spec(name, [self._folder]) if self.is_active and name in self._names else None


class _Swap:
    """The modules under the names in question: the program's are in `sys.modules`, but while our code imports, ours."""

    def __init__(self, names: tuple[str, ...], finder: _OwnModules) -> None:
        self._names, self._finder = names, finder
        self._ours = self._take_out()
        self._lock = threading.RLock()

    def importer(self, below: Any) -> Any:
        """Return `__import__` for both: whose module imports decides."""

        def import_module(
            name: str,
            globals: Mapping[str, object] | None = None,  # noqa: A002 - the signature is Python's
            locals: Mapping[str, object] | None = None,  # noqa: A002
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> ModuleType:
            if globals is None or not str(globals.get("__file__", "")).startswith(_HERE):
                return below(name, globals, locals, fromlist, level)  # type: ignore[no-any-return]
            with self._as_ours():
                return below(name, globals, locals, fromlist, level)  # type: ignore[no-any-return]

        return import_module

    @contextmanager
    def _as_ours(self) -> Iterator[None]:
        with self._lock:
            if not self._finder.is_active:  # an import inside one of ours
                yield
                return
            theirs = self._take_out()
            sys.modules.update(self._ours)
            self._finder.is_active = False
            try:
                yield
            finally:
                self._finder.is_active = True
                self._ours = self._take_out()
                sys.modules.update(theirs)

    def _take_out(self) -> dict[str, ModuleType]:
        found = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in self._names}
        for name in found:
            del sys.modules[name]
        return found
