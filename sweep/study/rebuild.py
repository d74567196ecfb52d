"""A store made anew from what lies in the folders of studies: plan.json and what each run was told, logged and said."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.clock import now_utc
from sweep.config.secrets import without_password
from sweep.config.stores import store_option
from sweep.domain.axis import Cell
from sweep.domain.counts import count_text
from sweep.domain.states import FINISHED_STATES, TrialState
from sweep.domain.target import Target
from sweep.domain.trial import StudyRecord, TrialSpec
from sweep.errors import NotFoundError, UsageError
from sweep.judge import SymptomThresholds
from sweep.launch import find_run_process
from sweep.rundir import RunDir, StudyDir, StudyLock, read_json
from sweep.store import Store
from sweep.study.live import LiveRun
from sweep.study.recorded import is_staged
from sweep.study.recording import ingest, read_ending, record_end
from sweep.study.regression.files import restore_records
from sweep.study.results import summarise

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recovered:
    """One study's folder: what it says of the study and, by number, of its trials."""

    folder: StudyDir
    plan: dict[str, Any]
    specs: dict[int, dict[str, Any]]

    @property
    def created_at(self) -> str:
        """When the study began, ISO 8601."""
        return str(self.plan["record"]["created_at"])


def rebuild_store(url: str, results: Sequence[Path], say: Say) -> Path | None:
    """Make the store at `url` anew from the studies in some results folders; return where a broken file was moved.

    A store that can be read stays, and only gets the studies that it does not know; so does a database on a server, in
    which an empty place is enough. Raises UsageError where it knows all of them, or one is running, NotFoundError where
    there is nothing to rebuild it from, and StoreError for a database that cannot be used and is not damaged: another
    version's, another program's, locked, or on a server.
    """
    file = Store.file_of(url)
    shown = without_password(url) if file is None else str(file)
    problem = _problem(url, file)
    say(problem or f"store {shown}: can be read from end to end")
    found = [study for folder in results for study in _studies_in(folder, say)]
    if not found:
        raise NotFoundError(f"no study lies in {', '.join(map(str, results))}", hint="--results DIR names the folder")
    if problem is None:
        with Store.open(url, read_only=True) as store:
            found = [study for study in found if store.find_study(study.folder.study) is None]
        if not found:
            raise UsageError(
                f"the store {shown} knows every study in {', '.join(map(str, results))}: there is nothing to rebuild",
                hint="to have it made anew all the same, move the file away (PostgreSQL: name an empty database)",
            )
    found.sort(key=lambda study: study.created_at)
    with ExitStack() as held:
        for study in found:
            held.enter_context(StudyLock(study.folder.lock, store_option(url)))
            _refuse_running(study)
        if file is None or problem is None:
            _fill(url, found, say)
            return None
        new = file.with_name(f"{file.name}.rebuilding")
        _remove_database(new)
        _fill(f"sqlite:///{new}", found, say)
        moved = _move_aside(file)
        new.rename(file)
    return moved


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
            plan["record"]["config"], plan["record"]["created_at"]
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
    """Raise UsageError where a run of a driver that died still goes on: its end has to be waited for."""
    for number in study.specs:
        process = find_run_process(0, study.folder.trial(number).path.absolute())
        if process is not None:
            raise UsageError(
                f"trial {number} of {study.folder.study} still runs (pid {process.pid})", hint="wait for it, or end it"
            )


def _fill(url: str, found: Sequence[Recovered], say: Say) -> None:
    """Bring all studies into a new store: their trials first, then what one study reuses of another; then nights."""
    with Store.open(url) as store:
        records = []
        for study in found:
            with store.transaction():
                records.append(_restore(store, study))
        for study, record in zip(found, records, strict=True):
            with store.transaction():
                _restore_reused(store, study, record)
            _end(store, study, record, say)
        for results in {study.folder.results: None for study in found}:
            restore_records(store, results, say)


