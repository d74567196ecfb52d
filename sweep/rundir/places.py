"""Finds the folder that a store has recorded for a study, and the store that a folder belongs to.

A folder in or below the folder of a SQLite store's file is recorded relative to it, and so is the store in plan.json
relative to the study's folder: what is copied or moved together stays together. Anything else is absolute. Nothing here
is relative to the current directory.

A store is named by its absolute URL without a password (`sqlite:////data/results/sweep.db`).
"""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.rundir.files import read_json

if TYPE_CHECKING:  # not needed by a trial's process
    from sweep.domain.trial import StudyRecord

STORE = "store"
"""The key of plan.json that holds the study's store: relative to the study's folder, or a URL."""

FILE = "sqlite:///"


def home_of(store: str) -> Path | None:
    """Return the folder that holds a SQLite store's file, None for a store without a file."""
    file = Path(store.removeprefix(FILE))
    return file.parent if store.startswith(FILE) and file.is_absolute() else None


def place_in(store: str, results: Path) -> str:
    """Return how a store records this results folder: relative to its file's folder if in or below it."""
    home, real = home_of(store), Path(os.path.realpath(results))
    return real.relative_to(home).as_posix() if home is not None and real.is_relative_to(home) else str(real)


def store_seen_from(folder: Path, store: str) -> str:
    """Return how plan.json in a study's folder records its store: relative if the folder is below the store's."""
    home, real = home_of(store), os.path.realpath(folder)
    is_below = home is not None and Path(real).is_relative_to(home)
    return os.path.relpath(store.removeprefix(FILE), real) if is_below else store


def results_of(record: "StudyRecord") -> Path:
    """Return the absolute results folder of a recorded study."""
    place, home = record.config.place, home_of(record.store)
    if place is not None and (home is not None or Path(place).is_absolute()):
        results = Path(os.path.normpath((home or Path("/")) / place))
        # Earlier versions recorded it relative to the folder of a link to the store's file, if the store was named so.
        return results if (results / record.name).is_dir() else _searched(record, home, results)
    return _searched(record, home)


def _searched(record: "StudyRecord", home: Path | None, otherwise: Path | None = None) -> Path:
    """Return the results folder of a study whose record has it as typed: the first that holds the study's plan.json.

    Earlier versions recorded it so. Folders beside the store come first. If none holds the plan, the folder is
    `otherwise`, or the one that the study was given.
    """
    typed, started = Path(record.config.results), str(record.provenance.get("folder") or "")
    candidates = [*_beside(home, typed), *([Path(started) / typed] if started or typed.is_absolute() else [])]
    for folder in candidates:
        if names_study(read_plan(folder / record.name), record):
            return folder
    if otherwise is not None:
        return otherwise
    if record.store and home is None and not candidates:  # a server, and no record of where it was started
        return Path("/") / typed
    is_default = record.config.store_url == f"{FILE}{typed}/sweep.db"
    return candidates[0 if is_default and home is not None else -1] if candidates else typed


def _beside(home: Path | None, typed: Path) -> Iterator[Path]:
    """Yield the possible places of a results folder typed like this beside a store's file, the nearest first."""
    if home is not None:
        yield home
        parts = typed.parts[1:] if typed.is_absolute() else typed.parts
        for at in reversed(range(len(parts))):
            if ".." not in parts[at:]:
                yield home.joinpath(*parts[at:])


def read_plan(folder: Path, name: str = "plan.json") -> dict[str, object] | None:
    """Return the plan.json of a study's folder, or another JSON object there; None if none can be read."""
    try:
        plan = read_json(folder / name)
    except (OSError, ValueError):
        return None
    return plan if isinstance(plan, dict) else None


def names_study(plan: Mapping[str, object] | None, record: "StudyRecord") -> bool:
    """Return whether a plan.json is of this very study, not of another one with the same name.

    An earlier `rebuild` set the creation time of every study to the current time; an earlier plan counts for such a
    record.
    """
    if plan is None or plan.get("study") != record.name:
        return False
    given = plan.get("record")
    text = given.get("created_at") if isinstance(given, Mapping) else None
    try:
        begun = datetime.fromisoformat(str(text))
        return begun == record.created_at or (record.config.place is None and begun < record.created_at)
    except (ValueError, TypeError):
        return text is None and record.config.place is None


def owner_of(plan: Mapping[str, object], folder: Path) -> str | None:
    """Return the store that the plan.json in a study's folder names; None if it names none."""
    found = plan.get(STORE)
    if found is None:
        found = _owner_as_typed(plan)
    if found is None or "://" in str(found):
        return None if found is None else str(found)
    return f"{FILE}{os.path.normpath(Path(os.path.realpath(folder)) / str(found))}"


def _owner_as_typed(plan: Mapping[str, object]) -> str | None:
    """Return the store of a plan.json of an earlier version, which has URL and results folder as typed."""
    given = plan.get("record")
    config = given.get("config") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(config, Mapping):
        return None
    from sweep.domain.recorded_config import RecordedConfig  # verbs and trials start without it

    recorded = RecordedConfig(config)
    url, started = recorded.store_url, str((given.get("provenance") or {}).get("folder") or "")
    if not url.startswith(FILE):
        return url or None
    base = Path(started or "/")
    file = Path(os.path.normpath(base / url.removeprefix(FILE)))
    folder = Path(os.path.normpath(base / recorded.results)) / str(plan.get("study"))
    if folder.is_relative_to(file.parent):
        return os.path.relpath(file, folder)
    return f"{FILE}{file}" if started or Path(url.removeprefix(FILE)).is_absolute() else None


def is_owner(store: str, owner: str) -> bool:
    """Return whether a folder that names `owner` belongs to `store`.

    If the file it names does not exist in a folder that now has another store, it was renamed to that.
    """
    if _plain(store) == _plain(owner):
        return True
    file, home = owner.removeprefix(FILE), home_of(owner)
    if home is not None and os.path.realpath(file) == os.path.realpath(store.removeprefix(FILE)):
        return True
    return home is not None and home == home_of(store) and not Path(file).exists()


def _plain(store: str) -> str:
    return store.replace("postgresql+psycopg://", "postgresql://", 1)
