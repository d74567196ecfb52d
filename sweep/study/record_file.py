"""record.json: what only the store knows of a study when a session ends, kept in its folder for `rebuild`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sweep.domain.trial import StudyRecord
from sweep.launch.leases import CPU
from sweep.rundir import StudyDir, read_plan, write_json_atomic
from sweep.store import Store

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """A trial that reuses another trial's run. `source` is the study and number of the trial that ran."""

    number: int
    seed: int
    fingerprint: str
    toggles: tuple[str, ...]
    params: tuple[tuple[str, str], ...]
    overrides: tuple[str, ...]
    source: tuple[str, int]
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    """The contents of record.json. `devices` has the GPU of each trial's latest run, by trial number."""

    status: str
    ended_at: datetime
    provenance: Mapping[str, Any]
    reused: tuple[Reused, ...] = ()
    devices: Mapping[int, str] = field(default_factory=dict)


def write_record(store: Store, record: StudyRecord, folder: StudyDir) -> None:
    """Write record.json of a study whose session has ended. Raises OSError."""
    current = {trial.id for trial in store.trials(record.id)}
    sources, devices = store.sources(record.id), store.run_devices(record.id)
    words = {
        "schema": SCHEMA,
        "status": record.status,
        "ended_at": None if record.ended_at is None else record.ended_at.isoformat(),
        "provenance": dict(record.provenance),
        "reused": [
            {
                "number": trial.number,
                "seed": trial.seed,
                "fingerprint": trial.fingerprint,
                "toggles": [str(toggle) for toggle in trial.cell.sorted_toggles],
                "params": [list(pair) for pair in trial.cell.params],
                "overrides": list(trial.overrides),
                "source": list(sources[trial.id]),
                "current": trial.id in current,
            }
            for trial in store.trials(record.id, retired=True)
            if trial.id in sources
        ],
        "devices": {str(number): device for number, device in devices.items() if device != CPU},
    }
    write_json_atomic(folder.record, words)


def read_record(folder: StudyDir) -> RecordFile | None:
    """Return the contents of record.json, None if it is missing or cannot be used."""
    words = read_plan(folder.path, folder.record.name)
    try:
        return None if words is None else _record(words)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _record(words: Mapping[str, Any]) -> RecordFile:
    return RecordFile(
        status=str(words["status"]),
        ended_at=datetime.fromisoformat(words["ended_at"]),
        provenance=dict(words["provenance"]),
        reused=tuple(_reused(each) for each in words["reused"]),
        devices={int(number): str(device) for number, device in words["devices"].items()},
    )


def _reused(words: Mapping[str, Any]) -> Reused:
    return Reused(
        number=int(words["number"]),
        seed=int(words["seed"]),
        fingerprint=str(words["fingerprint"]),
        toggles=tuple(str(toggle) for toggle in words["toggles"]),
        params=tuple((str(key), str(value)) for key, value in words["params"]),
        overrides=tuple(str(override) for override in words["overrides"]),
        source=(str(words["source"][0]), int(words["source"][1])),
        is_current=bool(words["current"]),
    )
