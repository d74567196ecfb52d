"""Seeds the global random generators of a trial, each from its own stream, also if the library is imported later."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sweep.seeds import stream_seed
from sweep.worker.on_import import on_import

SEEDERS: dict[str, Callable[[Any, int], object]] = {
    "random": lambda module, seed: module.seed(seed),
    "numpy": lambda module, seed: module.random.seed(seed),
    "paddle": lambda module, seed: module.seed(seed),
}
"""How to seed the global generator of each library. A library that the task does not import is not imported here."""


def seed_globals(seed: int) -> None:
    """Seed the global generators of imported libraries now, and the others when they are imported."""
    for name, seeder in SEEDERS.items():
        on_import(name, partial(_seed, seeder, stream_seed(seed, name)))


def _seed(seeder: Callable[[Any, int], object], seed: int, module: Any) -> None:
    seeder(module, seed)
