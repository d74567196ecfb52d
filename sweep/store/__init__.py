"""The store: studies, trials, runs, events, metric series and judgements in a database (SQLite by default)."""

from sweep.store.records import Event
from sweep.store.regressions import NightRecord, Regressions, TaskNight
from sweep.store.store import Store

__all__ = ["Event", "NightRecord", "Regressions", "Store", "TaskNight"]
