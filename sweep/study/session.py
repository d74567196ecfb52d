"""One session of a study: runs its loop and writes its files, plan.json, summary.json and the reports."""

import gc
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sweep.clock import monotonic_s
from sweep.config import LoadedConfig
from sweep.config.stores import store_option
from sweep.domain.effect import Ranking
from sweep.domain.metric import Series
from sweep.domain.plural import count_text, share_text
from sweep.domain.result import StudyResult
from sweep.domain.states import TrialState
from sweep.domain.trial import Outcome, StudyRecord, TrialRecord
from sweep.launch import MakeLauncher, build_launcher, check_launcher
from sweep.report.commands import command_text
from sweep.study.code_guard import PlannedCode
from sweep.study.crash_points import step
from sweep.study.curves import CurveFiles
from sweep.study.interrupts import Interrupt, obeying_interrupts
from sweep.study.loop import StudyLoop
from sweep.study.missing_metric import MetricWarning
from sweep.study.naming import HeldStudy, held
from sweep.study.opening import check_packages, open_record, write_plan
from sweep.study.planning import StudyPlan
from sweep.study.progress import Progress
from sweep.study.provenance import gpu_models
from sweep.study.record_file import write_record
from sweep.study.resilient_progress import ResilientProgress
from sweep.study.results import Reported, leave_reports, load_reports, reported
from sweep.study.runs import OpenStudy
from sweep.study.walltime import WallTime

logger = logging.getLogger(__name__)

SUMMARY_EVERY_S = 10.0
"""Maximum age (s) of the summary that `rank` shows of a running study, unless the summary takes long to make."""

