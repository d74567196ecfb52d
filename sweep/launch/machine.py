"""What this machine offers: cores, and the number of kills by the kernel's OOM killer."""

import os
import re
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
MOST_BYTES = 1 << 14
"""Bytes to read: more than any file here has."""


def usable_cores(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Return the number of usable cores, at least 1: its affinity, cut to the CPU quota of its cgroup."""
    quotas = [q for folder in _folders("cpu", cgroups, membership) if (q := _quota(folder)) is not None]
    return max(1, int(min([len(os.sched_getaffinity(0)), *quotas])))


class MemoryKills:
    """The kernel's count of processes in our cgroup that its OOM killer has killed."""

    def __init__(self, cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> None:
        folders = _folders("memory", cgroups, membership)
        files = (folder / name for folder in folders for name in ("memory.events", "memory.oom_control"))
        found = next((file for file in files if _kills_in("\n".join(_lines(file))) is not None), None)
        # Kept open, for it is asked twice a run: to open it takes five times as long as to read it.
        self._file = None if found is None else found.open("rb", buffering=0)

    def count(self) -> int:
        """Return the count; always 0 if the kernel does not report it."""
        if self._file is None:
            return 0
        return _kills_in(os.pread(self._file.fileno(), MOST_BYTES, 0).decode()) or 0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _kills_in(text: str) -> int | None:
    found = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None


def _folders(controller: str, cgroups: Path, membership: Path) -> list[Path]:
    """Return where a controller's files may be: our own group first, then the root as containers see it."""
    found = []
    for line in _lines(membership):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            found.append(cgroups / path.lstrip("/"))
        elif controller in controllers.split(","):
            found.append(cgroups / controller / path.lstrip("/"))
    return [*found, cgroups, cgroups / controller]


def _quota(folder: Path) -> float | None:
    """Return the CPU quota in cores, None if there is none."""
    words = " ".join(_lines(folder / "cpu.max")).split()
    if not words:
        words = [" ".join(_lines(folder / f"cpu.cfs_{part}_us")) for part in ("quota", "period")]
    try:
        quota, period = (float(word) for word in words)
    except ValueError:  # "max", or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
