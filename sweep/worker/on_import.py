"""Does something right after a module is imported, or now if it is imported already."""

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

Action = Callable[[Any], object]


def on_import(name: str, action: Action) -> None:
    """Call `action(module)` after the top-level module `name` is imported, in place of an earlier action for it."""
    if name in sys.modules:
        action(sys.modules[name])
        return
    finder = next((finder for finder in sys.meta_path if isinstance(finder, OnImport)), None)
    if finder is None:
        finder = OnImport()
        sys.meta_path.insert(0, finder)
    finder.actions[name] = action


class OnImport:
    """An import finder that calls an action for each of the modules it knows, right after the module is imported."""

    def __init__(self) -> None:
        self.actions: dict[str, Action] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's spec with a loader that calls the action; None for any other module."""
        if name not in self.actions:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = _ActingLoader(spec.loader, self.actions)
            spec.loader = loader
        return spec


class _ActingLoader:
    """Duck-typed: subclassing `importlib.abc.Loader` would make every run import importlib.resources."""

    def __init__(self, loader: Any, actions: dict[str, Action]) -> None:
        self._loader = loader
        self._actions = actions

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self._loader  # the library must see its usual loader
        module: ModuleType | None = self._loader.create_module(spec)
        itself: Any = self
        spec.loader = itself
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        if action := self._actions.pop(module.__name__, None):
            action(module)
