"""What a study needs before its first run: its packages, its folder's lock, and its record in the store."""

import errno
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sweep.config import LoadedConfig
from sweep.config.secrets import without_password
from sweep.config.source import missing_imports, missing_required
from sweep.config.stores import rebuild_command, store_option
from sweep.domain.kinds import StudyKind
from sweep.domain.plural import count_text
from sweep.domain.recorded_config import PLACE
from sweep.domain.trial import StudyRecord
from sweep.errors import ConfigError, MissingPaddleError, StoreError
from sweep.launch import devices_of
from sweep.rundir import STORE, StudyDir, StudyLock, place_in, shown, store_seen_from, write_json_atomic
from sweep.store import Store
from sweep.study.config_record import recorded_config
from sweep.study.places import check_owner
from sweep.study.provenance import collect_provenance

_NO_PLACE = frozenset(
    {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ENOENT}
)
"""Errors that mean that this folder cannot be used, so that the user has to name another one."""

_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EISDIR})
"""Likewise: the file system has no locks, or a folder is in the place of the lock file."""


@contextmanager
def locked_folder(folder: StudyDir, store_url: str) -> Iterator[StudyLock]:
    """Hold the lock of a study's folder; the study is kept in this store.

    Raises ConfigError if the folder cannot be used, StudyLockedError if another process holds the lock.
    """
    lock = StudyLock(folder.lock, store_option(store_url))
    try:
        lock.acquire()
        folder.trials.mkdir(exist_ok=True)
        folder.clear_unfinished()
    except OSError as error:
        lock.release()
        if error.errno not in _NO_PLACE | _NO_LOCKS:
            raise
        raise ConfigError(
            "results",
            f"the folder cannot be written ({error.strerror}: {shown(error.filename)})",
            value=shown(folder.results),
            hint="name another one with results=DIR",
        ) from error
    try:
        yield lock
    finally:
        lock.release()


def check_packages(loaded: LoadedConfig) -> None:
    """Raise MissingPaddleError if the task needs a paddle that is not installed.

    Raises ConfigError for another package without which a script cannot start.
    """
    if "paddle" in missing_imports(loaded.source):
        raise MissingPaddleError(
            f"task {loaded.study.task_name} needs paddle, which is not installed",
            hint='pip install "paddle-sweep[cpu]" (or [gpu]); from a checkout: pip install -e ".[cpu]"',
        )
    if missing := missing_required(loaded.source):
        raise ConfigError(
            "task.path",
            f"the script imports packages that are not installed: {', '.join(missing)}",
            value=loaded.study.task["path"],
            hint=f"install them for {sys.executable}",
        )


def open_record(store: Store, loaded: LoadedConfig, folder: StudyDir, kind: StudyKind) -> StudyRecord:
    """Create the record of a study of this kind, or update it to the current config; return it.

    It lists the GPUs that runs may use; at the end of the study, those that they have used.

    Raises StoreError if the folder has results that the store does not know: they would be run again.
    Raises OtherStoreError if the folder belongs to another store.
    """
    config = loaded.study
    check_owner(store.url, folder)
    found = store.find_study(config.name)
    kept = {**recorded_config(config), PLACE: place_in(store.url, folder.results)}
    devices = {*devices_of(config.launcher), *(store.devices(found.id) if found else ())}
    provenance = collect_provenance(folder=Path.cwd(), seeds=config.seeds, devices=devices)
    if found is None:
        finished = folder.results_found()
        if finished:
            raise StoreError(
                f"{shown(folder.path)} holds {count_text(finished, 'finished trial')} of a study that is not in the "
                f"store {without_password(config.store_url)}",
                hint=f"`{rebuild_command(config.store_url, shown(folder.results))}` rebuilds the store from the run "
                "folders; or set another study=NAME or results=DIR",
            )
        return store.create_study(
            name=config.name,
            kind=kind,
            task=config.task_name,
            command=loaded.command,
            config=kept,
            provenance=provenance,
        )
    store.update_study(
        found.id, status="running", kind=kind, command=loaded.command, config=kept, provenance=provenance
    )
    return store.study(config.name)


def write_plan(folder: StudyDir, plan: Mapping[str, object], record: StudyRecord) -> None:
    """Write plan.json: a plan, with the study's store and record. Raises OSError."""
    seen = {STORE: store_seen_from(folder.path, record.store), "record": plan_record(record)}
    write_json_atomic(folder.plan, {**plan, **seen})


def plan_record(record: StudyRecord) -> dict[str, object]:
    """Return what plan.json keeps of the study's record, so that the store can be rebuilt from the folders."""
    return {
        "kind": str(record.kind),
        "command": list(record.command),
        "config": dict(record.config.raw),
        "provenance": dict(record.provenance),
        "created_at": record.created_at.isoformat(),
    }
