"""record.json: what only the store knows of a study when a session ends, kept in its folder for `rebuild`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sweep.domain.json_form import KEY, JsonObject, from_json, to_json, to_object
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
    is_current: bool = field(metadata={KEY: "current"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    """The contents of record.json. `devices` has the GPU of each trial's latest run, by its number as text."""

    status: str
    ended_at: datetime
    provenance: JsonObject = field(hash=False)
    reused: tuple[Reused, ...]
    devices: Mapping[str, str] = field(hash=False)


def write_record(store: Store, record: StudyRecord, folder: StudyDir) -> None:
    """Write record.json of a study whose session has ended. Raises OSError."""
    current = {trial.id for trial in store.trials(record.id)}
    sources, devices = store.sources(record.id), store.run_devices(record.id)
    assert record.ended_at is not None
    words = RecordFile(
        status=record.status,
        ended_at=record.ended_at,
        provenance=cast("JsonObject", to_json(record.provenance)),
        reused=tuple(
            Reused(
                number=trial.number,
                seed=trial.seed,
                fingerprint=trial.fingerprint,
                toggles=tuple(str(toggle) for toggle in trial.cell.sorted_toggles),
                params=trial.cell.params,
                overrides=trial.overrides,
                source=sources[trial.id],
                is_current=trial.id in current,
            )
            for trial in store.trials(record.id, retired=True)
            if trial.id in sources
        ),
        devices={str(number): device for number, device in devices.items() if device != CPU},
    )
    write_json_atomic(folder.record, {"schema": SCHEMA, **to_object(words)})


def read_record(folder: StudyDir) -> RecordFile | None:
    """Return the contents of record.json, None if it is missing or cannot be used."""
    words = read_plan(folder.path, folder.record.name)
    try:
        return None if words is None else from_json(RecordFile, words)
    except ValueError:
        return None
