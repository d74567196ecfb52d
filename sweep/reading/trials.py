"""Trials: a cell with a seed, how it ended, and what it logged."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from sweep.domain.axis import Cell
from sweep.domain.metric import Series
from sweep.domain.roles import shown_metric
from sweep.domain.states import TrialState
from sweep.domain.target import Target
from sweep.domain.trial import Outcome, TrialRecord
from sweep.domain.verdict import Symptom, Verdict
from sweep.reading import display
from sweep.reading.curves import Curve
from sweep.reading.source import Source, missing

COLUMNS = (
    "trial", "cell", "seed", "state", "verdict", "reason", "tau", "steps", "wall_s", "best", "final", "failure",
    "symptoms", "overrides", "reused",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One trial, as it was when it was read.

    `cell` is the cell's key (`base`, `dropout=off`), `toggles` its changes, `params` the values that a search drew.
    `tau` is the steps to target, None for a miss; `steps` is the last step; `wall_s` is in seconds. `best` and `final`
    are values of the target's metric, None if no finite value was logged. `failure` is the failure class of a run that
    ended without a result. `task` is the resolved task config.
    """

    number: int
    cell: str
    toggles: tuple[str, ...]
    params: Mapping[str, str]
    seed: int
    state: TrialState
    verdict: Verdict
    reason: str
    tau: int | None
    steps: int
    wall_s: float
    best: float | None
    final: float | None
    symptoms: tuple[Symptom, ...]
    failure: str | None
    reused: bool
    overrides: tuple[str, ...]
    task: Mapping[str, Any] = field(repr=False)
    target: Target = field(repr=False)
    _id: int = field(repr=False)
    _is_check: bool = field(repr=False)
    _source: Source = field(repr=False)

    @classmethod
    def of(cls, record: TrialRecord, outcome: Outcome, target: Target, source: Source) -> "Trial":
        """Return the trial for this record and outcome."""
        return cls(
            number=record.number, cell=record.cell.key, toggles=tuple(map(str, record.cell.sorted_toggles)),
            params=dict(record.cell.params), seed=record.seed, state=outcome.state, verdict=outcome.verdict,
            reason=outcome.reason, tau=outcome.tau, steps=outcome.steps, wall_s=outcome.wall_s, best=outcome.best,
            final=outcome.final, symptoms=outcome.symptoms,
            failure=None if outcome.failure is None else str(outcome.failure), reused=outcome.reused,
            overrides=record.overrides, task=record.task, target=target, _id=record.id,
            _is_check=outcome.is_check, _source=source,
        )  # fmt: skip

    @property
    def word(self) -> str:
        """The verdict as text; `not judged` for a trial of a check."""
        return "not judged" if self._is_check else str(self.verdict)

    def metrics(self) -> list[str]:
        """Return the names of the metrics that the trial has logged so far, sorted."""
        return list(self._source.store.series(self._id))

    def curve(self, metric: str | None = None) -> Curve:
        """Return a metric's curve so far. The default is the target's metric.

        Raises NotFoundError, with the nearest name, for a metric that the trial has not logged.
        """
        name = metric if metric is not None else self.target.metric
        found = self._source.store.series(self._id, None if name is None else [name])
        name = main_metric(self.target, found) if name is None else name
        if name is None or name not in found:
            raise missing(f"metric of trial {self.number} called", name, self.metrics())
        return self.curve_of(name, found[name])

    def curve_of(self, metric: str, series: Series) -> Curve:
        """Return a series of this trial as a curve."""
        return Curve(
            trial=self.number, cell=self.cell, seed=self.seed, verdict=str(self.verdict), metric=metric,
            steps=series.steps, values=series.values,
            level=self.target.threshold if metric == self.target.metric else None,
        )  # fmt: skip

    def to_record(self) -> dict[str, Any]:
        """Return the trial as one flat row, with the rules of the symptoms and the overrides as text."""
        return {
            "trial": self.number, "cell": self.cell, "seed": self.seed, "state": str(self.state),
            "verdict": str(self.verdict), "reason": self.reason, "tau": self.tau, "steps": self.steps,
            "wall_s": self.wall_s, "best": self.best, "final": self.final, "failure": self.failure,
            "symptoms": ", ".join(symptom.rule for symptom in self.symptoms), "overrides": " ".join(self.overrides),
            "reused": self.reused,
        }  # fmt: skip

    def __repr__(self) -> str:
        reached = f" at step {self.tau}" if self.tau is not None else ""
        how = f"{self.word}{reached}" if self.state is TrialState.COMPLETED else f"{self.state}, {self.word}"
        return f"<Trial {self.number}: {self.cell}, seed {self.seed}: {how}>"

    def _repr_html_(self) -> str:
        rows: list[tuple[str, str]] = [(name, display.figure(value)) for name, value in self.to_record().items()]
        seen = [
            (symptom.rule, f"step {symptom.step:,}: {display.figure(symptom.value)} {symptom.message}")
            for symptom in self.symptoms
        ]
        return display.table(("", f"trial {self.number}"), rows + seen)


