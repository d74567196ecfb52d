"""The folders of a study and their files (docs/studies.md): paths, whole files, event streams, results, the lock.

Standard library only; numpy is imported only to turn points into series, which a trial process never does.
"""

from sweep.rundir.events import Event, EventWriter, facts_of, is_held, points_of, read_events
from sweep.rundir.files import digest_of, json_text, naming, read_bytes, read_json, write_json_atomic, write_text_atomic
from sweep.rundir.lock import LockHolder, StudyLock
from sweep.rundir.paths import RUN_VARIABLE, RunDir, StudyDir, shown
from sweep.rundir.places import (
    FILE,
    STORE,
    is_owner,
    names_study,
    owner_of,
    place_in,
    read_plan,
    store_seen_from,
)
from sweep.rundir.result import CORRUPT, read_result

__all__ = [
    "CORRUPT",
    "FILE",
    "RUN_VARIABLE",
    "STORE",
    "Event",
    "EventWriter",
    "LockHolder",
    "RunDir",
    "StudyDir",
    "StudyLock",
    "digest_of",
    "facts_of",
    "is_held",
    "is_owner",
    "json_text",
    "names_study",
    "naming",
    "owner_of",
    "place_in",
    "points_of",
    "read_bytes",
    "read_events",
    "read_json",
    "read_plan",
    "read_result",
    "shown",
    "store_seen_from",
    "write_json_atomic",
    "write_text_atomic",
]
