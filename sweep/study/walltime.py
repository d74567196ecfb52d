"""How long a study has taken, over all its sessions, including killed ones, which recorded no time."""

from collections.abc import Iterable
from datetime import datetime

from sweep.clock import monotonic_s, now_utc
from sweep.domain.stages import confirm_study, stage_study
from sweep.domain.trial import StudyRecord
from sweep.report.headings import read_heading
from sweep.store import Store
from sweep.store.spans import run_spans


class WallTime:
    """Adds up the wall time of a study's sessions; made when a session begins.

    A session that ended has recorded its time. Of a killed session, the time during which its trials ran counts: that
    much is certain. The sum is a lower bound. The overhead of a recorded session hides as much time of a killed one,
    because a summary does not say until when it counts.
    """

    def __init__(self, store: Store, record: StudyRecord) -> None:
        self._names = studies_of(record)
        self._recorded_s = recorded_s(store, record)
        self._began_at, self._began_s = now_utc(), monotonic_s()

    def earlier_s(self, store: Store) -> float:
        """Return the seconds of earlier sessions; runs that outlived their orchestrator count when they end."""
        return max(self._recorded_s, covered_s(run_spans(store, self._names), self._began_at))

    def in_all_s(self, store: Store) -> float:
        """Return the seconds of all sessions, including this one."""
        return self.earlier_s(store) + monotonic_s() - self._began_s


def recorded_s(store: Store, record: StudyRecord) -> float:
    """Return the wall time in a study's last summary, in seconds; 0 before the first."""
    return read_heading(store.summary(record.id)).cost.wall_s


def studies_of(record: StudyRecord) -> tuple[str, ...]:
    """Return the name of a study and those of the studies that it may consist of."""
    stages = [record.name, *(stage_study(record.name, stage) for stage in record.stages)]
    return (*stages, *map(confirm_study, stages))


def covered_s(spans: Iterable[tuple[datetime, datetime]], until: datetime) -> float:
    """Return the seconds before `until` covered by these (start, end) spans, which are sorted by start."""
    total = 0.0
    reached: datetime | None = None
    for start, end in spans:
        first, last = (start if reached is None else max(start, reached)), min(end, until)
        if last > first:
            total += (last - first).total_seconds()
            reached = last
    return total
