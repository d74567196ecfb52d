"""Runs one night of a regression: each task's studies, judged as they end; writes its record and its reports."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sweep.analysis.regression import judge_task
from sweep.clock import now_utc
from sweep.config import LoadedConfig
from sweep.config.regression import (
    NightName,
    RegressionConfig,
    TaskStudies,
    confirming_study,
    parse_night,
    read_regression,
    task_studies,
)
from sweep.config.stores import store_option
from sweep.domain.nights import Environment, LossHash, Night, NightRun
from sweep.domain.plural import count_text, share_text
from sweep.domain.regression import NightResult, TaskReport, TaskVerdict
from sweep.errors import (
    ConfigError,
    LaunchError,
    NotFoundError,
    OtherStoreError,
    StoreError,
    StudyLockedError,
    TaskEditedError,
)
from sweep.report import Report, write_reports
from sweep.report.commands import command_text, key_of
from sweep.report.regression import NightDocument, night_document
from sweep.rundir import StudyDir
from sweep.store import NightRecord, Regressions, Store, TaskNight
from sweep.study.decisions import logging_to
from sweep.study.garbage import Rule, collect_garbage
from sweep.study.inventory import settled
from sweep.study.opening import check_packages, locked_folder
from sweep.study.places import beside
from sweep.study.planning import StudyPlan
from sweep.study.progress import Progress
from sweep.study.provenance import collect_provenance
from sweep.study.regression.environment import environment_of
from sweep.study.regression.files import check_records_owner, regression_results, save_night
from sweep.study.regression.gathering import hashes_of, runs_of, target_text
from sweep.study.resilient_progress import ResilientProgress
from sweep.study.session import run_study

logger = logging.getLogger(__name__)

RESUMED_WITHIN = timedelta(hours=12)
"""Time after its begin within which an interrupted night is resumed, even past midnight; later a new night begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightEnd:
    """How a night ended. `status` is ended, interrupted or failed; `message` says why unless it is ended."""

    status: str
    message: str
    result: NightResult
    document: NightDocument
    folder: Path

    @property
    def exit_code(self) -> int:
        """The command's exit code: a confirmed regression takes precedence over tasks that could not run."""
        return 130 if self.status == "interrupted" else self.result.exit_code


class InterruptedNightError(Exception):
    """The user interrupted the night."""


def run_regression(loaded: LoadedConfig, *, progress: Progress) -> NightEnd:
    """Run or resume a night of a regression; its record and files are written in every case.

    Raises ConfigError and MissingPaddleError before anything runs, StudyLockedError if another night is running.
    """
    config = read_regression(loaded)
    results = _results(loaded, config)
    folder, config = StudyDir(results, config.name), replace(config, results=str(results))
    with _locked(folder, config) as store:
        if store.find_study(config.name) is not None:
            raise ConfigError("study", "this is the name of a study, not of a regression", value=config.name)
        check_records_owner(Regressions(store), folder)
        name = config.night or _current_night(Regressions(store), config.name)
        shown = ResilientProgress(progress)
        tasks = tuple(_settled(_placed(task, results), shown) for task in task_studies(config, name))
        for task in tasks:
            check_packages(task.nightly)
            StudyPlan(task.nightly)
        return NightSession(config, loaded.command, name, tasks, folder, store, shown).run()


def _results(loaded: LoadedConfig, config: RegressionConfig) -> Path:
    """Return the results folder of a night: the command's, else that of the last night, else the default one."""
    asked = Path(os.path.realpath(config.results))
    if any(key_of(word) == "results" for word in loaded.overrides):
        return asked
    try:
        with Store.open(config.store_url, read_only=True) as store:
            kept = regression_results(store, config.name)
    except (NotFoundError, StoreError):  # the first night; opening the store to write reports what is wrong with it
        return asked
    return kept if kept is not None and kept.is_dir() else asked


def _placed(task: TaskStudies, results: Path) -> TaskStudies:
    """Return a task's studies, in this results folder."""
    folder = StudyDir(results, task.entry.name)
    fixed = None if task.determinism is None else beside(task.determinism, folder)
    return replace(task, nightly=beside(task.nightly, folder), determinism=fixed)


def _settled(task: TaskStudies, progress: Progress) -> TaskStudies:
    """Return a task's studies, those on a script settled by its inventory, which a first run makes."""
    fixed = None if task.determinism is None else settled(task.determinism, progress=progress)
    return replace(task, nightly=settled(task.nightly, progress=progress), determinism=fixed)


@contextmanager
def _locked(folder: StudyDir, config: RegressionConfig) -> Iterator[Store]:
    """Hold the lock of a regression, with its store open. Raises StudyLockedError, as for a study."""
    with ExitStack() as held:
        try:
            held.enter_context(locked_folder(folder, config.store_url))
            store = held.enter_context(Store.open(config.store_url, lock_study=config.name))
            held.enter_context(logging_to(folder))
        except StudyLockedError as error:
            words = error.message.replace("study", "regression", 1)
            raise StudyLockedError(words, hint="wait until the other night has ended") from error
        yield store


