"""The store: everything known about studies, in one database. All access to the database goes through it."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection

from sweep.clock import now_utc
from sweep.config.stores import absolute_store, rebuild_command, store_word
from sweep.domain.json_form import JsonObject
from sweep.domain.kinds import StudyKind
from sweep.domain.metric import Series
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.trial import Outcome, RunRecord, StudyRecord, TrialRecord, TrialSpec
from sweep.domain.verdict import Judgement, Verdict
from sweep.errors import DamagedStoreError, NotFoundError, OldStoreError, StoreError, SweepError
from sweep.store import jsontext, migrations, outcomes, runs, series, slices, studies, trials
from sweep.store.engine import (
    begun,
    integrity_problem,
    make_engine,
    name_of,
    parse_url,
    rebuild_hint,
    sqlite_path,
    translated,
)
from sweep.store.records import Event, ProcessColumns
from sweep.store.transactions import Transactions

TOKEN_BYTES = 8
"""Random bytes of an attempt's token: no two attempts have the same token, in any store."""

_RUNS_AT_ONCE = 200  # runs read at a time while streaming: 200 x 1,000 points x 16 bytes are 3 MB per metric


class Store:
    """Studies, trials, runs, events, series and judgements, through one connection.

    What it promises is in sweep/store/protocol. Every method is one transaction, or part of the `transaction()` it is
    called in. `url` is absolute, without a password. `Store.open("sqlite://")` is the fake for tests: the same code on
    a database in memory.

    Every method raises StoreError if the database fails (locked, full, damaged) and NotFoundError for an unknown id or
    name.
    """

    def __init__(
        self, conn: Connection, name: str, *, read_only: bool, file: Path | None = None, url: str = "sqlite://"
    ) -> None:
        self.transactions = Transactions(conn, name, read_only=read_only)
        self.url = url
        self._dated: datetime | None = None
        self._name, self._file = name, file
        self._opened = None if file is None else file.stat()

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, lock_study: str | None = None) -> "Store":
        """Return the store at a SQLAlchemy URL (`sqlite:///results/sweep.db`, `postgresql+psycopg://user@host/db`).

        A writer creates the folder and the tables, or upgrades an older database to the current version. A reader
        creates nothing: it raises NotFoundError if there is no store yet. Raises StoreError, naming the file, if it is
        not a store, damaged, or newer than this code.

        `lock_study` is the study that the caller is going to run. In PostgreSQL, which is reached from any host and
        folder, the store holds that study until it is closed, and raises StudyLockedError if another process does; for
        a SQLite file, the lock in the study's folder is enough.
        """
        parsed = parse_url(url)
        name = name_of(parsed)
        engine = make_engine(parsed, read_only=read_only, lock_study=lock_study)
        try:
            with translated(name):
                conn = engine.connect()
            with translated(name), begun(conn, writes=not read_only):
                (migrations.require_current if read_only else migrations.upgrade)(conn)
            return cls(conn, name, read_only=read_only, file=sqlite_path(parsed), url=absolute_store(url))
        except BaseException as exc:
            engine.dispose()  # closes its one connection, too
            if isinstance(exc, SweepError) and name not in exc.message:
                hint = exc.hint
                if isinstance(exc, OldStoreError):
                    hint = f"`{rebuild_command(url)}` upgrades it in place, as does every command that changes a store"
                raise type(exc)(f"store {name}: {exc.message}", hint=hint) from exc
            raise

    @classmethod
    def damage(cls, url: str) -> str | None:
        """Return how the store at a URL is damaged, after reading it from end to end; None if it is not.

        A file without tables counts as damaged, because a store has some. Raises StoreError if this cannot be
        determined, and for an intact database that cannot be read here: of another version, or another program.
        """
        try:
            with cls.open(url, read_only=True) as store, store.transactions.reading() as conn:
                found = integrity_problem(conn)
        except (DamagedStoreError, NotFoundError) as exc:
            return exc.message
        return None if found is None else f"store {name_of(parse_url(url))}: {found}"

    @classmethod
    def file_of(cls, url: str) -> Path | None:
        """Return the file of a SQLite URL, None for any other database. Raises StoreError."""
        return sqlite_path(parse_url(url))

    def check_in_place(self) -> None:
        """Raise StoreError if the file was removed or replaced: what was written here would be lost."""
        if self._file is None or self._opened is None:
            return
        with suppress(FileNotFoundError):
            if os.path.samestat(self._file.stat(), self._opened):
                return
        raise StoreError(
            f"store {self._name} was removed or replaced while the study ran", hint=rebuild_hint(self._name)
        )

    def close(self) -> None:
        """Close the connection. The store cannot be used after that; closing twice does nothing."""
        with self.transactions.lock:
            self.transactions.conn.close()
            self.transactions.conn.engine.dispose()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[object]:
        """Group writes: all of them are kept, or none if the block raises. Nested blocks join the outer one.

        A StoreError inside it ends it, even if the block continues: further writes are refused.
        """
        return self.transactions.writing()

    @contextmanager
    def dated(self, at: datetime | None) -> Iterator[None]:
        """Record what is written inside the block as of this time, to restore past changes. None: now."""
        before, self._dated = self._dated, at
        try:
            yield
        finally:
            self._dated = before

    def _now(self) -> datetime:
        return self._dated or now_utc()

    # Studies

    def create_study(
        self,
        *,
        name: str,
        task: str,
        command: Sequence[str],
        config: Mapping[str, Any],
        provenance: Mapping[str, Any],
        kind: StudyKind = StudyKind.ABLATION,
    ) -> StudyRecord:
        """Add a study with status `running`. Raises StoreError if the name exists."""
        with self.transactions.writing() as conn:
            record = studies.create(
                conn,
                name=name,
                kind=kind,
                task=task,
                command=command,
                config=config,
                provenance=provenance,
                at=self._now(),
            )
        return self._here(record)

    def study(self, name: str) -> StudyRecord:
        """Return the study of this name. Raises NotFoundError, listing existing names."""
        with self.transactions.reading() as conn:
            return self._here(studies.get(conn, name))

    def find_study(self, name: str) -> StudyRecord | None:
        """Return the study of this name, None if there is none."""
        with self.transactions.reading() as conn:
            found = studies.find(conn, name)
        return None if found is None else self._here(found)

    def studies(self) -> list[StudyRecord]:
        """Return all studies, the one whose status changed last first."""
        with self.transactions.reading() as conn:
            return [self._here(record) for record in studies.all_studies(conn)]

    def latest_study(self) -> StudyRecord:
        """Return the study whose status changed last. Raises NotFoundError if there is none."""
        with self.transactions.reading() as conn:
            return self._here(studies.latest(conn, store_word(self.url)))

    def study_running(self, trial_id: int) -> tuple[StudyRecord, int]:
        """Return the study whose folder holds a trial's run, and the run's number there; reuse is followed."""
        with self.transactions.reading() as conn:
            study_id, number = trials.home_of(conn, trial_id)
            return self._here(studies.by_id(conn, study_id)), number

    def _here(self, record: StudyRecord) -> StudyRecord:
        return replace(record, store=self.url)

    def update_study(
        self,
        study_id: int,
        *,
        status: str | None = None,
        ended: bool = False,
        kind: StudyKind | None = None,
        command: Sequence[str] | None = None,
        config: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the given values. `ended` sets the time of its end; status `running` clears it."""
        at = self._now()
        columns: dict[str, Any] = {}
        if status is not None:
            columns |= {"status": status, "active_at": at}
            if status == "running":
                columns["ended_at"] = None
        if ended:
            columns["ended_at"] = at
        if kind is not None:
            columns["kind"] = str(kind)
        given = {"command": command, "config": config, "provenance": provenance}
        columns |= {name: jsontext.dumps(value) for name, value in given.items() if value is not None}
        with self.transactions.writing() as conn:
            studies.change(conn, study_id, columns)

    def save_summary(self, study_id: int, summary: Mapping[str, object]) -> None:
        """Store the study's summary.json, replacing an earlier one."""
        with self.transactions.writing() as conn:
            studies.change(conn, study_id, {"summary": jsontext.dumps(summary)})

    def summary(self, study_id: int) -> JsonObject | None:
        """Return the summary.json saved last, None if the study has not been ranked yet."""
        with self.transactions.reading() as conn:
            return studies.summary(conn, study_id)

    def delete_study(self, study_id: int) -> None:
        """Delete a study and all its rows. Raises StoreError if other studies reuse its trials."""
        with self.transactions.writing() as conn:
            studies.remove(conn, study_id)

    def counts(self, study_id: int) -> dict[TrialState, int]:
        """Return the number of trials in each state, without retired ones, and without states that have none."""
        with self.transactions.reading() as conn:
            return studies.counts(conn, study_id)

    def verdict_counts(self, study_id: int) -> dict[Verdict, int]:
        """Return the number of judged trials with each verdict, without retired ones, and without verdicts that have
        none."""
        with self.transactions.reading() as conn:
            return studies.verdict_counts(conn, study_id)

    # Trials

    def add_trials(
        self, study_id: int, specs: Sequence[TrialSpec], *, numbers: Sequence[int] | None = None
    ) -> list[TrialRecord]:
        """Add pending trials and return them in the given order.

        They are numbered from the study's last on, or have these `numbers`: ascending, all above it.
        """
        with self.transactions.writing() as conn:
            return trials.add(conn, study_id, specs, numbers)

    def trials(
        self, study_id: int, states: Collection[TrialState] | None = None, *, retired: bool = False
    ) -> list[TrialRecord]:
        """Return a study's trials by number, only those in `states` if given; retired ones only if requested."""
        with self.transactions.reading() as conn:
            return trials.in_study(conn, study_id, states, retired=retired)

    def set_current(self, study_id: int, trial_ids: Collection[int]) -> None:
        """Retire all other trials of a study: they are kept, but left out of its outcomes, series and counts."""
        with self.transactions.writing() as conn:
            trials.set_current(conn, study_id, trial_ids)

    def trial(self, study_id: int, number: int) -> TrialRecord:
        """Return one trial by its number in the study."""
        with self.transactions.reading() as conn:
            return trials.by_number(conn, study_id, number)

    def transition(self, trial_id: int, new: TrialState, note: str = "") -> None:
        """Change a trial's state, and that of its live run with it, adding an event row.

        A trial that becomes pending again loses its judgement. Raises TransitionError if the table forbids the change,
        and for the two that need more: pending to launching is `begin_run`, pending to completed `reuse`.
        """
        with self.transactions.writing() as conn:
            trials.transition(conn, trial_id, new, note=note, at=self._now())

    def events(self, trial_id: int) -> list[Event]:
        """Return a trial's state changes (at, old, new, note), oldest first."""
        with self.transactions.reading() as conn:
            return trials.events_of(conn, trial_id)

    def find_finished(self, fingerprints: Iterable[str]) -> dict[str, int]:
        """Return, for each fingerprint that has one, the id of the earliest completed, decided trial of any study."""
        with self.transactions.reading() as conn:
            return trials.find_finished(conn, fingerprints)

    def find_ended(self, fingerprints: Iterable[str]) -> dict[str, TrialRecord]:
        """Return, for each fingerprint that has one, the newest completed trial with a run of its own, whatever its
        verdict, else the newest that failed, ran out of time or was lost."""
        with self.transactions.reading() as conn:
            return trials.find_ended(conn, fingerprints)

    def find_outdated(self, fingerprints: Iterable[str]) -> dict[str, TrialRecord]:
        """Return, for each fingerprint that has one, the earliest trial with a run and a verdict by older rules."""
        with self.transactions.reading() as conn:
            return trials.find_outdated(conn, fingerprints)

    def count_outdated(self, study_id: int) -> int:
        """Return the number of a study's verdicts that were made by older rules, retired trials left out."""
        with self.transactions.reading() as conn:
            return trials.count_outdated(conn, study_id)

    def reuse(self, trial_id: int, source_trial_id: int) -> None:
        """Complete a pending trial with the judgement of a completed one, whose run and series become its own.

        If the source itself reuses a trial, that one becomes the source. Raises TransitionError if the trial is not
        pending or the source not completed.
        """
        with self.transactions.writing() as conn:
            trials.reuse(conn, trial_id, source_trial_id, at=self._now())

    def sources(self, study_id: int) -> dict[int, tuple[str, int]]:
        """Return (study, number) of the trial whose run each reusing trial of a study uses, by the trial's id."""
        with self.transactions.reading() as conn:
            return trials.sources_in(conn, study_id)

    def save_judgement(self, trial_id: int, judgement: Judgement) -> None:
        """Replace a trial's judgement and symptoms; its state does not change."""
        with self.transactions.writing() as conn:
            trials.save_judgement(conn, trial_id, judgement)

    def outcomes(self, study_id: int) -> list[Outcome]:
        """Return the outcome of every trial of a study except retired ones, by number.

        A trial that reuses another one has that one's run and its own judgement.
        """
        with self.transactions.reading() as conn:
            return outcomes.of_study(conn, study_id)

    def outcome(self, trial_id: int) -> Outcome:
        """Return one trial's outcome."""
        with self.transactions.reading() as conn:
            return outcomes.of_trial(conn, trial_id)

    # Runs

    def begin_run(
        self,
        trial_id: int,
        dir: str,  # noqa: A002 - the word of RunRecord and spec.json
        *,
        token: str | None = None,
        was: TrialState = TrialState.PENDING,
    ) -> RunRecord:
        """Record the intent to run a pending trial in this folder; trial and new run are `launching`.

        `token` names the attempt; it is a new one unless a recorded attempt is restored. `was` is `paused` for a paused
        trial whose process is gone. Raises TransitionError if the trial is in another state.
        """
        token = token or os.urandom(TOKEN_BYTES).hex()
        with self.transactions.writing() as conn:
            return runs.begin(conn, trial_id, dir, token=token, at=self._now(), was=was)

    def run_started(
        self,
        run_id: int,
        *,
        handle: str | None = None,
        pid: int | None = None,
        pid_started_at: float | None = None,
        host: str | None = None,
        device: str | None = None,
    ) -> None:
        """Record how a run was launched, as far as known; None changes nothing. The states do not change.

        `handle` is its launcher's; `pid_started_at` is in seconds since the epoch.
        """
        process: ProcessColumns = {
            "handle": handle, "pid": pid, "pid_started_at": pid_started_at, "host": host, "device": device,
        }  # fmt: skip
        with self.transactions.writing() as conn:
            runs.started(conn, run_id, process)

    def mark_running(self, run_id: int) -> None:
        """Change run and trial from launching to running. Raises TransitionError if they are not launching."""
        with self.transactions.writing() as conn:
            runs.mark_running(conn, run_id, at=self._now())

    def run_until(self, trial_id: int, step: int | None) -> None:
        """Record the step at which a trial's next run pauses, None to run to its end. Raises NotFoundError."""
        with self.transactions.writing() as conn:
            trials.set_until(conn, trial_id, step)

    def pause_run(self, run_id: int, step: int, so_far: Judgement) -> None:
        """Change run and trial from running to paused, and record the step reached and the judgement so far.

        Raises TransitionError if they are not running.
        """
        with self.transactions.writing() as conn:
            slices.pause(conn, run_id, step, so_far, at=self._now())

    def continue_run(self, run_id: int, until_step: int | None) -> None:
        """Record the intent to continue a paused run until a step, or to its end (None); run and trial are `running`.

        Raises TransitionError if they are not paused.
        """
        with self.transactions.writing() as conn:
            slices.resume(conn, run_id, until_step, at=self._now())

    def end_paused_run(
        self, run_id: int, *, state: TrialState, failure: FailureClass | None = None, message: str | None = None
    ) -> None:
        """End the run of a paused trial whose process is gone; the trial stays paused. Raises TransitionError."""
        at = self._now()
        with self.transactions.writing() as conn:
            runs.end_paused(conn, run_id, state, failure=failure, message=message, at=at)
            series.compact(conn, run_id)

    def history(self, study_id: int) -> list[Outcome]:
        """Return the outcomes to report to a driver: ends of slices and finished trials, in the recorded order."""
        with self.transactions.reading() as conn:
            return slices.history(conn, study_id)

    def abandoned(self, study_id: int) -> set[int]:
        """Return the numbers of the trials that were cancelled while paused."""
        with self.transactions.reading() as conn:
            return slices.abandoned(conn, study_id)

    def end_run(
        self,
        run_id: int,
        *,
        state: TrialState,
        exit_code: int | None = None,
        failure: FailureClass | None = None,
        message: str | None = None,
        stop_reason: str | None = None,
        wall_s: float | None = None,
        last_step: int = 0,
        judgement: Judgement | None,
        is_whole: bool = False,
        process: ProcessColumns | None = None,
    ) -> None:
        """End run and trial together in `state`, with the trial's judgement; compact the run's series.

        `is_whole`: the series came in one `ingest` with `is_whole`, so there is nothing to compact. `process` is the
        arguments of `run_started`, if that was not called yet.

        Raises TransitionError if the run is not live or `state` does not end a run.
        """
        at = self._now()
        columns = {
            "exit_code": exit_code,
            "failure": None if failure is None else failure.value,
            "message": message,
            "stop_reason": stop_reason,
            "wall_s": wall_s,
            "last_step": last_step,
            "ended_at": at,
        }
        with self.transactions.writing() as conn:
            runs.end(conn, run_id, state, {**columns, **(process or {})}, judgement, at=at)
            if not is_whole:
                series.compact(conn, run_id)

    def runs(self, trial_id: int) -> list[RunRecord]:
        """Return a trial's own runs, by attempt; none for a trial that reuses another's."""
        with self.transactions.reading() as conn:
            return runs.of_trial(conn, trial_id)

    def live_runs(self, study_id: int) -> list[RunRecord]:
        """Return the runs of a study that are launching, running or paused, in the order in which they began."""
        with self.transactions.reading() as conn:
            return runs.live(conn, study_id)

    def latest_run(self, trial_id: int) -> RunRecord | None:
        """Return a trial's last run, the source's if it reuses one, None if it never ran."""
        with self.transactions.reading() as conn:
            return runs.latest(conn, trial_id)

    def devices(self, study_id: int) -> set[str]:
        """Return the devices of a study's runs, as the launcher names them, without retired trials."""
        with self.transactions.reading() as conn:
            return runs.devices(conn, study_id)

    def run_devices(self, study_id: int) -> dict[int, str]:
        """Return the device of each trial's own latest run by trial number; runs without one are left out."""
        with self.transactions.reading() as conn:
            return runs.devices_by_number(conn, study_id)

    # Series

    def ingest(
        self, run_id: int, *, from_byte: int, to_byte: int, points: Mapping[str, Series], is_whole: bool = False
    ) -> bool:
        """Append the points read from bytes [from_byte, to_byte) of a run's events and update `ingested_bytes`.

        `is_whole`: the run will have no more points, so these are packed at once, and `end_run` with `is_whole` has
        nothing to compact.

        Returns False, and changes nothing, unless the run has been read up to exactly `from_byte`: repeated deliveries,
        or ones out of order, do no harm.
        """
        with self.transactions.writing() as conn:
            return series.append(conn, run_id, from_byte, to_byte, points, small=is_whole)

    def series(self, trial_id: int, metrics: Collection[str] | None = None) -> dict[str, Series]:
        """Return the series of a trial's last run by metric name, sorted; only those in `metrics` if given."""
        with self.transactions.reading() as conn:
            run = runs.latest(conn, trial_id)
            return {} if run is None else series.read(conn, [run.id], metrics).get(run.id, {})

    def points(self, trial_id: int) -> dict[str, list[tuple[int, float]]]:
        """Return the (step, value) points of a trial's last run by metric name, sorted: `series` without numpy."""
        with self.transactions.reading() as conn:
            run = runs.latest(conn, trial_id)
            return {} if run is None else series.read_points(conn, run.id)

    def series_of(self, trial_ids: Collection[int]) -> dict[int, dict[str, Series]]:
        """Return the series of some trials' last runs by trial id and metric name, sorted; {} for one without any.

        Uses two statements for all of them: pass a few hundred trials at most.
        """
        with self.transactions.reading() as conn:
            latest = runs.latest_of(conn, trial_ids)
            found = series.read(conn, list(latest.values()), None)
        return {trial_id: found.get(latest.get(trial_id, 0), {}) for trial_id in trial_ids}

    def study_series(self, study_id: int, metrics: Collection[str]) -> Iterator[tuple[int, str, Series]]:
        """Yield (trial number, metric, series) of the last run of every trial except retired ones, by number and name.

        It reads some runs at a time and holds no transaction in between, so that the write-ahead log can be
        checkpointed.
        """
        with self.transactions.reading() as conn:
            latest = list(runs.latest_ids(conn, study_id).items())
        for at in range(0, len(latest), _RUNS_AT_ONCE):
            part = latest[at : at + _RUNS_AT_ONCE]
            with self.transactions.reading() as conn:
                found = series.read(conn, [run_id for _, run_id in part], metrics)
            for number, run_id in part:
                for metric, points in found.get(run_id, {}).items():
                    yield number, metric, points

    def metric_names(self, study_id: int) -> list[str]:
        """Return the names of all metrics that a study's trials logged, without retired ones, sorted."""
        with self.transactions.reading() as conn:
            return series.names(conn, study_id)
