"""The only place that reads the clock: aware UTC for records, monotonic seconds for durations."""

import math
import os
import time
from datetime import datetime, timezone
from pathlib import Path


def now_utc() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(timezone.utc)


def monotonic_s() -> float:
    """Return seconds that never run backwards; only differences are meaningful, and only within one boot."""
    return time.monotonic()


def process_started_at(pid: int) -> float:
    """Return when a process started, in seconds since the epoch; the current time if it no longer exists."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return now_utc().timestamp()
    # As in psutil, which a trial's process does not import: from the boot time, in whole seconds since the epoch.
    since_boot_s = int(stat[stat.rindex(b")") :].split()[20]) / os.sysconf("SC_CLK_TCK")
    boot = time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME)
    return math.floor(boot) + since_boot_s
