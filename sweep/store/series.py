"""Metric series in the database: chunks appended exactly once, compacted when the run ends, read as whole series."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from sweep.domain.metric import Series
from sweep.store.codec import Chunk, decode, encode
from sweep.store.codec import points as decode_points
from sweep.store.prepared import Prepared
from sweep.store.runs import row_of
from sweep.store.schema import metric_chunks, runs, trials

_MOVE = Prepared(
    update(runs)
    .where(runs.c.id == bindparam("run_id"), runs.c.ingested_bytes == bindparam("from_byte"))
    .values(ingested_bytes=bindparam("to_byte"))
)
_ADD = Prepared(insert(metric_chunks))
_OF_RUN = (
    select(metric_chunks)
    .where(metric_chunks.c.run_id == bindparam("run_id"))
    .order_by(metric_chunks.c.metric, metric_chunks.c.from_byte)
)
_DROP = delete(metric_chunks).where(metric_chunks.c.run_id == bindparam("of_run"))


def append(
    conn: Connection, run_id: int, from_byte: int, to_byte: int, points: Mapping[str, Series], *, small: bool
) -> bool:
    """Append the points read from bytes [from_byte, to_byte) of a run's events; False if that was done before.

    `small` packs them as tightly as `compact` does, which takes longer. Raises NotFoundError, and ValueError if points
    come from an empty byte range, because repeated deliveries could not be detected.
    """
    filled = {metric: series for metric, series in points.items() if len(series)}
    if to_byte < from_byte or (filled and to_byte == from_byte):
        raise ValueError(f"run {run_id}: {len(filled)} series from bytes [{from_byte}, {to_byte})")
    if _MOVE.change(conn, {"run_id": run_id, "from_byte": from_byte, "to_byte": to_byte}) != 1:
        row_of(conn, run_id)
        return False
    for metric, series in filled.items():
        _ADD.change(conn, _row(run_id, metric, from_byte, series, small=small))
    return True


def compact(conn: Connection, run_id: int) -> None:
    """Make one packed chunk per metric of a run; the values do not change."""
    chunks: dict[str, list[Row[Any]]] = {}
    for row in conn.execute(_OF_RUN, {"run_id": run_id}):
        chunks.setdefault(row.metric, []).append(row)
    if chunks:
        whole = [_row(run_id, name, rows[0].from_byte, _series(rows), small=True) for name, rows in chunks.items()]
        conn.execute(_DROP, {"of_run": run_id})
        for chunk in whole:
            _ADD.change(conn, chunk)


def read(conn: Connection, run_ids: Collection[int], metrics: Collection[str] | None) -> dict[int, dict[str, Series]]:
    """Return the series of some runs by run id and metric name, sorted; without runs that have none."""
    query = (
        select(metric_chunks)
        .where(metric_chunks.c.run_id.in_(run_ids))
        .order_by(metric_chunks.c.run_id, metric_chunks.c.metric, metric_chunks.c.from_byte)
    )
    if metrics is not None:
        query = query.where(metric_chunks.c.metric.in_(metrics))
    chunks: dict[int, dict[str, list[Row[Any]]]] = {}
    for row in conn.execute(query):
        chunks.setdefault(row.run_id, {}).setdefault(row.metric, []).append(row)
    # Sorted here: PostgreSQL sorts text by the rules of the database's locale.
    return {run: {metric: _series(each[metric]) for metric in sorted(each)} for run, each in chunks.items()}


def read_points(conn: Connection, run_id: int) -> dict[str, list[tuple[int, float]]]:
    """Return the (step, value) points of a run by metric name, sorted. Does not import numpy."""
    chunks: dict[str, list[Chunk]] = {}
    for row in conn.execute(_OF_RUN, {"run_id": run_id}):
        chunks.setdefault(row.metric, []).append(_chunk(row))
    return {metric: decode_points(chunks[metric]) for metric in sorted(chunks)}


def names(conn: Connection, study_id: int) -> list[str]:
    """Return the names of all metrics that a study's trials logged, without retired ones, sorted."""
    query = (
        select(metric_chunks.c.metric)
        .distinct()
        .join(runs, runs.c.id == metric_chunks.c.run_id)
        .join(trials, runs.c.trial_id == func.coalesce(trials.c.source_trial_id, trials.c.id))
        .where(trials.c.study_id == study_id, trials.c.is_current)
    )
    return sorted(conn.execute(query).scalars())


def _row(run_id: int, metric: str, from_byte: int, series: Series, *, small: bool) -> dict[str, object]:
    chunk = encode(series, small=small)
    return {
        "run_id": run_id,
        "metric": metric,
        "from_byte": from_byte,
        "first_step": chunk.first_step,
        "points": chunk.count,
        "step_words": chunk.steps,
        "value_words": chunk.values,
    }


def _series(rows: Iterable[Row[Any]]) -> Series:
    return decode([_chunk(row) for row in rows])


def _chunk(row: Row[Any]) -> Chunk:
    return Chunk(first_step=row.first_step, count=row.points, steps=row.step_words, values=row.value_words)
