"""Nights and baselines in the store: the nights of each task of a regression, and the accepted baselines.

They hold their numbers themselves, so that they outlive their runs.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sweep.clock import now_utc
from sweep.domain.nights import Baseline, Night
from sweep.store import jsontext
from sweep.store.regressionjson import baseline_data, baseline_of, night_data, night_of
from sweep.store.schema import baselines, night_tasks, nights
from sweep.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRecord:
    """One night of a regression as a whole. `status` is as a study's: running, ended, interrupted or failed."""

    regression: str
    name: str
    status: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNight:
    """What a night did for one task, with its verdict at that time and the names of its studies."""

    task: str
    night: Night
    verdict: str
    studies: tuple[str, ...]


class Regressions:
    """The part of a store that regressions use. Every method raises StoreError if the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.url = store.url

    def begin_night(self, regression: str, name: str, *, at: datetime | None = None) -> NightRecord:
        """Return the night of this name, running: a new one (begun now, or `at`), or the existing one."""
        with self._store.transactions.writing() as conn:
            found = _night(conn, regression, name)
            if found is None:
                row = {"regression": regression, "name": name, "status": "running", "created_at": at or now_utc()}
                conn.execute(insert(nights), row)
            else:
                _set_status(conn, regression, name, "running", None)
            record = _night(conn, regression, name)
        assert record is not None
        return record

    def end_night(self, regression: str, name: str, status: str, *, at: datetime | None = None) -> None:
        """Set how a night ended, now or `at`."""
        with self._store.transactions.writing() as conn:
            _set_status(conn, regression, name, status, at or now_utc())

    def save_task(self, regression: str, found: TaskNight) -> None:
        """Store what a night did for a task, replacing what was stored before."""
        key = {"regression": regression, "night": found.night.name, "task": found.task}
        row = {
            **key,
            "verdict": found.verdict,
            "studies": jsontext.dumps(found.studies),
            "data": jsontext.dumps(night_data(found.night)),
        }
        with self._store.transactions.writing() as conn:
            conn.execute(delete(night_tasks).where(*(night_tasks.c[name] == value for name, value in key.items())))
            conn.execute(insert(night_tasks), row)

    def nights(self, regression: str | None = None) -> list[NightRecord]:
        """Return the nights of a regression (of all if None), in the order in which they began."""
        query = select(nights).order_by(nights.c.created_at, nights.c.name)
        if regression is not None:
            query = query.where(nights.c.regression == regression)
        with self._store.transactions.reading() as conn:
            return [_record(row) for row in conn.execute(query)]

    def task_nights(self, regression: str, task: str | None = None) -> list[TaskNight]:
        """Return what the nights of a regression did for a task (for all if None), in the order in which they began."""
        query = (
            select(night_tasks)
            .join(nights)
            .where(nights.c.regression == regression)
            .order_by(nights.c.created_at, nights.c.name, night_tasks.c.task)
        )
        if task is not None:
            query = query.where(night_tasks.c.task == task)
        with self._store.transactions.reading() as conn:
            return [_task_night(row) for row in conn.execute(query)]

    def studies(self, regression: str) -> dict[str, set[str]]:
        """Return the names of the studies of each night of a regression, by night."""
        query = select(night_tasks.c.night, night_tasks.c.studies).where(night_tasks.c.regression == regression)
        found: dict[str, set[str]] = {}
        with self._store.transactions.reading() as conn:
            for row in conn.execute(query):
                found.setdefault(row.night, set()).update(jsontext.loads(row.studies))
        return found

    def accept(self, regression: str, accepted: Sequence[Baseline]) -> None:
        """Store baselines, each now the one of its task and device. Earlier ones stay on record."""
        with self._store.transactions.writing() as conn:
            for baseline in accepted:
                last = select(func.max(baselines.c.number)).where(
                    baselines.c.regression == regression, baselines.c.task == baseline.task
                )
                number = conn.execute(last).scalar()
                row = {
                    "regression": regression,
                    "task": baseline.task,
                    "number": 0 if number is None else number + 1,
                    "device": baseline.environment.device_class,
                    "accepted_at": baseline.accepted_at,
                    "data": jsontext.dumps(baseline_data(baseline)),
                }
                conn.execute(insert(baselines), row)

    def baselines(self, regression: str, task: str | None = None, *, superseded: bool = False) -> list[Baseline]:
        """Return the baselines of a regression by task and time: the current ones, or also those they replaced."""
        query = select(baselines).where(baselines.c.regression == regression)
        if task is not None:
            query = query.where(baselines.c.task == task)
        with self._store.transactions.reading() as conn:
            rows = list(conn.execute(query.order_by(baselines.c.task, baselines.c.number)))
        last = {(row.task, row.device): row for row in rows}
        kept = rows if superseded else sorted(last.values(), key=lambda row: (row.task, row.number))
        return [baseline_of(jsontext.loads(row.data)) for row in kept]

    def baseline(self, regression: str, task: str, device: str) -> Baseline | None:
        """Return the baseline of a task for a kind of device, else that of another kind, None if there is none."""
        found = self.baselines(regression, task)
        same = [each for each in found if each.environment.device_class == device]
        return next(reversed(same or found), None)

    def names(self) -> list[str]:
        """Return the regressions that have a night or a baseline, the most recent first."""
        with self._store.transactions.reading() as conn:
            last = select(nights.c.regression).order_by(nights.c.created_at.desc())
            found = [*conn.execute(last).scalars(), *conn.execute(select(baselines.c.regression).distinct()).scalars()]
        return list(dict.fromkeys(found))

    def kept_studies(self) -> set[str]:
        """Return the names of the studies that baselines were made from, including superseded ones."""
        with self._store.transactions.reading() as conn:
            found: Collection[Baseline] = [
                baseline_of(jsontext.loads(text)) for text in conn.execute(select(baselines.c.data)).scalars()
            ]
        return {name for baseline in found for name in baseline.studies}


def _night(conn: Connection, regression: str, name: str) -> NightRecord | None:
    query = select(nights).where(nights.c.regression == regression, nights.c.name == name)
    row = conn.execute(query).one_or_none()
    return None if row is None else _record(row)


def _set_status(conn: Connection, regression: str, name: str, status: str, ended_at: datetime | None) -> None:
    which = (nights.c.regression == regression, nights.c.name == name)
    conn.execute(update(nights).where(*which).values(status=status, ended_at=ended_at))


def _record(row: Row[Any]) -> NightRecord:
    return NightRecord(
        regression=row.regression,
        name=row.name,
        status=row.status,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _task_night(row: Row[Any]) -> TaskNight:
    return TaskNight(
        task=row.task,
        night=night_of(jsontext.loads(row.data)),
        verdict=row.verdict,
        studies=tuple(jsontext.loads(row.studies)),
    )
