"""The only place that reads the clock: aware UTC for records, monotonic seconds for durations."""

import time
from datetime import datetime, timezone


def now_utc() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(timezone.utc)


def monotonic_s() -> float:
    """Return seconds that never run backwards; only differences mean anything, and only within one boot."""
    return time.monotonic()
