"""sweep: which change makes a PaddlePaddle training run converge, how sure that is, and what it cost to find out.

From Python, `sweep.open_store()` reads what studies have left (docs/notebook.md), and `sweep.visualize_batch(x, y)`
draws a batch with its labels (docs/checks.md). A program that sweep runs may report a metric by
`sweep.log(val_acc=0.9)` (docs/scripts.md). Importing this imports nothing else.
"""

from typing import TYPE_CHECKING, Any

from sweep.program import log

if TYPE_CHECKING:
    from sweep.picture import visualize_batch
    from sweep.reading import open_store

__version__ = "0.1.0"
__all__ = ["__version__", "log", "open_store", "visualize_batch"]


def __getattr__(name: str) -> Any:
    # Lazily: the store brings SQLAlchemy and NumPy, which neither a trial's process nor `--version` needs.
    if name == "open_store":
        from sweep.reading import open_store

        return open_store
    if name == "visualize_batch":
        from sweep.picture import visualize_batch

        return visualize_batch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