SUMMARY_SHARE = 0.02
"""Maximum fraction of the orchestrator's time that is spent on such summaries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEnd:
    """How a study ended. `status` is ended, interrupted or failed; `message` says why unless it is ended."""

    status: str
    message: str
    reported: Reported
    folder: Path

    @property
    def result(self) -> StudyResult:
        """What the study has found."""
        return self.reported.result

    @property
    def is_unjudged(self) -> bool:
        """Whether this is a study with verdicts of which no trial has one."""
        return isinstance(self.result, Ranking) and not self.result.is_judged

    @property
    def is_ok(self) -> bool:
        """Whether it ended with an answer: at least one trial has a verdict, or a check found no fault."""
        if self.status != "ended" or self.is_unjudged:
            return False
        return isinstance(self.result, Ranking) or self.result.is_ok


def run_study(
    loaded: LoadedConfig,
    *,
    progress: Progress,
    make_launcher: MakeLauncher = build_launcher,
    then: Callable[[LoadedConfig, StudyEnd], StudyEnd] = lambda loaded, end: end,  # noqa: ARG005 - by default nothing follows
) -> StudyEnd:
    """Run or resume a study until it ends or is interrupted; its files are written in every case.

    `make_launcher` makes the launcher of its trials. `then(loaded, end)` is called after the
    study's own trials, while the study is still locked, with the config under its final name; its result is returned.

    Raises ConfigError and MissingPaddleError before anything is written, StudyLockedError if another orchestrator
    runs the study, TaskEditedError if the task was edited since its code was read, StudyGoneError and StoreError if its
    folder or its store was removed meanwhile.
    """
    check_packages(loaded)
    check_launcher(loaded.study.launcher)
    plan = StudyPlan(loaded)
    plan.driver()  # reject a wrong setting before anything is written
    code = PlannedCode(loaded.source, progress.message)
    with held(loaded) as study:
        step("study locked")
        code.require_current()
        if study.note:
            progress.message(study.note)
        record = open_record(study.store, study.loaded, study.folder, plan.kind)
        step("study recorded")
        rejudged = plan.enrol(study.store, record)
        step("trials enrolled")
        if rejudged:
            logger.info("rules changed: %s", rejudged)
            progress.message(rejudged)
        write_plan(study.folder, {**plan.to_dict(), "study": record.name}, record)
        step("plan written")
        end = then(study.loaded, Session(study, plan, record, ResilientProgress(progress), make_launcher, code).run())
        study.store.check_in_place()
        return end


class Session:
    """One session of a study, until it ends, drains, is stopped or fails."""

    def __init__(
        self,
        study: HeldStudy,
        plan: StudyPlan,
        record: StudyRecord,
        progress: Progress,
        make_launcher: MakeLauncher,
        code: PlannedCode,
    ) -> None:
        self.lock, self.folder, self.store = study.lock, study.folder, study.store
        self.config, self.command = study.loaded.study, study.loaded.command
        self.plan, self.record, self.code = plan, record, code
        self.progress, self.make_launcher = progress, make_launcher
        self.taken = WallTime(self.store, record)
        self.summarise_at_s = monotonic_s() + SUMMARY_EVERY_S
        self.curves = CurveFiles(self.store, record.id, self.folder)
        self.loading = load_reports()
        self.metric_warning = MetricWarning(self.store, record, self.config.target, progress.message)

    def run(self) -> StudyEnd:
        """Run the loop and write the reports; raises KeyboardInterrupt if a study that ended was interrupted."""
        driver = self.plan.driver()
        launcher = self.make_launcher(self.config.launcher, say=self.progress.message)
        loop = StudyLoop(
            OpenStudy(
                record=self.record,
                config=self.config,
                store=self.store,
                folder=self.folder,
                code=self.code,
            ),
            compose=self.plan.compose,
            driver=driver,
            launcher=launcher,
            progress=self.progress,
            on_outcome=self._on_outcome,
            on_quiet=self._in_quiet,
            is_ours=self.lock.keeps,
        )
        gc.freeze()  # what exists by now stays: the collector need not scan it while trials run
        with obeying_interrupts(loop):
            try:
                loop.run()
            finally:
                launcher.close()
            step("loop ended")
            status, message = self._status(loop)
            logger.info("session of %s: %s%s", self.record.name, status, message and f" ({message})")
            end = self._leave(status, message)
        if end.status == "ended" and loop.interrupt is not Interrupt.NONE:
            raise KeyboardInterrupt
        return end

    def _leave(self, status: str, message: str) -> StudyEnd:
        """Record the end of the session and write the study's files."""
        self.curves.write_all()
        step("curves written")
        used = {**self.record.provenance, "gpus": gpu_models(self.store.devices(self.record.id))}
        self.store.update_study(self.record.id, status=status, ended=True, provenance=used)
        step("status recorded")
        self.record = self.store.study(self.record.name)
        found = leave_reports(self.store, self.record, wall_s=self.taken.in_all_s(self.store))
        step("reports written")
        self.store.save_summary(self.record.id, found.to_object())
        step("summary saved")
        write_record(self.store, self.record, self.folder)
        return StudyEnd(status=status, message=message, reported=found, folder=self.folder.path)

    def _on_outcome(self, outcome: Outcome, trial: TrialRecord, curves: Mapping[str, Series] | None) -> None:
        """Queue a finished trial's curves for VisualDL, and save the summary if the last one is old."""
        for _ in self.loading:  # short trials leave no quiet time, so import the rest now
            pass
        if curves is not None:
            self.curves.add(trial, curves)
        self.metric_warning.take(outcome, curves)
        begun_s = monotonic_s()
        if begun_s > self.summarise_at_s:
            found = reported(self.store, self.record, wall_s=self.taken.in_all_s(self.store))
            self.store.save_summary(self.record.id, found.to_object())
            took_s = monotonic_s() - begun_s
            self.summarise_at_s = begun_s + max(SUMMARY_EVERY_S, took_s / SUMMARY_SHARE)

    def _in_quiet(self) -> bool:
        """Do a bit of the work for the end of the study while trials run and none ends; return whether more is left."""
        if next(self.loading, "all") != "all":
            return True
        with suppress(OSError):  # no reason to stop running trials: it is tried again at the end of the study
            return self.curves.write_some()
        return False

    def _status(self, loop: StudyLoop) -> tuple[str, str]:
        counts = self.store.counts(self.record.id)
        cancelled = counts.get(TrialState.CANCELLED, 0)
        abandoned = len(self.store.abandoned(self.record.id)) if cancelled else 0
        left = counts.get(TrialState.PENDING, 0) + cancelled - abandoned
        again = command_text(self.command)
        store = store_option(self.config.store_url)
        log = loop.breaker.failure_log(self.folder)
        if loop.breaker.is_open:
            return "failed", (
                f"stopped: the first {len(loop.breaker.failed)} trials all failed in the same way\n"
                f"{log}\nfix it, then run `python -m sweep rerun {self.record.name} --state failed{store}`"
            )
        if loop.interrupt is not Interrupt.NONE:
            rest = f" with {count_text(left, 'trial')} still to run" if left else ""
            return "interrupted", f"interrupted{rest}; resume with: {again}"
        if left and self.code.changed:
            return "failed", self.code.message(count_text(left, "trial"), again)
        failed = counts.get(TrialState.FAILED, 0) + counts.get(TrialState.LOST, 0)
        if failed * 2 > sum(counts.values()):
            return "failed", (
                f"could not be completed: {share_text(failed, sum(counts.values()), 'trial')} failed\n{log}\n"
                f"see `python -m sweep status {self.record.name}{store}`"
            )
        return "ended", ""
