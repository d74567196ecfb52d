"""A study: its trials, curves and ranking."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sweep.domain.script_words import folded
from sweep.domain.target import Target
from sweep.domain.trial import StudyRecord
from sweep.errors import NotFoundError
from sweep.reading import display
from sweep.reading.curves import Curves
from sweep.reading.ranking import Ranking
from sweep.reading.source import Source, missing
from sweep.reading.trials import Trial, Trials, main_metric


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """One study. Its attributes have the values at the time it was read; every method reads the store again.

    `status` is running, ended, interrupted or failed; `command` has the arguments after `python -m sweep`; `config` is
    the resolved config; `provenance` has code version, packages and machine. Times are in UTC.
    """

    name: str
    task: str
    status: str
    command: tuple[str, ...]
    created_at: datetime
    ended_at: datetime | None
    target: Target
    config: Mapping[str, Any] = field(repr=False)
    provenance: Mapping[str, Any] = field(repr=False)
    _id: int = field(repr=False)
    _source: Source = field(repr=False)

    @classmethod
    def of(cls, record: StudyRecord, source: Source) -> "Study":
        """Return the study for this record."""
        return cls(
            name=record.name, task=record.task, status=record.status, command=tuple(folded(record.command)),
            created_at=record.created_at, ended_at=record.ended_at,
            target=record.target, config=record.config.raw, provenance=record.provenance,
            _id=record.id, _source=source,
        )  # fmt: skip

    def trials(
        self,
        *,
        cell: str | None = None,
        toggle: str | None = None,
        seed: int | None = None,
        verdict: str | None = None,
        state: str | None = None,
    ) -> Trials:
        """Return the study's trials that match all arguments, by number; see `Trials.where`."""
        store = self._source.store
        records = {record.number: record for record in store.trials(self._id)}
        found = [
            Trial.of(records[outcome.number], outcome, self.target, self._source)
            for outcome in store.outcomes(self._id)
            if outcome.number in records  # a running study may have added a trial between the two reads
        ]
        return Trials(found).where(cell=cell, toggle=toggle, seed=seed, verdict=verdict, state=state)

    def trial(self, number: int) -> Trial:
        """Return one trial by its number. Raises NotFoundError."""
        store = self._source.store
        record = store.trial(self._id, number)
        return Trial.of(record, store.outcome(record.id), self.target, self._source)

    def metrics(self) -> list[str]:
        """Return the names of all metrics that the study's trials have logged so far, sorted."""
        return self._source.store.metric_names(self._id)

    def curves(
        self,
        metric: str | None = None,
        *,
        cell: str | None = None,
        toggle: str | None = None,
        seed: int | None = None,
        verdict: str | None = None,
        state: str | None = None,
    ) -> Curves:
        """Return a metric's curves, by number, for the trials that match. The default is the target's metric.

        Trials that have not logged it are left out. Raises NotFoundError, with the nearest name, for a metric that no
        trial of the study has logged.
        """
        there = self.metrics()
        name = metric or self.target.metric or main_metric(self.target, there)
        if name is None or name not in there:
            raise missing("metric", name, there)
        wanted = {
            trial.number: trial
            for trial in self.trials(cell=cell, toggle=toggle, seed=seed, verdict=verdict, state=state)
        }
        series = self._source.store.study_series(self._id, [name])
        found = {number: wanted[number].curve_of(name, points) for number, _, points in series if number in wanted}
        return Curves(metric=name, by_trial=found)

    def summary(self) -> dict[str, Any]:
        """Return summary.json (docs/summary.md); that of a running study is some seconds old. Raises NotFoundError."""
        found = self._source.store.summary(self._id)
        if found is None:
            raise NotFoundError(f"study {self.name} has no ranking yet", hint="it is written once trials have ended")
        return found

    def ranking(self) -> Ranking:
        """Return the ranking as last written. Raises NotFoundError if there is none yet."""
        return Ranking.of(self.summary())

    def refreshed(self) -> "Study":
        """Return the study with its current attributes. Raises NotFoundError."""
        return Study.of(self._source.store.study(self.name), self._source)

    def __repr__(self) -> str:
        return f"<Study {self.name}: task {self.task}, {self.status}, created {self.created_at:%Y-%m-%d %H:%M} UTC>"

    def _repr_html_(self) -> str:
        head = display.paragraph(f"{self.name}: task {self.task}, {self.status}", is_bold=True)
        if not self._source.is_open:
            return head
        counts = self._source.store.counts(self._id)
        head += display.paragraph(", ".join(f"{count} {state}" for state, count in counts.items()) or "no trials yet")
        found = self._source.store.summary(self._id)
        return head if found is None else head + Ranking.of(found)._repr_html_()