def _end(store: Store, study: Recovered, record: StudyRecord, say: Say) -> None:
    """Set how a study whose trials are in the store has ended, and its summary."""
    counts = store.counts(record.id)
    total = sum(counts.values())
    written = _written_summary(study) if is_staged(record) else None
    is_whole = (
        set(counts) <= FINISHED_STATES - {TrialState.CANCELLED, TrialState.LOST}
        and total >= len(study.plan.get("trials", ()))
        and (written is None or written.get("status", "ended") == "ended")
    )
    store.update_study(record.id, status="ended" if is_whole else "interrupted", ended=True)
    if written is not None:
        store.save_summary(record.id, written)
        say(f"{record.name}: the summary of its stages")
        return
    store.save_summary(record.id, summarise(store, store.study(record.name), wall_s=_written_wall_s(study)))
    say(f"{record.name}: {count_text(total, 'trial')} ({', '.join(f'{n} {state}' for state, n in counts.items())})")


def _restore(store: Store, study: Recovered) -> StudyRecord:
    """Bring a study and all trials that have a folder into the store."""
    given = study.plan["record"]
    record = store.create_study(
        name=study.folder.study,
        task=str(study.plan["task"]),
        command=[str(word) for word in given["command"]],
        config=given["config"],
        provenance=given["provenance"],
    )
    thresholds = SymptomThresholds.of(given["config"].get("symptoms") or {})
    trials = store.add_trials(record.id, [_spec_of(spec) for spec in study.specs.values()], numbers=list(study.specs))
    for trial in trials:
        folder = study.folder.trial(trial.number)
        run = store.begin_run(trial.id, str(folder.path))
        live = LiveRun(trial, run, folder)
        ingest(store, live)
        ended, is_retried = read_ending(folder, run.id)
        spec = study.specs[trial.number]
        target = Target.from_mapping(spec["target"])
        record_end(store, live, ended, target, thresholds=thresholds, is_probe="probe" in spec)
        if is_retried:
            store.transition(trial.id, TrialState.PENDING, "rebuilt: it was to be tried again")
    if "trials" in study.plan:
        wanted = {(entry["cell"], entry["seed"], entry["fingerprint"]) for entry in study.plan["trials"]}
        store.set_current(record.id, [t.id for t in trials if (t.cell.key, t.seed, t.fingerprint) in wanted])
    return record


def _spec_of(spec: dict[str, Any]) -> TrialSpec:
    """Return the trial of a spec.json."""
    return TrialSpec(
        cell=Cell(Cell.of(spec["toggles"]).toggles, tuple((str(k), str(v)) for k, v in spec["params"])),
        seed=int(spec["seed"]),
        overrides=tuple(spec["overrides"]),
        task=spec["task"],
        fingerprint=str(spec["fingerprint"]),
    )


def _restore_reused(store: Store, study: Recovered, record: StudyRecord) -> None:
    """Add the trials of a fixed design that had no run of their own, where another trial's can be reused.

    What then is still missing is added when the study goes on. A study that reuses nothing has none.
    """
    if not record.config.get("reuse", True):
        return
    known = {(trial.cell.key, trial.seed) for trial in store.trials(record.id)}
    missing = [entry for entry in study.plan.get("trials", ()) if (entry["cell"], entry["seed"]) not in known]
    cells = {cell["cell"]: cell for cell in study.plan.get("cells", ())}
    sources = store.find_finished(entry["fingerprint"] for entry in missing)
    tasks = {trial.id: trial.task for of in store.studies() for trial in store.trials(of.id, retired=True)}
    for entry in missing:
        source = sources.get(entry["fingerprint"])
        if source is not None:
            spec = TrialSpec(
                cell=Cell.of(cells[entry["cell"]]["toggles"]),
                seed=int(entry["seed"]),
                overrides=tuple(cells[entry["cell"]]["overrides"]),
                task=tasks[source],
                fingerprint=str(entry["fingerprint"]),
            )
            [trial] = store.add_trials(record.id, [spec])
            store.reuse(trial.id, source)


def _written_wall_s(study: Recovered) -> float:
    """Return the wall time that the study's last summary gives, 0 where there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(read_json(study.folder.summary)["cost"]["wall_s"])
    return 0.0


def _written_summary(study: Recovered) -> dict[str, Any]:
    """Return what a study made of others has written of them, {"status": "interrupted"} where it has not."""
    with suppress(OSError, ValueError):
        summary = read_json(study.folder.summary)
        if isinstance(summary, dict):
            return summary
    return {"status": "interrupted"}


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
