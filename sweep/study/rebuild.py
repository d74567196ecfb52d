"""Recreates a store from the folders of studies: from plan.json and the spec, events and result of each run."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from sweep.clock import now_utc
from sweep.config.secrets import without_password
from sweep.config.stores import store_option
from sweep.errors import DamagedStoreError, NotFoundError, OldStoreError, UsageError
from sweep.launch import RunRequest, kind_of
from sweep.rundir import RunDir, StudyDir, StudyLock, read_json
from sweep.store import Store
from sweep.study.assigning import assign, assign_records
from sweep.study.folder_files import PlanFile, SpecFile
from sweep.study.regression.files import restore_records
from sweep.study.restoring import Recovered, Restored

Say = Callable[[str], None]


def rebuild_store(url: str, results: Sequence[Path], say: Say, *, takes_over: bool = True) -> Path | None:
    """Recreate the store at `url` from the studies in some results folders; return where a damaged file was moved.

    A store that can be read stays, and gets only the studies that it does not know. The same holds for a database on a
    server, which may be empty. A store of an earlier version is upgraded first. Raises UsageError if nothing is left to
    do then, or if a study is running, NotFoundError if there is nothing to rebuild from, and StoreError for a database
    that cannot be used but is not damaged: of a later version, of another program, locked, or on a server.

    With `takes_over` the folders belong to this store afterwards, even if they named another one before.
    """
    file = Store.file_of(url)
    shown = without_password(url) if file is None else str(file)
    is_upgraded = _upgrade(url)
    if is_upgraded:
        say(f"store {shown}: upgraded to the current version")
    problem = _problem(url, file)
    say(problem or f"store {shown}: readable")
    found = [study for folder in results for study in _studies_in(folder.resolve(), say)]
    if not found and is_upgraded and problem is None:
        return None
    if not found:
        raise NotFoundError(f"no study in {', '.join(map(str, results))}", hint="name the folder with --results DIR")
    if problem is None:
        with Store.open(url) as store:
            known = [study for study in found if store.find_study(study.name) is not None]
            changed = assign(store, [study.folder for study in known], takes_over=takes_over)
        found = [study for study in found if study not in known]
        if changed:
            say(changed)
        if not found and not changed and not is_upgraded:
            raise UsageError(
                f"the store {shown} has every study in {', '.join(map(str, results))}: there is nothing to rebuild",
                hint="to rebuild it anyway, move the file away (PostgreSQL: name an empty database)",
            )
    found.sort(key=lambda study: study.created_at)
    with ExitStack() as held:
        for study in found:
            held.enter_context(StudyLock(study.folder.lock, store_option(url)))
            _refuse_running(study)
        if file is None or problem is None:
            _fill(url, found, say)
            _take_over(url, found, takes_over=takes_over)
            return None
        new = file.with_name(f"{file.name}.rebuilding")
        _remove_database(new)
        _fill(f"sqlite:///{new}", found, say)
        moved = _move_aside(file)
        new.rename(file)
        _take_over(url, found, takes_over=takes_over)
    return moved


def _take_over(url: str, found: Sequence[Recovered], *, takes_over: bool) -> None:
    """Assign the folders to the store that now holds their studies."""
    with Store.open(url) as store:
        assign(store, [study.folder for study in found], takes_over=takes_over)
        for results in {study.folder.results for study in found} if takes_over else ():
            assign_records(store, results)


def _upgrade(url: str) -> bool:
    """Upgrade a store of an earlier version; return whether it was one."""
    try:
        Store.open(url, read_only=True).close()
    except OldStoreError:
        with suppress(DamagedStoreError):  # then it is recreated
            Store.open(url).close()
            return True
    except (DamagedStoreError, NotFoundError):
        pass
    return False


def _problem(url: str, file: Path | None) -> str | None:
    """Return why a store has to be recreated, None if it can be used. Raises StoreError if recreating does not help."""
    if file is None:
        Store.open(url).close()  # a database on a server cannot be moved aside: it can be used, or raises
        return None
    return Store.damage(url) if file.exists() else f"store {file}: does not exist"


def _studies_in(results: Path, say: Say) -> list[Recovered]:
    """Return the studies in a results folder; `say` gets a message about each folder that cannot be used."""
    found = []
    for path in sorted(results.glob("*/plan.json")):
        folder = StudyDir(results, path.parent.name)
        try:
            plan = PlanFile.of(read_json(path))
        except (OSError, ValueError) as error:
            say(f"{path} cannot be used ({type(error).__name__}: {error}); the study is left out")
            continue
        specs: dict[int, SpecFile] = {}
        for trial in folder.trials.glob("*"):
            if trial.name.isdigit():
                try:
                    specs[int(trial.name)] = SpecFile.of(RunDir(trial).read_spec())
                except (OSError, ValueError) as error:
                    say(f"{trial} has no usable spec.json ({error}); its trial will be run again")
        found.append(Recovered(folder, plan, dict(sorted(specs.items()))))
    return found


def _refuse_running(study: Recovered) -> None:
    """Raise UsageError if a run left by a dead orchestrator is still live, RunElsewhereError if on another host."""
    launcher = study.plan.record.config.get("launcher")
    kind = kind_of(str(launcher.get("name", "local")) if isinstance(launcher, dict) else "local")
    for number, spec in study.specs.items():
        folder = study.folder.trial(number).path.absolute()
        handle = kind.find(RunRequest(run_id=0, dir=folder, token=spec.token))
        if handle is not None:
            raise UsageError(
                f"trial {number} of {study.folder.study} is still running ({kind.shown(handle)})",
                hint="wait until it ends, or stop it",
            )


def _fill(url: str, found: Sequence[Recovered], say: Say) -> None:
    """Restore all studies into a new store: their trials first, then what one study reuses of another, then nights."""
    studies = [Restored(study, {each.name: each for each in found}) for study in found]
    with Store.open(url) as store:
        for study in studies:
            with store.transaction():
                study.restore(store)
        for study in studies:
            with store.transaction():
                study.restore_reused(store)
        for study in studies:
            say(f"{study.study.name}: {study.end(store)}")
        for results in {study.folder.results: None for study in found}:
            restore_records(store, results, say)


def _move_aside(file: Path) -> Path | None:
    """Rename a database and its write-ahead log to a name with the time; return that, None if there is no file."""
    stamp = f"{now_utc():%Y%m%dT%H%M%SZ}"
    aside = file.with_name(f"{file.name}.broken-{stamp}")
    moved = None
    for suffix in ("-wal", "-shm", ""):
        part = file.with_name(file.name + suffix)
        if part.exists():
            moved = part.rename(aside.with_name(aside.name + suffix))
    return moved


def _remove_database(file: Path) -> None:
    """Remove the files that an earlier, killed rebuild has left."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