def _current_night(found: Regressions, regression: str) -> NightName:
    """Return the night that was interrupted within the last 12 hours, else today's (UTC)."""
    now = now_utc()
    for record in reversed(found.nights(regression)):
        if record.status != "ended" and now - record.created_at < RESUMED_WITHIN:
            return parse_night(record.name)
    return NightName(day=now.date(), repeat=1)


class NightSession:
    """One session of a night, until it ends or is interrupted. The caller holds the lock."""

    def __init__(
        self,
        config: RegressionConfig,
        command: tuple[str, ...],
        name: NightName,
        tasks: tuple[TaskStudies, ...],
        folder: StudyDir,
        store: Store,
        progress: Progress,
    ) -> None:
        self.config, self.command, self.name, self.tasks = config, command, name, tasks
        self.folder, self.store, self.progress = folder, store, progress
        self.kept = Regressions(store)
        self.reports: list[TaskReport] = []

    def run(self) -> NightEnd:
        """Run the missing studies of the night and judge it."""
        self._record_interrupted()
        night = self.kept.begin_night(self.config.name, str(self.name))
        status = "failed"
        try:
            for number, task in enumerate(self.tasks, 1):
                self.progress.message(f"{self.name}: task {number} of {len(self.tasks)}, {task.entry.name}")
                logger.info("night %s: task %d of %d, %s", self.name, number, len(self.tasks), task.entry.name)
                self.reports.append(self._task(task, night))
            status = "ended"
        except (InterruptedNightError, KeyboardInterrupt):
            status = "interrupted"
        finally:
            self.kept.end_night(self.config.name, str(self.name), status)
        return self._end(night, status)

    def _record_interrupted(self) -> None:
        """Record nights as interrupted whose orchestrator died: under the lock of this process none can be running."""
        for record in self.kept.nights(self.config.name):
            if record.status == "running":
                logger.info("night %s: recorded as interrupted, its process died", record.name)
                self.kept.end_night(self.config.name, record.name, "interrupted")

    # -- one task

    def _task(self, task: TaskStudies, record: NightRecord) -> TaskReport:
        problems: list[str] = []
        hashes: tuple[LossHash, ...] = ()
        if task.determinism is not None:
            fixed = task.determinism.study
            seed, steps = fixed.seeds[0], fixed.target.budget_steps
            self.progress.message(f"seed {seed}, {steps:,} steps: checking that the losses are unchanged")
            self._run(task.determinism, problems)
            hashes = self._hashes(task.determinism)
        self._run(task.nightly, problems)
        night = self._night(task, record, hashes)
        report = self._judge(task, night)
        if report.needs_confirmation:
            fresh = beside(confirming_study(self.config, task.entry, self.name), self.folder)
            fresh = settled(fresh, progress=self.progress)
            logger.warning("%s: %s; %s confirms it", task.entry.name, report.words, fresh.study.name)
            seeds = count_text(len(fresh.study.seeds), "fresh seed")
            self.progress.message(f"{task.entry.name}: {report.words} Running {seeds} to confirm it.")
            self._run(fresh, problems)
            night = replace(night, confirmation=self._runs(fresh))
            report = self._judge(task, night)
        if problems:
            report = replace(report, notes=(*report.notes, *problems))
            logger.warning("%s: %s", task.entry.name, "; ".join(problems))
        logger.info("%s: %s", task.entry.name, report.verdict)
        self._keep(task, night, report)
        return report

    def _run(self, loaded: LoadedConfig, problems: list[str]) -> None:
        """Run a study to its end. Why it could not run is added to `problems`, and the night continues."""
        try:
            end = run_study(loaded, progress=self.progress)
        except (ConfigError, OtherStoreError, StudyLockedError, TaskEditedError, LaunchError) as error:
            problems.append(f"{loaded.study.name}: {error.message}")
            return
        finally:
            self.progress.close()  # prints its last line before other messages
        if end.status == "interrupted":
            raise InterruptedNightError
        if end.status == "failed":
            problems.append(f"{loaded.study.name}: {end.message}")

    def _judge(self, task: TaskStudies, night: Night) -> TaskReport:
        before = [
            found.night
            for found in self.kept.task_nights(self.config.name, task.entry.name)
            if found.night.name != night.name and found.night.at < night.at
        ]
        baseline = self.kept.baseline(self.config.name, task.entry.name, night.environment.device_class)
        report = judge_task(task.entry.name, baseline, [*before, night], self.config.settings)
        if baseline is None:
            return _counted(report, [*before, night], self.config)
        if baseline.rules_version != night.rules_version and report.verdict is TaskVerdict.NO_BASELINE:
            return _to_accept_again(report, self.config)
        return report

    def _night(self, task: TaskStudies, record: NightRecord, hashes: tuple[LossHash, ...]) -> Night:
        night = Night(
            name=str(self.name),
            at=record.created_at,
            runs=self._runs(task.nightly),
            wanted=task.entry.seeds,
            target=target_text(task.nightly.study.target),
            environment=self._environment(task.nightly),
            hashes=hashes,
        )
        earlier = self._kept_before(task)
        if earlier is not None and (earlier.runs, earlier.hashes) == (night.runs, night.hashes):
            return replace(night, environment=earlier.environment)  # this session ran nothing of it
        return night

    def _kept_before(self, task: TaskStudies) -> Night | None:
        found = self.kept.task_nights(self.config.name, task.entry.name)
        return next((each.night for each in found if each.night.name == str(self.name)), None)

    def _runs(self, loaded: LoadedConfig) -> tuple[NightRun, ...]:
        record = self.store.find_study(loaded.study.name)
        return () if record is None else runs_of(self.store, record)

    def _hashes(self, loaded: LoadedConfig) -> tuple[LossHash, ...]:
        record = self.store.find_study(loaded.study.name)
        return () if record is None else hashes_of(self.store, record)

    def _environment(self, loaded: LoadedConfig) -> Environment:
        record = self.store.find_study(loaded.study.name)
        if record is None:
            return Environment()
        return environment_of(record.provenance, devices=self.store.devices(record.id), loaded=loaded)

    def _keep(self, task: TaskStudies, night: Night, report: TaskReport) -> None:
        name = task.nightly.study.name
        studies = [name, f"{name}-numerics", f"{name}-confirm"]
        found = tuple(study for study in studies if self.store.find_study(study) is not None)
        verdict = str(report.verdict)
        self.kept.save_task(
            self.config.name, TaskNight(task=task.entry.name, night=night, verdict=verdict, studies=found)
        )

    # -- the whole night

    def _end(self, night: NightRecord, status: str) -> NightEnd:
        message, recorded = "", status
        again = command_text(self.command)
        not_run = [report.task for report in self.reports if report.verdict is TaskVerdict.NOT_RUN]
        if status == "interrupted":
            left = len(self.tasks) - len(self.reports)
            message = f"interrupted with {share_text(left, len(self.tasks), 'task')} not judged; resume with: {again}"
        elif not_run:
            status, message = "failed", f"not run: {', '.join(not_run)}; the report says why"
        seeds = self.name.seeds(max(task.entry.seeds for task in self.tasks))
        records = [record for task in self.tasks if (record := self.store.find_study(task.nightly.study.name))]
        devices = {device for record in records for device in self.store.devices(record.id)}
        result = NightResult.of(str(self.name), self.reports, notes=[message] if message else [])
        document = night_document(
            result,
            at=night.created_at,
            command=self.command,
            provenance=collect_provenance(folder=Path.cwd(), seeds=seeds, devices=devices),
        )
        for place in (self.folder.path / str(self.name), self.folder.path):
            write_reports(Report(document=document, folder=place))
        ended = next(each for each in self.kept.nights(self.config.name) if each.name == str(self.name))
        save_night(self.kept, replace(ended, status=recorded), self.folder)
        if self.config.keep_nights is not None and status != "interrupted":
            freed = collect_garbage(self.store, Rule(keep_nights=self.config.keep_nights, regression=self.config.name))
            if freed.studies:
                self.progress.message(freed.words())
        logger.info("night %s: %s%s", self.name, status, message and f" ({message})")
        return NightEnd(
            status=status,
            message=message,
            result=result,
            document=document,
            folder=self.folder.path,
        )


def _to_accept_again(report: TaskReport, config: RegressionConfig) -> TaskReport:
    """Return a report on a baseline judged by other rules, with the command that accepts it again."""
    command = f"python -m sweep baseline accept --again --task {report.task} --regression {config.name}"
    return replace(report, words=f"{report.words}: `{command}{store_option(config.store_url)}`")


def _counted(report: TaskReport, nights: Sequence[Night], config: RegressionConfig) -> TaskReport:
    """Return a report without a baseline, with the number of runs available for one."""
    if report.verdict is not TaskVerdict.NO_BASELINE:
        return report
    there = sum(run.is_evidence for night in nights if night.target == nights[-1].target for run in night.runs)
    least = config.settings.min_baseline_runs
    if there < least:
        return replace(report, words=f"no baseline yet ({there} of {least} runs)")
    store = store_option(config.store_url)
    accept = f"`python -m sweep baseline accept --last {len(nights)} --task {report.task}{store}`"
    return replace(report, words=f"no baseline yet; accept the {there} runs so far with {accept}")
