"""Runs of another host in a folder on a shared file system: pids cannot tell whether they are alive."""

import os
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile

from sweep.clock import now_utc
from sweep.errors import RunElsewhereError
from sweep.rundir import Event, RunDir, is_held, shown

SILENCE_S = 600.0
"""Seconds without a write after which a run that cannot be seen counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a run's `start` event says. `is_held`: the run keeps its events file locked while anything of it lives."""

    pid: int
    host: str
    at_s: float
    is_held: bool


def announced_in(folder: RunDir) -> Announcement | None:
    """Return what the last `start` event in a run's folder says, None if there is none."""
    found: Announcement | None = None
    for event in folder.read_events(0)[0]:
        if event["e"] == "start" and _is_whole(event):
            found = Announcement(
                pid=event["pid"],
                host=str(event.get("host", "")),
                at_s=float(event["t"]),
                is_held=event.get("held") is True,
            )
    return found


def require_gone(folder: RunDir, host: str, pid: int | None) -> None:
    """Return if a run that was started on another host has ended. Raises RunElsewhereError.

    It has if it left a result, or if it locked its events file and the lock is gone: a container that was recreated
    under another name, a machine that was replaced. Of a run that could not lock it (an earlier version's, a file
    system without locks) only its silence tells.
    """
    if folder.read_result() is not None:
        return
    announced = announced_in(folder)
    held = is_held(folder.events) if announced is not None and announced.is_held else None
    if held is False:
        return
    here, process = os.uname().nodename, "" if pid is None else f" (pid {pid})"
    was_started = f"{shown(folder.path)}: this run was started on host {host}{process}"
    if held:
        raise RunElsewhereError(
            f"{was_started} and still runs there; this is host {here}",
            hint=f"resume the study on {host}, or end that run first",
        )
    quiet_s = _quiet_s(folder)
    if quiet_s < SILENCE_S:
        raise RunElsewhereError(
            f"{was_started} and wrote {max(0.0, quiet_s):.0f} s ago; it may still run, and this is host {here}",
            hint=f"resume the study on {host}, or here once the run has written nothing for {SILENCE_S / 60:g} minutes",
        )


def _quiet_s(folder: RunDir) -> float:
    """Return for how long a run has written nothing, by the clock of the file system: hosts' clocks differ."""
    now_s = now_utc().timestamp()
    with suppress(OSError), TemporaryFile(dir=folder.path) as file:
        now_s = os.fstat(file.fileno()).st_mtime
    written_s = [0.0]
    for path in (folder.spec, folder.events, folder.log):
        with suppress(OSError):
            written_s.append(path.stat().st_mtime)
    return now_s - max(written_s)


def _is_whole(event: Event) -> bool:
    return type(event.get("pid")) is int and isinstance(event.get("t"), int | float)
