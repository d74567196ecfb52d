"""Restores a study from its folder into a store: its trials, their runs, and the times of all that."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sweep.clock import now_utc
from sweep.domain.axis import Cell
from sweep.domain.json_form import JsonObject
from sweep.domain.recorded_config import PLACE
from sweep.domain.states import FINISHED_STATES, TrialState
from sweep.domain.target import Target
from sweep.domain.trial import StudyRecord, TrialRecord, TrialSpec
from sweep.judge import SymptomThresholds
from sweep.launch.leases import CPU
from sweep.rundir import RunDir, StudyDir, place_in, read_plan
from sweep.store import Store
from sweep.study.folder_files import PlanFile, SpecFile
from sweep.study.ingest import ingest, read_ending, record_end
from sweep.study.live import LiveRun
from sweep.study.record_file import Reused, read_record
from sweep.study.results import reported


@dataclass(frozen=True, slots=True)
class Recovered:
    """The contents of one study's folder: its plan, and the spec of each trial by number."""

    folder: StudyDir
    plan: PlanFile
    specs: Mapping[int, SpecFile]

    @property
    def name(self) -> str:
        """The study's name, which is that of its folder."""
        return self.folder.study

    @property
    def created_at(self) -> str:
        """When the study began, ISO 8601."""
        return self.plan.record.created_at


