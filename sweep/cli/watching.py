"""Follows a study until it is over, and shows each change."""

import json
import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from sweep.cli.printing import Printer
from sweep.cli.shared import lock_of
from sweep.cli.study_state import StudyState, read_study_state
from sweep.clock import monotonic_s
from sweep.domain.printable import printable
from sweep.errors import NotFoundError, StoreError
from sweep.store import Store

BEING_MADE_S = 10.0
"""Time (s) allowed for a new file to become a store: another process may be creating it."""


class Watch:
    """Polls a store and shows each change, until the study is over.

    If the store does not exist yet, or has no study yet, it waits.
    """

    def __init__(self, url: str, name: str | None, interval_s: float, view: "View") -> None:
        self._url, self._name, self._interval_s, self._view = url, name, interval_s, view
        self._is_waiting = False
        self._since = monotonic_s()

    def run(self) -> int:
        """Follow the study until it is over; return the exit code 0, however it ended."""
        with self._view as view:
            before: object = None
            seen: StudyState | None = None
            while True:
                mark = file_mark(self._url)
                if mark is None or mark != before:
                    before, seen = mark, self._look()
                elif seen is not None:
                    seen = self._unless_left(seen)
                if seen is not None:
                    view.show(seen)
                    if seen.is_over:
                        return 0
                time.sleep(self._interval_s)

    def _look(self) -> StudyState | None:
        try:
            with Store.open(self._url, read_only=True) as store:
                self._is_waiting = self._is_waiting or not store.studies()
                seen = read_study_state(store, self._name, self._url)
        except (NotFoundError, StoreError) as error:
            if not self._may_appear(error):
                raise
            self._view.waiting(f"{error.message.splitlines()[0]}; waiting for it")
            return None
        self._is_waiting = False
        return seen

    def _may_appear(self, error: NotFoundError | StoreError) -> bool:
        file = Store.file_of(self._url)
        if file is not None and not file.exists():
            self._is_waiting, self._since = True, monotonic_s()
        if isinstance(error, StoreError):
            return self._is_waiting and monotonic_s() - self._since < BEING_MADE_S
        return self._is_waiting

    def _unless_left(self, seen: StudyState) -> StudyState:
        """Return the progress, read again if the orchestrator is gone: being killed changes no file."""
        lock = lock_of(seen.study)
        return seen if lock is None or lock.holder() is not None else self._look() or seen


def file_mark(url: str) -> object | None:
    """Return a value that changes with every write to a SQLite store, None for another database.

    It takes two system calls, so watching an idle study costs next to nothing.
    """
    file = Store.file_of(url)
    if file is None:
        return None
    marks: list[tuple[int, int, int]] = []
    for path in (file, file.with_name(file.name + "-wal")):
        try:
            found = path.stat()
        except FileNotFoundError:
            marks.append((0, 0, 0))
        else:
            marks.append((found.st_ino, found.st_mtime_ns, found.st_size))
    return tuple(marks)


class View:
    """Displays what a watch reads. A context manager that restores the terminal."""

    def __enter__(self) -> "View":
        return self

    def __exit__(self, *exc: object) -> None:
        """Restore the terminal."""

    def waiting(self, text: str) -> None:
        """Show what the watch waits for."""

    def show(self, seen: StudyState) -> None:
        """Show the progress if it has changed."""


class Lines(View):
    """Prints a line for each change; for `--json`, an object per line."""

    def __init__(self, line_of: Callable[[StudyState], str], *, ends_with_words: bool) -> None:
        self._line_of, self._ends_with_words = line_of, ends_with_words
        self._last = ""

    def waiting(self, text: str) -> None:
        """Print what the watch waits for, once."""
        if self._ends_with_words:
            self._print(text)

    def show(self, seen: StudyState) -> None:
        """Print the progress if it has changed, and at the end how the study ended."""
        self._print(self._line_of(seen))
        if seen.is_over and self._ends_with_words:
            self._print(seen.how_it_ended())

    def _print(self, text: str) -> None:
        if text != self._last:
            print(printable(text), flush=True)
            self._last = text


class Screen(View):
    """Shows the status on a terminal, redrawn when it changes."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)
        self._last: StudyState | None = None

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Keep the last state on the screen."""
        self._live.stop()

    def waiting(self, text: str) -> None:
        """Show what the watch waits for."""
        self._live.update(Text(f"{text} (Ctrl-C to stop)", style="dim"), refresh=True)

    def show(self, seen: StudyState) -> None:
        """Draw the progress, and at the end how the study ended."""
        if seen == self._last:
            return
        self._last = seen
        if seen.is_over:
            last: RenderableType = Text(seen.how_it_ended(), style="bold")
        else:
            last = Text("Ctrl-C stops watching; the study continues", style="dim")
        self._live.update(Group(seen.rendered(), "", last), refresh=True)


def view_of(*, is_json: bool) -> View:
    """Return the display: objects for `--json`, a live screen on a terminal, else lines."""
    if is_json:
        return Lines(lambda seen: json.dumps(seen.to_dict(), allow_nan=False), ends_with_words=False)
    console = Printer()
    if console.is_terminal:
        return Screen(console)
    return Lines(lambda seen: seen.line(), ends_with_words=True)
