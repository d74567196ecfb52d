"""The store: studies, trials, runs, events, metric series and judgements in a database (SQLite by default).

what others use
  protocol        what the store promises: concurrency, atomicity, what a killed writer leaves
  store           all of a study, behind one connection
  regressions     nights and baselines
  retention       what makes it smaller
  spans           when runs took place

queries
  studies         on studies
  trials          on trials, and every change of their state
  runs            on the attempts to execute one
  series          on what they logged
  outcomes        the table that the analysis works on
  slices          pausing and continuing runs, and their outcomes in order
  prepared        statements that every trial needs, compiled once

the database
  engine          opening it, and its errors in words
  postgres        what PostgreSQL needs instead
  transactions    one at a time on a connection
  schema          the tables
  migrations      from an older version to this one

values
  records         rows as the domain's records
  codec           series as bytes
  jsontext        plain data as strict JSON text
  regressionjson  nights and baselines as plain data
"""

from typing import TYPE_CHECKING, Any

from sweep.store.records import Event
from sweep.store.store import Store

if TYPE_CHECKING:
    from sweep.store.regressions import NightRecord, Regressions, TaskNight

__all__ = ["Event", "NightRecord", "Regressions", "Store", "TaskNight"]


def __getattr__(name: str) -> Any:
    # lazily: most commands do not need nights
    if name in __all__:
        from sweep.store import regressions

        return getattr(regressions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
