"""A store made anew from what lies in the folders of studies: plan.json and what each run was told, logged and said."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from sweep.clock import now_utc
from sweep.config.secrets import without_password
from sweep.config.stores import store_option
from sweep.errors import DamagedStoreError, NotFoundError, OldStoreError, UsageError
from sweep.launch import RunRequest, kind_of
from sweep.rundir import RunDir, StudyDir, StudyLock, read_json
from sweep.store import Store
from sweep.study.assigning import assign, assign_records
from sweep.study.regression.files import restore_records
from sweep.study.restoring import Recovered, Restored, kind_recorded

Say = Callable[[str], None]


def rebuild_store(url: str, results: Sequence[Path], say: Say, *, takes_over: bool = True) -> Path | None:
    """Recreate the store at `url` from the studies in some results folders; return where a broken file was moved.

    A store that can be read stays, and only gets the studies that it does not know; so does a database on a server,
    which may be empty. One of an earlier version is upgraded first. Raises UsageError if nothing is left to do then, or
    if a study is running, NotFoundError if there is nothing to rebuild it from, and StoreError for a database that
    cannot be used and is not damaged: a later version's, another program's, locked, or on a server.

    With `takes_over` the folders belong to this store afterwards, whichever they named before.
    """
    file = Store.file_of(url)
    shown = without_password(url) if file is None else str(file)
    is_upgraded = _upgrade(url)
    if is_upgraded:
        say(f"store {shown}: upgraded to the present version")
    problem = _problem(url, file)
    say(problem or f"store {shown}: can be read from end to end")
    found = [study for folder in results for study in _studies_in(folder.resolve(), say)]
    if not found and is_upgraded and problem is None:
        return None
    if not found:
        raise NotFoundError(f"no study lies in {', '.join(map(str, results))}", hint="--results DIR names the folder")
    if problem is None:
        with Store.open(url) as store:
            known = [study for study in found if store.find_study(study.name) is not None]
            changed = assign(store, [study.folder for study in known], takes_over=takes_over)
        found = [study for study in found if study not in known]
        if changed:
            say(changed)
        if not found and not changed and not is_upgraded:
            raise UsageError(
                f"the store {shown} knows every study in {', '.join(map(str, results))}: there is nothing to rebuild",
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
    """Have the folders name the store that now holds their studies."""
    with Store.open(url) as store:
        assign(store, [study.folder for study in found], takes_over=takes_over)
        for results in {study.folder.results for study in found} if takes_over else ():
            assign_records(store, results)


def _upgrade(url: str) -> bool:
    """Bring a store of an earlier version up to date; return whether it was of one."""
    try:
        Store.open(url, read_only=True).close()
    except OldStoreError:
        with suppress(DamagedStoreError):  # it is made again, then
            Store.open(url).close()
            return True
    except (DamagedStoreError, NotFoundError):
        pass
    return False


def _problem(url: str, file: Path | None) -> str | None:
    """Return why a store has to be made anew, None where it can be used. Raises StoreError where that is no help."""
    if file is None:
        Store.open(url).close()  # nothing of a server's can be moved aside: it can be used, or says why it cannot
        return None
    return Store.damage(url) if file.exists() else f"store {file}: there is none"


def _studies_in(results: Path, say: Say) -> list[Recovered]:
    """Return what lies in the folders of a results folder; `say` is told of what cannot be used."""
    found = []
    for path in sorted(results.glob("*/plan.json")):
        folder = StudyDir(results, path.parent.name)
        try:
            plan = read_json(path)
            plan["task"], [plan["record"][key] for key in ("command", "config", "provenance", "created_at")]
            kind_recorded(plan["record"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            say(f"{path} cannot be used ({type(error).__name__}: {error}); the study is left out")
            continue
        specs: dict[int, dict[str, Any]] = {}
        for trial in folder.trials.glob("*"):
            if trial.name.isdigit():
                try:
                    specs[int(trial.name)] = RunDir(trial).read_spec()
                except (OSError, ValueError) as error:
                    say(f"{trial} has no usable spec.json ({error}); its trial will be run again")
        found.append(Recovered(folder, plan, dict(sorted(specs.items()))))
    return found


def _refuse_running(study: Recovered) -> None:
    """Raise UsageError if a run of an orchestrator that died is still live here, RunElsewhereError on another host."""
    launcher = dict(study.plan["record"]["config"].get("launcher") or {})
    kind = kind_of(str(launcher.get("name", "local")))
    for number, spec in study.specs.items():
        folder = study.folder.trial(number).path.absolute()
        handle = kind.find(RunRequest(run_id=0, dir=folder, token=spec.get("token")))
        if handle is not None:
            raise UsageError(
                f"trial {number} of {study.folder.study} still runs ({kind.shown(handle)})",
                hint="wait for its end, or end it",
            )


def _fill(url: str, found: Sequence[Recovered], say: Say) -> None:
    """Bring all studies into a new store: their trials first, then what one study reuses of another; then nights."""
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
    """Rename a database, with its log, to a name that says when; return that, None where there is no file."""
    stamp = f"{now_utc():%Y%m%dT%H%M%SZ}"
    aside = file.with_name(f"{file.name}.broken-{stamp}")
    moved = None
    for suffix in ("-wal", "-shm", ""):
        part = file.with_name(file.name + suffix)
        if part.exists():
            moved = part.rename(aside.with_name(aside.name + suffix))
    return moved


def _remove_database(file: Path) -> None:
    """Remove what a rebuild that died has left."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
