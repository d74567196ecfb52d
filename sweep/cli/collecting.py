"""Start-up without garbage collection: imported modules are never garbage, and scanning them takes time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """Collect no garbage inside the block, and exclude what it leaves in memory from later collections."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