class Trials(Sequence[Trial]):
    """Trials by number; `where` selects some of them, `to_records` returns rows for `pandas.DataFrame(...)`."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = tuple(trials)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> "Trials": ...
    def __getitem__(self, index: int | slice) -> "Trial | Trials":
        return Trials(self._trials[index]) if isinstance(index, slice) else self._trials[index]

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    @property
    def cells(self) -> list[str]:
        """The cells of these trials, in order of first appearance."""
        return list(dict.fromkeys(trial.cell for trial in self._trials))

    @property
    def seeds(self) -> list[int]:
        """The seeds of these trials, ascending."""
        return sorted({trial.seed for trial in self._trials})

    def where(
        self,
        *,
        cell: str | None = None,
        toggle: str | None = None,
        seed: int | None = None,
        verdict: str | None = None,
        state: str | None = None,
    ) -> "Trials":
        """Return the trials that match all arguments.

        `cell` is a whole cell (`base`, or its toggles joined by commas, in any order); `toggle` matches each cell with
        this toggle. Raises NotFoundError, with the nearest name, for a cell, toggle or seed that none of these trials
        has, and for an unknown verdict or state.
        """
        tests: list[Callable[[Trial], bool]] = []
        if cell is not None:
            wanted = cell if cell in self.cells else cell_key(cell)
            _check("cell", wanted, self.cells)
            tests.append(lambda trial: trial.cell == wanted)
        if toggle is not None:
            _check("toggle", toggle, sorted({name for trial in self._trials for name in trial.toggles}))
            tests.append(lambda trial: toggle in trial.toggles)
        if seed is not None:
            _check("seed", seed, self.seeds)
            tests.append(lambda trial: trial.seed == seed)
        if verdict is not None:
            _check("verdict", verdict, list(Verdict))
            tests.append(lambda trial: trial.verdict == verdict)
        if state is not None:
            _check("state", state, list(TrialState))
            tests.append(lambda trial: trial.state == state)
        return Trials([trial for trial in self._trials if all(test(trial) for test in tests)])

    def to_records(self) -> list[dict[str, Any]]:
        """Return a flat row per trial: `pandas.DataFrame(trials.to_records())`."""
        return [trial.to_record() for trial in self._trials]

    def __repr__(self) -> str:
        counts: dict[str, int] = {}
        for trial in self._trials:
            counts[trial.word] = counts.get(trial.word, 0) + 1
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        return f"<Trials: {len(self)}{': ' + said if said else ''}>"

    def _repr_html_(self) -> str:
        heads = ("trial", "cell", "seed", "state", "verdict", "steps to target", "steps", "best", "because")
        rows = [
            (str(t.number), t.cell, t.seed, str(t.state), display.word(t.verdict, t.verdict), t.tau, t.steps, t.best,
             t.reason or t.failure or "")
            for t in self._trials[: display.SHOWN_ROWS]
        ]  # fmt: skip
        return display.table(heads, rows, total=len(self))


def cell_key(text: str) -> str:
    """Return the canonical key of a cell given as toggles in any order, joined by `,` or `+`."""
    words = [word.strip() for word in text.replace(" + ", ",").split(",") if word.strip()]
    try:
        return text if words == ["base"] else Cell.of(words).key
    except ValueError:
        return text


def main_metric(target: Target, names: Iterable[str]) -> str | None:
    """Return the metric to show if the target names none: the loss, else the first by name."""
    there = list(names)
    return shown_metric(target, there) or (there[0] if there else None)


def _check(what: str, wanted: object, there: Sequence[object]) -> None:
    if wanted not in there:
        raise missing(what, wanted, there)
