"""The name that a config gets in its store: an automatic name belongs to the first config that had it."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from sweep.clock import monotonic_s
from sweep.config import LoadedConfig, StudyConfig
from sweep.domain.naming import FOLDER, Question, change_words, changes, study_name
from sweep.domain.trial import StudyRecord
from sweep.errors import NotFoundError, OldStoreError, StudyLockedError
from sweep.report.commands import command_text
from sweep.rundir import StudyDir, StudyLock
from sweep.store import Store
from sweep.study.decisions import logging_to
from sweep.study.places import folder_for

logger = logging.getLogger(__name__)

NAMING_S = 5.0
"""Seconds to wait for the record of a study that another process has just begun under the plain name."""

Find = Callable[[str], StudyRecord | None]
Names = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedStudy:
    """A config under the name that it gets. `note` tells the user about an unexpected name; else it is empty."""

    loaded: LoadedConfig
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStudy:
    """A study that this process has locked: no other process can run it or take its name."""

    loaded: LoadedConfig
    note: str
    folder: StudyDir
    lock: StudyLock
    store: Store


def named(loaded: LoadedConfig, find: Find, names: Names = tuple) -> NamedStudy:
    """Return a config under its name. `find` looks up a recorded study, `names` lists all of them, oldest first.

    A given name (`study=NAME`) is kept, even if the recorded study of that name had another config.
    """
    config = loaded.study
    ours = Question(config.task, config.target, config.home, config.asked)
    if config.is_named:
        record = find(config.name)
        return NamedStudy(loaded=_beside(loaded, config.name, _kept(record, ours)), note=_replaced(record, ours))
    first = find(config.name)
    is_given = first is not None and first.config.is_named
    name = study_name(config.name, ours, lambda each: _question(find(each)), names, may_be_replaced=is_given)
    if name == config.name:
        return NamedStudy(loaded=loaded, note="")
    found = () if first is None else changes(Question.recorded(first.config), ours)
    is_alike = first is not None and _is_comparable(first, config) and all(each.key != FOLDER for each in found)
    compared = config.name if is_alike else None
    differs = change_words(found)
    note = f"this config is recorded as {name}"
    if differs:
        note = f"{config.name} is another study ({differs}); this one is called {name}"
    return NamedStudy(loaded=_beside(loaded, name, compared), note=note)


def named_on_record(loaded: LoadedConfig, *, upgrades: bool = False) -> NamedStudy:
    """Return a config under the name that it gets in its store now, without locking it. Raises StoreError.

    `upgrades` brings a store of an older version up to date; else such a store raises OldStoreError.
    """
    if loaded.study.regression is not None:
        return NamedStudy(loaded=loaded, note="")
    url = loaded.study.store_url
    try:
        store = Store.open(url, read_only=True)
    except NotFoundError:
        return NamedStudy(loaded=loaded, note="")
    except OldStoreError:
        if not upgrades:
            raise
        store = Store.open(url)
    with store:
        return named(loaded, store.find_study, _names(store))


@contextmanager
def held(loaded: LoadedConfig) -> Iterator[HeldStudy]:
    """Lock a study under the name that its config gets, with its store and its log of decisions open.

    The name is looked up again under the lock: another process may have taken it since. Raises what `locked_folder` and
    `Store.open` raise; StudyLockedError only if the other process runs the same study.
    """
    with ExitStack() as kept:
        study = _hold(loaded, kept)
        kept.enter_context(logging_to(study.folder))
        logger.info("session of %s begins: %s", study.loaded.study.name, command_text(study.loaded.command))
        if study.note:
            logger.info("name: %s", study.note)
        yield study


def _hold(loaded: LoadedConfig, kept: ExitStack) -> HeldStudy:
    from sweep.study.opening import locked_folder  # imported here: `plan` needs the name, but not this

    while True:
        as_named = loaded if loaded.study.is_named else named_on_record(loaded, upgrades=True).loaded
        name, folder = as_named.study.name, folder_for(as_named)
        with ExitStack() as tried:
            try:
                lock = tried.enter_context(locked_folder(folder, loaded.study.store_url))
                store = tried.enter_context(Store.open(loaded.study.store_url, lock_study=name))
            except StudyLockedError:
                if not _is_renamed_soon(loaded, name):
                    raise
                continue
            found = named(loaded, store.find_study, _names(store))
            if found.loaded.study.name == name:
                kept.push(tried.pop_all())
                return HeldStudy(loaded=found.loaded, note=found.note, folder=folder, lock=lock, store=store)


def _is_renamed_soon(loaded: LoadedConfig, name: str) -> bool:
    """Return whether a config gets another name once the process that holds this name has recorded its study."""
    until_s = monotonic_s() + NAMING_S
    while not loaded.study.is_named:
        if named_on_record(loaded, upgrades=True).loaded.study.name != name:
            return True
        if _is_recorded(loaded, name) or monotonic_s() >= until_s:
            break
        time.sleep(0.05)
    return False


def _names(store: Store) -> Names:
    return lambda: [study.name for study in sorted(store.studies(), key=lambda study: study.created_at)]


def _is_recorded(loaded: LoadedConfig, name: str) -> bool:
    try:
        with Store.open(loaded.study.store_url, read_only=True) as store:
            return store.find_study(name) is not None
    except NotFoundError:
        return False


def _beside(loaded: LoadedConfig, name: str, compared: str | None) -> LoadedConfig:
    return replace(loaded, study=replace(loaded.study, name=name, compare_with=compared))


def _question(record: StudyRecord | None) -> Question | None:
    return None if record is None else Question.recorded(record.config)


def _kept(record: StudyRecord | None, ours: Question) -> str | None:
    """Return the study that a recorded one is compared with, if its config is still the same."""
    if record is None or not Question.recorded(record.config).is_same(ours):
        return None
    return record.config.compare_with


def _replaced(record: StudyRecord | None, ours: Question) -> str:
    """Return a note for the user if the study of a given name had another config, empty if not."""
    found = () if record is None else changes(Question.recorded(record.config), ours)
    if record is None or not found:
        return ""
    return (
        f"{record.name} had another config ({change_words(found)}): its reports are replaced, its earlier trials stay "
        "in the store; use another study=NAME to keep both"
    )


def _is_comparable(first: StudyRecord, config: StudyConfig) -> bool:
    """Return whether `compare` can compare a new study with the one that already has its plain name.

    It can if both train trials with the same target and the same axes: then their cells are the same.
    """
    trains = config.kind.has_verdicts and not config.params
    is_alike = trains and first.kind.has_verdicts and not first.config.params
    return is_alike and first.target == config.target and first.config.axes == config.axes
