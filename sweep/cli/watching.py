"""Follows a study and shows what has changed, until the study is over."""

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
"""Seconds for which a file that is not a store yet is taken for one being created."""


class Watch:
    """Polls a store, shows what has changed, and ends with the study.

    It waits for a store, or its first study, that does not exist yet.
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
        """Return what was seen, read again if the orchestrator is gone: a killed one changes no file."""
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
    """Shows what a watch sees. A context manager; leaving it puts the terminal back."""

    def __enter__(self) -> "View":
        return self

    def __exit__(self, *exc: object) -> None:
        """Put the terminal back."""

    def waiting(self, text: str) -> None:
        """Print once what it waits for."""

    def show(self, seen: StudyState) -> None:
        """Show the study's progress if it has changed."""


class Lines(View):
    """A line for each change; for `--json` an object in one line."""

    def __init__(self, line_of: Callable[[StudyState], str], *, ends_with_words: bool) -> None:
        self._line_of, self._ends_with_words = line_of, ends_with_words
        self._last = ""

    def waiting(self, text: str) -> None:
        """Print once what it waits for."""
        if self._ends_with_words:
            self._print(text)

    def show(self, seen: StudyState) -> None:
        """Print the study's progress if it has changed, and finally how it ended."""
        self._print(self._line_of(seen))
        if seen.is_over and self._ends_with_words:
            self._print(seen.how_it_ended())

    def _print(self, text: str) -> None:
        if text != self._last:
            print(printable(text), flush=True)
            self._last = text


class Screen(View):
    """The status on a terminal, redrawn when it changes."""

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
        """Show what it waits for."""
        self._live.update(Text(f"{text} (Ctrl-C ends)", style="dim"), refresh=True)

    def show(self, seen: StudyState) -> None:
        """Draw the study's progress, and finally how it ended."""
        if seen == self._last:
            return
        self._last = seen
        if seen.is_over:
            last: RenderableType = Text(seen.how_it_ended(), style="bold")
        else:
            last = Text("Ctrl-C ends the watching, not the study", style="dim")
        self._live.update(Group(seen.rendered(), "", last), refresh=True)


def view_of(*, is_json: bool) -> View:
    """Return the display: objects for `--json`, a live screen on a terminal, else lines."""
    if is_json:
        return Lines(lambda seen: json.dumps(seen.to_dict(), allow_nan=False), ends_with_words=False)
    console = Printer()
    if console.is_terminal:
        return Screen(console)
    return Lines(lambda seen: seen.line(), ends_with_words=True)
