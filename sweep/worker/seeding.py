"""Seeds the global random generators of a trial, each from its own stream, also if the library is imported later."""

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from sweep.seeds import stream_seed

SEEDERS: dict[str, Callable[[Any, int], object]] = {
    "random": lambda module, seed: module.seed(seed),
    "numpy": lambda module, seed: module.random.seed(seed),
    "paddle": lambda module, seed: module.seed(seed),
}
"""How to seed the global generator of each library. A library that the task does not import is not imported here."""


def seed_globals(seed: int) -> None:
    """Seed the global generators of imported libraries now, and the others when they are imported."""
    for name, seeder in SEEDERS.items():
        if name in sys.modules:
            seeder(sys.modules[name], stream_seed(seed, name))
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, SeedOnImport)]
    sys.meta_path.insert(0, SeedOnImport(seed, [name for name in SEEDERS if name not in sys.modules]))


class SeedOnImport:
    """An import finder that seeds a library's generator right after the library is imported."""

    def __init__(self, seed: int, names: list[str]) -> None:
        self._seed = seed
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the library's spec with a loader that seeds its generator; None for any other module."""
        if name not in self._names:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = _SeedingLoader(spec.loader, stream_seed(self._seed, name))
            spec.loader = loader
        return spec


class _SeedingLoader:
    """Duck-typed: subclassing `importlib.abc.Loader` would make every run import importlib.resources."""

    def __init__(self, loader: Any, seed: int) -> None:
        self._loader = loader
        self._seed = seed

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
        SEEDERS[module.__name__](module, self._seed)
