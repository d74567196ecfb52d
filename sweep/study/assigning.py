"""Assigns study folders to a store, for `rebuild`: after the store was moved, renamed or recreated."""

from collections.abc import Sequence
from pathlib import Path

from sweep.domain.recorded_config import PLACE
from sweep.rundir import (
    STORE,
    StudyDir,
    is_owner,
    names_study,
    owner_of,
    place_in,
    read_plan,
    store_seen_from,
    write_json_atomic,
)
from sweep.store import Store

RECORDS = ("plan.json", "baselines.json", "*/night.json")
"""Files below the folder of a study or a regression that name its store."""


def assign(store: Store, folders: Sequence[StudyDir], *, takes_over: bool) -> str:
    """Record where these studies' folders are now; return what changed as text, empty if nothing did.

    With `takes_over` the folders name this store afterwards, even if they named another one before.
    """
    with store.transaction():
        moved = sum(_follow(store, folder) for folder in folders)
    renamed = sum(_rename(store.url, folder.path) for folder in folders) if takes_over else 0
    words = [f"folders assigned to this store: {renamed}"] if renamed else []
    words += [f"moved folders recorded: {moved}"] if moved else []
    return ", ".join(words)


def assign_records(store: Store, results: Path) -> None:
    """Assign the regressions of a results folder to a store as well: their folders have no plan.json."""
    known = {night.parents[1] for night in results.glob("*/*/night.json")}
    for folder in known | {file.parent for file in results.glob("*/baselines.json")}:
        _rename(store.url, folder)


def _follow(store: Store, folder: StudyDir) -> bool:
    """Record the new place of a study's folder if it has moved; return whether it has."""
    record = store.find_study(folder.study)
    if record is None or not names_study(read_plan(folder.path), record):
        return False
    kept = StudyDir.of(record).path
    if kept == folder.path or kept.is_dir():
        return False
    store.update_study(record.id, config={**record.config.raw, PLACE: place_in(store.url, folder.results)})
    return True


def _rename(url: str, folder: Path) -> bool:
    """Write this store's name into the files of a folder; return whether one of them named another store."""
    changed = False
    for pattern in RECORDS:
        for file in folder.glob(pattern):
            words = read_plan(file.parent, file.name)
            owner = None if words is None else owner_of(words, file.parent)
            if words is not None and (owner is None or not is_owner(url, owner)):
                write_json_atomic(file, {**words, STORE: store_seen_from(file.parent, url)})
                changed = changed or owner is not None
    return changed
