"""When the runs of studies took place."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select

from sweep.domain.states import TrialState
from sweep.store.schema import runs, studies, trials
from sweep.store.store import Store


def run_spans(store: Store, names: Collection[str]) -> list[tuple[datetime, datetime]]:
    """Return start and end of each ended run of these studies, by start.

    A run that an orchestrator found gone is left out unless the run itself recorded how long it took: its end is
    unknown.
    """
    query = (
        select(runs.c.started_at, runs.c.ended_at, runs.c.wall_s, runs.c.state)
        .join(trials, trials.c.id == runs.c.trial_id)
        .join(studies, studies.c.id == trials.c.study_id)
        .where(studies.c.name.in_(names), runs.c.started_at.is_not(None), runs.c.ended_at.is_not(None))
        .order_by(runs.c.started_at)
    )
    with store.transactions.reading() as conn:
        rows = conn.execute(query).all()
    return [
        (row.started_at, row.ended_at if row.wall_s is None else row.started_at + timedelta(seconds=row.wall_s))
        for row in rows
        if row.wall_s is not None or row.state != TrialState.LOST
    ]