class Restored:
    """A study being restored into a store: first its own trials, then those that it reuses, then how it ended."""

    def __init__(self, study: Recovered, others: Mapping[str, Recovered]) -> None:
        self.study = study
        self.known = read_record(study.folder)
        self.summary = read_plan(study.folder.path, study.folder.summary.name) or {}
        self._others = others
        self._last = _time(study.created_at)  # the latest time in its files
        self._reusing: list[tuple[TrialRecord, Reused]] = []
        self.record: StudyRecord

    def restore(self, store: Store) -> None:
        """Restore a study and its trials; trials that reuse others stay pending for now."""
        given, study = self.study.plan.record, self.study
        with store.dated(_time(study.created_at)):
            self.record = record = store.create_study(
                name=study.name,
                kind=given.study_kind,
                task=study.plan.task,
                command=list(given.command),
                config={**given.config, PLACE: place_in(store.url, study.folder.results)},
                provenance=self._provenance(),
            )
            specs = {number: spec.trial for number, spec in study.specs.items()}
            reused = {each.number: each for each in self._reused() if each.number not in specs}
            specs |= {number: self._spec_reused(each) for number, each in reused.items()}
            numbers = sorted(specs)
            trials = store.add_trials(record.id, [specs[number] for number in numbers], numbers=numbers)
        for trial in trials:
            if trial.number in reused:
                self._reusing.append((trial, reused[trial.number]))
            else:
                self._restore_runs(store, trial)
        self._set_current(store, trials)

    def _provenance(self) -> JsonObject:
        """Return the provenance last recorded: at the study's end, else in the summary, else at its beginning."""
        if self.known is not None:
            return dict(self.known.provenance)
        shown = self.summary.get("provenance")
        return {**self.study.plan.record.provenance, **(shown if isinstance(shown, dict) else {})}

    def _reused(self) -> Sequence[Reused]:
        """Return the recorded trials that reuse a trial whose folder has been found as well."""
        found = () if self.known is None else self.known.reused
        return [each for each in found if self._source(each) is not None]

    def _source(self, reused: Reused) -> SpecFile | None:
        name, number = reused.source
        return self._others[name].specs.get(number) if name in self._others else None

    def _spec_reused(self, reused: Reused) -> TrialSpec:
        source = self._source(reused)
        assert source is not None
        return TrialSpec(
            cell=Cell(Cell.of(reused.toggles).toggles, reused.params),
            seed=reused.seed,
            overrides=reused.overrides,
            task=source.task,  # equal fingerprints are equal task configs
            fingerprint=reused.fingerprint,
        )

    def _set_current(self, store: Store, trials: Sequence[TrialRecord]) -> None:
        """Retire the trials that are not in the study's last plan."""
        planned = self.study.plan.trials
        if planned is None:
            return
        wanted = {(each.cell, each.seed, each.fingerprint) for each in planned}
        current = [t.id for t in trials if (t.cell.key, t.seed, t.fingerprint) in wanted]
        store.set_current(self.record.id, current)

    def _restore_runs(self, store: Store, trial: TrialRecord) -> None:
        """Restore the attempts of a trial. The last one may have been due for a retry."""
        folder = self.study.folder.trial(trial.number)
        earlier = [each for each in _earlier_attempts(folder) if _is_spec_of(each, trial)]
        for attempt in earlier:
            self._restore_run(store, trial, attempt, is_last=False)
        self._restore_run(store, trial, folder, is_last=True)

    def _restore_run(self, store: Store, trial: TrialRecord, folder: RunDir, *, is_last: bool) -> None:
        spec = SpecFile.of(folder.read_spec())
        result = read_plan(folder.path, folder.result.name) or {}
        begun = _time(spec.begun) or _time(result.get("started_at"))
        with store.dated(begun):
            place = self.study.folder.trial(trial.number).path.relative_to(self.study.folder.results)
            run = store.begin_run(trial.id, place.as_posix(), token=spec.token)
        live = LiveRun(trial, run, folder)
        with store.dated(_time(result.get("started_at")) or begun):
            self._restore_process(store, live)
            ingest(store, live)
        ended, is_retried = read_ending(folder, run.id)
        thresholds = SymptomThresholds.recorded(self.study.plan.record.settings.symptoms)
        target = Target.from_mapping(spec.target)
        with store.dated(self._note(_time(result.get("ended_at")) or _modified(folder) or begun)):
            record_end(store, live, ended, target, thresholds=thresholds, is_check=spec.probe is not None)
            if is_retried or not is_last:
                store.transition(trial.id, TrialState.PENDING, "rebuilt: a retry was due")

    def _restore_process(self, store: Store, live: LiveRun) -> None:
        """Record which process a run had, if its events contain that."""
        found = next((event for event in live.dir.read_events(0)[0] if event["e"] == "start"), None)
        if found is not None and isinstance(found.get("pid"), int):
            devices = {} if self.known is None else self.known.devices
            on_cpu = self.known is not None or not self.record.provenance.get("gpus")
            store.run_started(
                live.run.id,
                pid=found["pid"],
                pid_started_at=float(found.get("t") or 0.0),
                host=str(found.get("host") or self.record.provenance.get("host") or ""),
                device=devices.get(str(live.trial.number), CPU if on_cpu else "unknown"),
            )

    def _note(self, at: datetime | None) -> datetime | None:
        """Remember the latest time that is known of the study."""
        if at is not None and (self._last is None or at > self._last):
            self._last = at
        return at

    def restore_reused(self, store: Store) -> None:
        """Complete the trials that have no own run with those that they reuse.

        If a fixed design has no record of them, trials are added for which a finished trial can be reused. Those still
        missing are added when the study is resumed. A study with `reuse=false` has none.
        """
        for trial, reused in self._reusing:
            name, number = reused.source
            study = store.find_study(name)
            source = None if study is None else store.trial(study.id, number)
            if source is not None and source.state is TrialState.COMPLETED:
                with store.dated(_time(self.study.created_at)):
                    store.reuse(trial.id, source.id)
        if self.record.config.reuses:
            self._reuse_by_fingerprint(store)

    def _reuse_by_fingerprint(self, store: Store) -> None:
        known = {(trial.cell.key, trial.seed) for trial in store.trials(self.record.id)}
        plan = self.study.plan
        missing = [planned for planned in plan.trials or () if (planned.cell, planned.seed) not in known]
        cells = {cell.cell: cell for cell in plan.cells}
        sources = store.find_finished(planned.fingerprint for planned in missing)
        if not sources:
            return
        tasks = {trial.id: trial.task for of in store.studies() for trial in store.trials(of.id, retired=True)}
        for planned in missing:
            source = sources.get(planned.fingerprint)
            if source is not None:
                spec = TrialSpec(
                    cell=Cell.of(cells[planned.cell].toggles),
                    seed=planned.seed,
                    overrides=cells[planned.cell].overrides,
                    task=tasks[source],
                    fingerprint=planned.fingerprint,
                )
                with store.dated(_time(self.study.created_at)):
                    [trial] = store.add_trials(self.record.id, [spec])
                    store.reuse(trial.id, source)

    def end(self, store: Store) -> str:
        """Record how and when the study ended, and its summary; return as text what was restored."""
        counts = store.counts(self.record.id)
        is_made_of_others = self.record.kind.is_staged
        with store.dated(self._ended_at()):
            store.update_study(self.record.id, status=self._status(counts, is_made_of_others), ended=True)
        if is_made_of_others:
            store.save_summary(self.record.id, self.summary or {"status": "interrupted"})
            return "the summary of its stages"
        if not counts and self.summary:  # `gc` deleted the run folders; only the reports have the results
            store.save_summary(self.record.id, self.summary)
            return "no trials, because its run folders are gone; its summary and reports are kept as they are"
        cost, wall_s = self.summary.get("cost"), 0.0
        with suppress(KeyError, TypeError, ValueError):
            wall_s = float(cost["wall_s"]) if isinstance(cost, dict) else 0.0
        store.save_summary(self.record.id, reported(store, store.study(self.record.name), wall_s=wall_s).to_object())
        total = sum(counts.values())
        states = ", ".join(f"{count} {state}" for state, count in counts.items())
        return f"{total} trial{'' if total == 1 else 's'} ({states})"

    def _status(self, counts: Mapping[TrialState, int], is_made_of_others: bool) -> str:
        written = str(self.summary.get("status", "interrupted" if is_made_of_others else "ended"))
        is_whole = set(counts) <= FINISHED_STATES - {TrialState.CANCELLED, TrialState.LOST}
        is_whole = is_whole and sum(counts.values()) >= len(self.study.plan.trials or ())
        if self.known is not None and not self._was_resumed():
            return self.known.status if is_whole or self.known.status != "ended" else "interrupted"
        return "ended" if is_whole and (not is_made_of_others or written == "ended") else "interrupted"

    def _was_resumed(self) -> bool:
        """Return whether a run ended after the last recorded session: then a later session was killed."""
        return self.known is not None and self._last is not None and self._last > self.known.ended_at

    def _ended_at(self) -> datetime:
        """Return when the study's last session ended, or the latest time in its files."""
        if self.known is not None and not self._was_resumed():
            return self.known.ended_at
        written = _time(self.summary.get("ended_at"))
        return max((at for at in (written, self._last) if at is not None), default=now_utc())


def _earlier_attempts(folder: RunDir) -> list[RunDir]:
    """Return the folders of earlier attempts at a trial, which lie beside that of its latest, oldest first."""
    found = []
    for path in folder.path.parent.glob(f"{folder.path.name}.attempt-*"):
        number = path.name.rpartition("-")[2]
        if number.isdigit():
            found.append((int(number), RunDir(path)))
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _is_spec_of(folder: RunDir, trial: TrialRecord) -> bool:
    return folder.is_of({"fingerprint": trial.fingerprint, "trial": trial.number, "seed": trial.seed})


def _time(text: object) -> datetime | None:
    """Return the time of an ISO 8601 text with time zone, None for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _modified(folder: RunDir) -> datetime | None:
    """Return when an event or an ending was last written to a run's folder, None if it has neither."""
    times = []
    for path in (folder.ending, folder.events):
        with suppress(OSError):
            times.append(Path(path).stat().st_mtime)
    return datetime.fromtimestamp(max(times), tz=now_utc().tzinfo) if times else None
