"""Live progress of a study: a live view on a terminal, plain lines everywhere else."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweep.clock import monotonic_s
from sweep.domain.failure import shown_failure
from sweep.domain.metric_names import natural
from sweep.domain.plural import count_text
from sweep.domain.trial import Outcome
from sweep.report.phrases import duration_text, number_text, verdicts_text
from sweep.report.summary import outcome_word
from sweep.report.tables import VERDICT_STYLES, new_table

REFRESH_PER_S = 2
"""Drawings per second. Running trials are read once a second, so that more drawings (3 ms each) show nothing new."""

BURST_LINES = 40
"""Without a terminal, the number of trials that get a line each; after that, lines are at least LINE_EVERY_S apart."""
LINE_EVERY_S = 2.0
SHOWN_RUNNING = 12
"""Number of running trials in the live view."""


@dataclass(slots=True)
class _Running:
    cell: str
    seed: int
    budget_steps: int
    since: float
    step: int = 0
    metric: str | None = None
    value: float | None = None


class LiveProgress:
    """Shows a study while it runs. Events only change a few numbers; another thread draws twice a second.

    A context manager; `close` (or leaving it) restores the terminal. `clock` returns monotonic seconds.
    """

    def __init__(self, console: Console | None = None, *, clock: Callable[[], float] = monotonic_s) -> None:
        self.console = console or Console()
        self._clock = clock
        self._lock = threading.Lock()
        self._total: int | None = None
        self._done_before = 0
        self._ended = 0
        self._words: Counter[str] = Counter()
        self._by_cell: dict[str, tuple[int, int]] = {}
        self._running: dict[int, _Running] = {}
        self._started_at = clock()
        self._last_line_at = -LINE_EVERY_S
        self._held_back = 0
        self._lines = 0
        self._live: Live | None = None

    def __enter__(self) -> "LiveProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self, total: int | None, done: int = 0) -> None:
        """Start to show a study of `total` trials (None if unknown), `done` of them finished before.

        It replaces a study shown before: a study may be made of several.
        """
        self.close()
        self._total, self._done_before = total, done
        self._words.clear()
        self._by_cell.clear()
        self._running.clear()
        self._lines = 0
        self._started_at = self._clock()
        if self.console.is_terminal:
            self._live = Live(
                console=self.console, get_renderable=self.render, refresh_per_second=REFRESH_PER_S, transient=True
            )
            self._live.start()
        else:
            text = f"running {count_text(total - done, 'trial')}" if total is not None else "running"
            self._print(("no trial left to run" if total == done else text) + self._before_text())

    def trial_started(self, number: int, cell: str, seed: int, budget_steps: int) -> None:
        """Record that a trial's process exists."""
        with self._lock:
            self._running[number] = _Running(cell, seed, budget_steps, self._clock())

    def trial_progress(self, number: int, step: int, metric: str | None, value: float | None) -> None:
        """Record the progress of a running trial."""
        running = self._running.get(number)
        if running is not None:
            running.step, running.metric, running.value = step, metric, value

    def trial_ended(self, outcome: Outcome) -> None:
        """Record a trial's verdict; without a terminal, print a line about it."""
        with self._lock:
            self._running.pop(outcome.number, None)
            self._ended += 1
            self._words[outcome_word(outcome)] += 1
            if outcome.is_evidence:
                converged, trials = self._by_cell.get(str(outcome.cell), (0, 0))
                self._by_cell[str(outcome.cell)] = (converged + outcome.converged, trials + 1)
        if self._live is None:
            self._line_of(outcome)

    def message(self, text: str) -> None:
        """Print a line that stays above the live view: a retry, a warning."""
        self._print(text)

    def close(self) -> None:
        """End the live view, or print the last plain line."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        elif self._ended:
            ended = f"{self._trials_text()} ended in {self._elapsed_text()}: {verdicts_text(self._words)}"
            self._print(ended + self._before_text())
        self._ended = 0

    # -- without a terminal -----------------------------------------------------------------------------------------

    def _line_of(self, outcome: Outcome) -> None:
        now = self._clock()
        is_last = self._total is not None and self._done() >= self._total
        if self._lines >= BURST_LINES and now - self._last_line_at < LINE_EVERY_S and not is_last:
            self._held_back += 1
            return
        word = shown_failure(outcome_word(outcome))
        at = f" at step {outcome.tau:,}" if outcome.tau is not None else ""
        took = "reused" if outcome.reused else duration_text(outcome.wall_s)
        skipped = f"  (and {self._held_back:,} more)" if self._held_back else ""
        left = self._left_text()
        self._print(
            f"[{self._count()}] {outcome.cell} seed {outcome.seed}: {word}{at} ({took}){skipped}"
            + (f"  {left} left" if left else "")
        )
        self._lines += 1
        self._last_line_at, self._held_back = now, 0

    def _before_text(self) -> str:
        return f" ({self._done_before:,} finished before)" if self._done_before else ""

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    # -- the live view ------------------------------------------------------------------------------------------------

    def render(self) -> RenderableType:
        """Return the current view: counts, verdicts so far, the best cells, and running trials."""
        with self._lock:
            running = list(self._running.values())
            words = dict(self._words)
            cells = dict(self._by_cell)
        parts: list[RenderableType] = [self._head(len(running)), self._verdict_line(words, cells)]
        if running:
            parts.append(self._running_table(running))
        return Group(*parts)

    def _head(self, running: int) -> RenderableType:
        left = self._left_text()
        text = f"{self._trials_text()} · {running} running · {self._elapsed_text()}" + (
            f" · {left} left" if left else ""
        )
        if not self._total:
            return Text(text, no_wrap=True, overflow="ellipsis")
        row = Table.grid(padding=(0, 1))
        row.add_row(ProgressBar(total=self._total, completed=self._done(), width=20), Text(text))
        return row

    def _verdict_line(self, words: dict[str, int], cells: dict[str, tuple[int, int]]) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        for word, count in words.items():
            line.append(f"{count:,} {word.replace('_', ' ')}  ", style=VERDICT_STYLES.get(word, "red"))
        best = sorted(cells.items(), key=lambda item: (-item[1][0] / item[1][1], -item[1][1], natural(item[0])))
        shown = [(cell, counts) for cell, counts in best if cell != "base" and counts[0]][:3]
        if "base" in cells:
            shown.insert(0, ("base", cells["base"]))
        line.append(" · ".join(f"{cell} {converged}/{trials}" for cell, (converged, trials) in shown), style="dim")
        return line

    def _running_table(self, running: list[_Running]) -> Table:
        table = new_table()
        table.show_header = False
        table.box = None
        table.add_column(overflow="ellipsis", no_wrap=True)
        for _ in range(4):
            table.add_column(no_wrap=True, justify="right")
        now = self._clock()
        for trial in running[:SHOWN_RUNNING]:
            latest = f"{trial.metric} {number_text(trial.value)}" if trial.metric and trial.value is not None else ""
            table.add_row(
                Text(trial.cell),
                f"seed {trial.seed}",
                f"{trial.step:,}/{trial.budget_steps:,}",
                Text(latest),
                duration_text(now - trial.since),
            )
        if len(running) > SHOWN_RUNNING:
            table.add_row(f"and {len(running) - SHOWN_RUNNING} more", "", "", "", "")
        return table

    # -- figures ----------------------------------------------------------------------------------------------------

    def _count(self) -> str:
        return f"{self._done():,}/{self._total:,}" if self._total is not None else f"{self._done():,}"

    def _trials_text(self) -> str:
        return f"{self._count()} {'trial' if (self._total or self._done()) == 1 else 'trials'}"

    def _done(self) -> int:
        return self._done_before + self._ended

    def _elapsed_text(self) -> str:
        return duration_text(self._clock() - self._started_at)

    def _left_text(self) -> str:
        """Return the time left at the throughput so far; running trials count by their share of the budget."""
        elapsed = self._clock() - self._started_at
        under_way = sum(min(1.0, t.step / t.budget_steps) for t in list(self._running.values()) if t.budget_steps)
        done = self._ended + under_way
        if self._total is None or done <= 0 or self._done() >= self._total or elapsed < 1:
            return ""
        return duration_text(max(0.0, elapsed / done * (self._total - self._done_before - done)))
