"""The transactions of one connection: each method of the store is its own, or part of the open one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import RLock
from types import TracebackType

from sqlalchemy import Connection

from sweep.errors import StoreError
from sweep.store.engine import begun, explained, translated


class Transactions:
    """Transactions on a connection to the database `name`, one at a time; threads that share it take turns.

    A StoreError inside one ends it, even if the block continues: further writes are refused.
    """

    def __init__(self, conn: Connection, name: str, *, read_only: bool) -> None:
        self.conn = conn
        self.lock = RLock()
        self._name = name
        self._read_only = read_only
        self._is_open = False  # whether a transaction is open, which others join
        self._failure: BaseException | None = None  # of the database, inside the open transaction

    def writing(self) -> AbstractContextManager[Connection]:
        """Return a block of writes: all of them are kept, or none if it raises. Raises StoreError for a reader."""
        if self._read_only:
            raise StoreError(f"store {self._name} was opened for reading only")
        return _Block(self, writes=True)

    def reading(self) -> AbstractContextManager[Connection]:
        """Return a block of reads: its queries see one state of the database."""
        return _Block(self, writes=False)

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """Run a block outside of any transaction. Raises StoreError if one is open."""
        with self.lock, translated(self._name):
            if self._is_open:
                raise StoreError(f"store {self._name} is in a transaction, which must end first")
            yield self.conn

    def enter(self, *, writes: bool) -> "AbstractContextManager[None] | None":
        """Begin a transaction and return it; None if one is open, which is joined."""
        if self._is_open:
            self._refuse_after_failure()
            return None
        outermost = self._outermost(writes=writes)
        outermost.__enter__()
        return outermost

    def note(self, error: BaseException) -> None:
        """Treat a database failure in a joined block as a failure of the whole transaction. Raises StoreError,
        explained."""
        found = explained(self._name, error)
        if isinstance(error, StoreError) or found is not None:
            self._failure = found or error
        if found is not None:
            raise found from error

    @contextmanager
    def _outermost(self, *, writes: bool) -> Iterator[None]:
        with translated(self._name), begun(self.conn, writes=writes):
            self._is_open, self._failure = True, None
            try:
                yield
                self._refuse_after_failure()
            finally:
                self._is_open = False

    def _refuse_after_failure(self) -> None:
        # On a full disk SQLite rolls back by itself: later writes of a caller that continues would be kept alone.
        if self._failure is not None:
            raise StoreError(
                f"store {self._name}: a write of this transaction failed, so none of it is kept"
            ) from self._failure


class _Block:
    """One `with` block. A class, because a trial passes ten: nested generators take ten times as long."""

    __slots__ = ("_outermost", "_transactions", "_writes")

    def __init__(self, transactions: Transactions, *, writes: bool) -> None:
        self._transactions, self._writes = transactions, writes
        self._outermost: AbstractContextManager[None] | None = None

    def __enter__(self) -> Connection:
        self._transactions.lock.acquire()
        try:
            self._outermost = self._transactions.enter(writes=self._writes)
        except BaseException:
            self._transactions.lock.release()
            raise
        return self._transactions.conn

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if self._outermost is not None:
                self._outermost.__exit__(kind, error, tb)
            elif error is not None:
                self._transactions.note(error)
        finally:
            self._transactions.lock.release()
