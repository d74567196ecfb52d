"""How long a study has taken, over all its sittings: also those that were killed and have left no figure."""

from collections.abc import Iterable
from datetime import datetime

from sweep.clock import monotonic_s, now_utc
from sweep.domain.stages import confirm_study, stage_study
from sweep.domain.trial import StudyRecord
from sweep.report.headings import read_heading
from sweep.store import Store
from sweep.store.spans import run_spans


class WallTime:
    """Counts from where earlier sittings of a study have left off; made when a sitting begins.

    Of a sitting that came to its end, the time is on record. Of one that was killed, the time counts in which a trial
    of it ran: that much is certain. The figure is a lower bound: after a sitting on record, what that one took beside
    its trials hides as much of a killed one, for a summary does not say until when it counts.
    """

    def __init__(self, store: Store, record: StudyRecord) -> None:
        self._names = studies_of(record)
        self._recorded_s = recorded_s(store, record)
        self._began_at, self._began_s = now_utc(), monotonic_s()

    def earlier_s(self, store: Store) -> float:
        """Return the seconds of the sittings before this one; runs that outlived their driver count as they end."""
        return max(self._recorded_s, covered_s(run_spans(store, self._names), self._began_at))

    def in_all_s(self, store: Store) -> float:
        """Return the seconds of all sittings, this one included."""
        return self.earlier_s(store) + monotonic_s() - self._began_s


def recorded_s(store: Store, record: StudyRecord) -> float:
    """Return the wall time that a study's last summary says, in seconds; 0 before the first."""
    return read_heading(store.summary(record.id)).cost.wall_s


def studies_of(record: StudyRecord) -> tuple[str, ...]:
    """Return the names of a study and of those that it may be made of."""
    stages = [record.name, *(stage_study(record.name, stage) for stage in record.stages)]
    return (*stages, *map(confirm_study, stages))


def covered_s(spans: Iterable[tuple[datetime, datetime]], until: datetime) -> float:
    """Return the seconds before `until` that lie in any of these (start, end); they come by start."""
    total = 0.0
    reached: datetime | None = None
    for start, end in spans:
        first, last = (start if reached is None else max(start, reached)), min(end, until)
        if last > first:
            total += (last - first).total_seconds()
            reached = last
    return total
