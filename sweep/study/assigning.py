"""Folders given to a store by `rebuild`: what a store that was moved, renamed or made again has to do with them."""

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
"""Files of a study or a regression that name their store, below its folder."""


def assign(store: Store, folders: Sequence[StudyDir], *, takes_over: bool) -> str:
    """Record where these studies' folders are now; return what changed, empty for nothing.

    With `takes_over` the store owns them, whichever store they named before.
    """
    with store.transaction():
        moved = sum(_follow(store, folder) for folder in folders)
    renamed = sum(_rename(store.url, folder.path) for folder in folders) if takes_over else 0
    words = [f"folders assigned to this store: {renamed}"] if renamed else []
    words += [f"new places recorded: {moved}"] if moved else []
    return ", ".join(words)


def assign_records(store: Store, results: Path) -> None:
    """Have a store own the regressions of a results folder, too: their folders hold no plan of a study."""
    known = {night.parents[1] for night in results.glob("*/*/night.json")}
    for folder in known | {file.parent for file in results.glob("*/baselines.json")}:
        _rename(store.url, folder)


def _follow(store: Store, folder: StudyDir) -> bool:
    """Record where a study's folder is, if it is not any more where it was."""
    record = store.find_study(folder.study)
    if record is None or not names_study(read_plan(folder.path), record):
        return False
    kept = StudyDir.of(record).path
    if kept == folder.path or kept.is_dir():
        return False
    store.update_study(record.id, config={**record.config.raw, PLACE: place_in(store.url, folder.results)})
    return True


def _rename(url: str, folder: Path) -> bool:
    """Have the files in a folder name this store; return whether one named another."""
    changed = False
    for pattern in RECORDS:
        for file in folder.glob(pattern):
            words = read_plan(file.parent, file.name)
            owner = None if words is None else owner_of(words, file.parent)
            if words is not None and (owner is None or not is_owner(url, owner)):
                write_json_atomic(file, {**words, STORE: store_seen_from(file.parent, url)})
                changed = changed or owner is not None
    return changed
