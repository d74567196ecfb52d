"""Where a study's folder is, and whether a store may change it: a copied store never touches the original's folders."""

import os
import shlex
from dataclasses import replace
from pathlib import Path

from sweep.config import LoadedConfig
from sweep.domain.trial import StudyRecord
from sweep.errors import ConfigError, NotFoundError, OtherStoreError, StoreError
from sweep.report.commands import key_of
from sweep.rundir import StudyDir, is_owner, names_study, owner_of, read_plan, shown
from sweep.store import Store


def folder_for(loaded: LoadedConfig) -> StudyDir:
    """Return the folder of the study that a command runs: the recorded one if its store knows the study.

    A folder that was moved to the results folder of the command is found there. Raises ConfigError if the command names
    another results folder than the study has, StoreError if the store cannot be used.
    """
    config = loaded.study
    asked = StudyDir(Path(os.path.realpath(config.results)), config.name)
    record = _recorded(config.store_url, config.name)
    kept = asked if record is None else StudyDir.of(record)
    if record is None or kept.results == asked.results:
        return asked
    if not kept.path.is_dir() and names_study(read_plan(asked.path), record):
        return asked
    if any(key_of(word) == "results" for word in loaded.overrides):
        raise ConfigError(
            "results",
            f"the study {config.name} is kept in {shown(kept.results)}, and stays there",
            value=config.results,
            hint="leave out results=, or give the study a new name: study=NAME",
        )
    if not kept.results.parent.is_dir():
        raise ConfigError(
            "results",
            f"the study {config.name} is kept in {kept.results}, which does not exist on this machine",
            hint="if its folder was moved, start the command with results=DIR; study=NAME starts a new study",
        )
    return kept


def _recorded(url: str, name: str) -> StudyRecord | None:
    """Return the record of a study, None if the store does not know it or does not exist. Raises StoreError."""
    try:
        with Store.open(url, read_only=True) as store:
            return store.find_study(name)
    except NotFoundError:
        return None
    except StoreError:  # of an older version: opening it to write upgrades it, or reports what is wrong
        with Store.open(url) as store:
            return store.find_study(name)


def beside(loaded: LoadedConfig, folder: StudyDir) -> LoadedConfig:
    """Return a study's config with the results folder of the study that it is a part of."""
    return replace(loaded, study=replace(loaded.study, results=str(folder.results)))


def check_owner(store_url: str, folder: StudyDir, file: Path | None = None) -> None:
    """Raise OtherStoreError if a folder's plan.json, or the given file in it, names another store than this one."""
    file = file or folder.plan
    words = read_plan(file.parent, file.name)
    owner = None if words is None else owner_of(words, file.parent)
    if owner is not None and not is_owner(store_url, owner):
        raise OtherStoreError(
            f"{folder.path} belongs to the store {owner}; the store {store_url} can read it but must not change it",
            hint=f"use `--store {shlex.quote(owner)}`. If that store was moved or renamed, `python -m sweep rebuild "
            f"--store {shlex.quote(store_url)} --results {shlex.quote(str(folder.results))}` assigns its folders to "
            "the new one. For a new study, name another folder with results=DIR",
        )


def why_not_ours(record: StudyRecord) -> str | None:
    """Return why a study's folder must not be deleted or overwritten from its store, None if it may be changed."""
    folder = StudyDir.of(record)
    if not folder.path.is_dir():
        return None
    plan = read_plan(folder.path)
    if plan is None:
        return f"its folder {folder.path} has no plan.json to show that it belongs to this study"
    if not names_study(plan, record):
        return f"{folder.path} holds another study of this name: its plan.json was created at another time"
    try:
        check_owner(record.store, folder)
    except OtherStoreError as error:
        return error.message
    return None


def check_ours(record: StudyRecord) -> StudyDir:
    """Return a study's folder. Raises OtherStoreError if the study's store must not change it."""
    folder = StudyDir.of(record)
    check_owner(record.store, folder)
    reason = why_not_ours(record)
    if reason is not None and read_plan(folder.path) is not None:
        raise OtherStoreError(reason, hint="run the study under another name with study=NAME")
    return folder
