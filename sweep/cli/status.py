"""The verb `status`: how far a study is, once or followed until it ends."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from sweep.cli.output import plain, print_json, print_rich
from sweep.cli.shared import as_it_stands, chosen_study, lock_of, read_parser
from sweep.clock import monotonic_s
from sweep.domain.states import TrialState
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord
from sweep.errors import NotFoundError, StoreError, UsageError
from sweep.report.listing import how_it_ended, render_status, status_line
from sweep.report.phrases import number_text
from sweep.store import Store
from sweep.study.stages import stage_study

SHOWN_FAILED = 10
INTERVAL_S = 2.0
BEING_MADE_S = 10.0
"""How long a file that is not a store yet is taken for one that is just being made."""

Listed = tuple[tuple[TrialRecord, RunRecord | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a study is. `progress` says, by trial number, how far a running trial has come.

    Of a study made of stages, trials are those of all its stages; `stages` says of each how far it is.
    `symptoms` are those of the base, as the study's summary has them.
    """

    study: StudyRecord
    states: Mapping[str, int]
    verdicts: Mapping[str, int]
    running: Listed
    failed: Listed
    progress: Mapping[int, str] = field(default_factory=dict)
    answer: str = ""
    symptoms: tuple[Mapping[str, Any], ...] = ()
    is_over: bool = False
    stages: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "study": self.study.name,
            "status": self.study.status,
            "states": dict(self.states),
            "verdicts": dict(self.verdicts),
            "symptoms": [dict(symptom) for symptom in self.symptoms],
            "running": [{**plain(trial), "run": plain(run)} for trial, run in self.running],
            "failed": [{**plain(trial), "run": plain(run)} for trial, run in self.failed],
            "stages": list(self.stages),
        }

    def rendered(self) -> RenderableType:
        """Return it as a terminal shows it."""
        failed = self.failed[:SHOWN_FAILED]
        known = self.study, self.states, self.verdicts, self.running, failed, self.progress
        shown = render_status(*known, seen=self.symptoms)
        return Group(shown, *(Text(f"  {line}", style="dim") for line in self.stages))


def status(arguments: list[str]) -> int:
    """Show how far a study is; with --watch follow it until it ends."""
    parser = read_parser("status")
    parser.add_argument("--watch", action="store_true", help="follow the study until it ends")
    parser.add_argument(
        "--interval", type=float, metavar="S", help=f"with --watch: look every S seconds (default: {INTERVAL_S:g})"
    )
    args = parser.parse_args(arguments)
    if args.interval is not None and not args.watch:
        raise UsageError("--interval goes with --watch")
    interval_s = INTERVAL_S if args.interval is None else args.interval
    if not 0.1 <= interval_s <= 3600:
        raise UsageError(f"--interval: {interval_s:g} is not from 0.1 to 3600 seconds")
    if args.watch:
        try:
            return Watch(args.store, args.study, interval_s, _view(is_json=args.json)).run()
        except KeyboardInterrupt:  # quietly: who watches has seen enough, and the study is not touched
            return 130
    with Store.open(args.store, read_only=True) as store:
        seen = read_standing(store, args.study)
    return print_json(seen.to_dict()) if args.json else print_rich(seen.rendered())


def read_standing(store: Store, name: str | None) -> Standing:
    """Return how far a study is, the latest where none is named. Raises NotFoundError."""
    recorded = chosen_study(store, name)
    study = as_it_stands(recorded)
    if study.config.get("stages"):
        return _of_stages(store, study)
    running = _with_runs(store, study, {TrialState.LAUNCHING, TrialState.RUNNING})
    lock = lock_of(study)
    summary = store.summary(study.id) or {}
    return Standing(
        study=study,
        states=plain(store.counts(study.id)),
        verdicts=plain(store.verdict_counts(study.id)),
        running=running,
        failed=_with_runs(store, study, {TrialState.FAILED, TrialState.LOST, TrialState.TIMED_OUT}),
        progress={trial.number: text for trial, _ in running if (text := _how_far(store, study, trial))},
        answer=str(summary.get("answer", "")),
        symptoms=tuple(summary.get("base", {}).get("symptoms", ())),
        # A driver says "ended" first, then writes its reports, and has its lock until it is done.
        is_over=study.status != "running" and (lock is None or lock.holder() is None),
    )


