"""The open store that all objects read from it share."""

from collections.abc import Iterable

from sweep.errors import NotFoundError, StoreError, nearest
from sweep.store import Store


class Source:
    """A store that can be closed once; reading it after that raises StoreError."""

    def __init__(self, store: Store, url: str) -> None:
        self.url = url
        self._store: Store | None = store

    @property
    def is_open(self) -> bool:
        """Whether the store can still be read."""
        return self._store is not None

    @property
    def store(self) -> Store:
        """The store. Raises StoreError once it is closed."""
        if self._store is None:
            raise StoreError(f"the store {self.url} has been closed", hint="sweep.open_store() opens it again")
        return self._store

    def close(self) -> None:
        """Close the store; closing it again does nothing."""
        if self._store is not None:
            self._store.close()
            self._store = None


def missing(what: str, wanted: object, there: Iterable[object]) -> NotFoundError:
    """Return the error for an unknown name: it lists the known ones and suggests the nearest."""
    names = [str(name) for name in there]
    near = nearest(str(wanted), names)
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return NotFoundError(
        f"there is no {what} {wanted!r}\n  known: {shown or 'none'}",
        hint=None if near is None else f"did you mean {near!r}?",
    )
