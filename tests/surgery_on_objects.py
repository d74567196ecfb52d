"""Knobs of a running program, applied to live Paddle objects in this process."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from sweep.domain.part import Part
from sweep.seeds import stream_seed
from sweep.worker.callsite import CallSites
from sweep.worker.hooks import Hooks, Role, installed
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.book import Book

SEED = 3


def stream(name: str) -> int:
    return stream_seed(SEED, name)


@contextmanager
def knobs(*observed: str, **values: object) -> Iterator[Book]:
    """Install these knobs alone, observed ones with null. The lines in the book are those of the tests."""
    book = Book(CallSites(Path(__file__).parent))
    with Hooks(Role.CHANGES) as hooks:
        surgery = Surgery(hooks=hooks, book=book, stream=stream, total_steps=100)
        for name, value in {**dict.fromkeys(observed), **values}.items():
            import_module(f"sweep.worker.surgery.{name}").install(surgery, value)
        yield book
    assert installed() == ()


def seed_all(seed: int = 0) -> None:
    random.seed(seed)
    np.random.seed(seed)
    paddle.seed(seed)


def found(book: Book, knob: str) -> Mapping[str, int]:
    """What a knob would reach, and how many of each."""
    return _counts(part for part in book.parts if part.knob == knob)


def changed(book: Book, knob: str) -> Mapping[str, int]:
    return _counts(part for part in book.changes if part.knob == knob)


def _counts(parts: Iterable[Part]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for part in parts:
        counts[part.what] += part.count
    return counts


def weights(model: Any) -> list[np.ndarray]:
    return [parameter.numpy() for parameter in model.parameters()]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    """Whether these are the same arrays, bit for bit."""
    return len(left) == len(right) and all(a.tobytes() == b.tobytes() for a, b in zip(left, right, strict=True))