def _of_stages(store: Store, study: StudyRecord) -> Standing:
    """Return how far a study made of stages is: the trials of all stages together, those under way as they stand."""
    names = [stage_study(study.name, str(stage)) for stage in study.config["stages"]]
    begun = {record.name for record in store.studies()}
    parts = [read_standing(store, name) for name in names if name in begun]
    latest = parts[-1] if parts else None
    lock = lock_of(study)
    return Standing(
        study=study,
        states=_added(part.states for part in parts),
        verdicts=_added(part.verdicts for part in parts),
        running=latest.running if latest else (),
        failed=tuple(trial for part in parts for trial in part.failed),
        progress=latest.progress if latest else {},
        answer=str((store.summary(study.id) or {}).get("answer", "")),
        is_over=study.status != "running" and (lock is None or lock.holder() is None),
        symptoms=next((part.symptoms for part in parts if part.symptoms), ()),
        stages=tuple(status_line(part.study, part.states, part.verdicts) for part in parts),
    )


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)


def _with_runs(store: Store, study: StudyRecord, states: set[TrialState]) -> Listed:
    return tuple((trial, store.latest_run(trial.id)) for trial in store.trials(study.id, states))


def _how_far(store: Store, study: StudyRecord, trial: TrialRecord) -> str:
    """Return the last step and value of the target's metric, empty where it has not been logged yet."""
    metric = study.config["converge"].get("metric")
    series = store.series(trial.id, [metric]).get(metric) if metric else None
    if series is None or not len(series):
        return ""
    return f"step {int(series.steps[-1]):,}, {metric} {number_text(float(series.values[-1]))}"


class Watch:
    """Looks at a store again and again, shows what has changed, and ends with the study.

    What is not there yet when it begins, the store or its first study, is waited for.
    """

    def __init__(self, url: str, name: str | None, interval_s: float, view: "View") -> None:
        self._url, self._name, self._interval_s, self._view = url, name, interval_s, view
        self._is_waiting = False
        self._since = monotonic_s()

    def run(self) -> int:
        """Follow the study until it is over; return the exit code 0, however it ended."""
        with self._view as view:
            before: object = None
            seen: Standing | None = None
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

    def _look(self) -> Standing | None:
        try:
            with Store.open(self._url, read_only=True) as store:
                self._is_waiting = self._is_waiting or not store.studies()
                seen = read_standing(store, self._name)
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

    def _unless_left(self, seen: Standing) -> Standing:
        """Return what was seen, read anew where its driver has gone: one that was killed changes no file."""
        lock = lock_of(seen.study)
        return seen if lock is None or lock.holder() is not None else self._look() or seen


def file_mark(url: str) -> object | None:
    """Return what changes with every write to a SQLite store, None for another database: that has to be asked.

    Looking at it costs two system calls, so that watching a study that stands still costs next to nothing.
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
        """Say, once, what is waited for."""

    def show(self, seen: Standing) -> None:
        """Show how far the study is, where that has changed."""


class Lines(View):
    """A line for each change; for `--json` an object in one line."""

    def __init__(self, line_of: Callable[[Standing], str], *, ends_with_words: bool) -> None:
        self._line_of, self._ends_with_words = line_of, ends_with_words
        self._last = ""

    def waiting(self, text: str) -> None:
        """Say, once, what is waited for."""
        if self._ends_with_words:
            self._print(text)

    def show(self, seen: Standing) -> None:
        """Print how far the study is, where that has changed, and at its end how it ended."""
        self._print(self._line_of(seen))
        if seen.is_over and self._ends_with_words:
            self._print(how_it_ended(seen.study, seen.states, seen.answer))

    def _print(self, text: str) -> None:
        if text != self._last:
            print(text, flush=True)
            self._last = text


class Screen(View):
    """The status on a terminal, drawn anew where it has changed."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)
        self._last: Standing | None = None

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave the last picture standing."""
        self._live.stop()

    def waiting(self, text: str) -> None:
        """Say what is waited for."""
        self._live.update(Text(f"{text} (Ctrl-C ends)", style="dim"), refresh=True)

    def show(self, seen: Standing) -> None:
        """Draw how far the study is, and at its end how it ended."""
        if seen == self._last:
            return
        self._last = seen
        if seen.is_over:
            last: RenderableType = Text(how_it_ended(seen.study, seen.states, seen.answer), style="bold")
        else:
            last = Text("Ctrl-C ends the watching, not the study", style="dim")
        self._live.update(Group(seen.rendered(), "", last), refresh=True)


def _view(*, is_json: bool) -> View:
    if is_json:
        return Lines(lambda seen: json.dumps(seen.to_dict(), allow_nan=False), ends_with_words=False)
    console = Console()
    if console.is_terminal:
        return Screen(console)
    return Lines(lambda seen: status_line(seen.study, seen.states, seen.verdicts), ends_with_words=True)
