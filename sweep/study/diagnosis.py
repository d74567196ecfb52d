"""Runs a study made of stages, one after another, and combines what they found into one result and one page."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sweep.analysis.diagnosis import diagnose
from sweep.analysis.findings import Findings, seen_kinds, toggles_of_data
from sweep.config import LoadedConfig
from sweep.config.offered import lacking_axes
from sweep.domain.effect import Effect, Ranking
from sweep.domain.kinds import StudyKind
from sweep.domain.plural import count_text
from sweep.domain.regression import NightResult
from sweep.domain.result import Diagnosis, StageResult, TrialsCost
from sweep.domain.stages import stage_study
from sweep.domain.trial import StudyRecord
from sweep.errors import NothingToVaryError
from sweep.report import Report, write_reports
from sweep.report.basecurves import base_curves
from sweep.report.commands import command_text
from sweep.report.documents import BaseCurves
from sweep.report.staged import StagedDocument, StageDocument, StagesCost, staged_document
from sweep.rundir import StudyDir
from sweep.stats.priors import axes_for, toggle_factors
from sweep.store import Store
from sweep.study.code_guard import PlannedCode
from sweep.study.crash_points import step
from sweep.study.naming import held
from sweep.study.opening import check_packages, open_record, write_plan
from sweep.study.places import beside
from sweep.study.planning import StudyPlan, driver_of
from sweep.study.progress import Progress
from sweep.study.provenance import collect_provenance
from sweep.study.record_file import write_record
from sweep.study.resilient_progress import ResilientProgress
from sweep.study.results import Reported, report_data
from sweep.study.session import StudyEnd
from sweep.study.stages import (
    OpenAblation,
    ablation_question,
    check_stages,
    chosen_axes,
    fixed_stage,
    is_fruitless,
    stage_command,
    to_verify,
    verifying,
    with_settings,
)
from sweep.study.walltime import WallTime

logger = logging.getLogger(__name__)

RunJob = Callable[..., StudyEnd]
"""Runs the study of a stage: `run_job(loaded, progress=...)`."""


def run_stages(loaded: LoadedConfig, *, progress: Progress, run_job: RunJob) -> StudyEnd:
    """Run the stages of a study, or resume them; its files are written in every case.

    Finished trials of a stage are not run again; what the stage found is computed from the store. Raises ConfigError
    and MissingPaddleError before anything is written, StudyLockedError if another orchestrator runs the study.
    """
    check_stages(loaded.study.stages)
    _check_asked(loaded)
    check_packages(loaded)
    with held(loaded) as study:
        config, folder = study.loaded.study, study.folder
        if study.note:
            progress.message(study.note)
        record = open_record(study.store, study.loaded, folder, config.kind)
        taken = WallTime(study.store, record)
        plan = {"schema": 1, "study": config.name, "task": config.task_name, "stages": list(config.stages)}
        write_plan(folder, plan, record)
        study.store.close()  # each stage opens it again
        return DiagnosisRun(study.loaded, record, folder, ResilientProgress(progress), run_job, taken).run()


def _check_asked(loaded: LoadedConfig) -> None:
    """Raise ConfigError for a setting of a check, or of the ablation's driver, that its stage would reject later."""
    study = loaded.study
    driver_of(study)
    asked = with_settings(study.stages, loaded.overrides)
    if ablation_question(loaded.overrides) and "ablation" in study.stages:
        asked.append("ablation")
    for stage in asked:
        with suppress(NothingToVaryError):  # the stage reports it, unless an earlier stage decides
            StudyPlan(fixed_stage(stage, loaded)).driver()


class DiagnosisRun:
    """One session of a study made of stages."""

    def __init__(
        self,
        loaded: LoadedConfig,
        record: StudyRecord,
        folder: StudyDir,
        progress: Progress,
        run_job: RunJob,
        taken: WallTime,
    ) -> None:
        self.loaded, self.record, self.folder = loaded, record, folder
        self.progress, self.run_job = progress, run_job
        self.taken = taken
        self.code = PlannedCode(loaded.source)
        self.found = Findings(lacking=lacking_axes(loaded.study.task))
        self.has_axes = True
        self.cut_short = ""  # the stage in which the session was interrupted
        self.ended: dict[str, StageResult] = {}
        self.shown: list[StageDocument] = []
        self.cost = TrialsCost()
        self.seeds: set[int] = set()

    def run(self) -> StudyEnd:
        """Run the stages in order until one decides, fails or is interrupted."""
        stages = self.loaded.study.stages
        status, message = "ended", ""
        for number, stage in enumerate(stages, start=1):
            if self._is_decided(stage):
                why = "the data is broken" if self.found.is_data_broken else "the base converges"
                logger.info("stage %s and those after it: not run, %s", stage, why)
                break
            if stage == "verify" and not self._to_verify():
                logger.info("stage verify: not run, there is no undecided change that helped")
                continue
            if stage == "ablation" and not self._asked():
                logger.info("stage ablation: not run, the task has no knob")
                self.has_axes = False
                continue
            if not self.code.is_current():
                left = count_text(len(stages) - number + 1, "stage")
                status, message = "failed", self.code.message(left, self._again())
                break
            end = self._run_stage(stage, f"stage {number} of {len(stages)}")
            if end.status == "interrupted" or (end.status == "failed" and not self._can_do_without(stage)):
                status, message = end.status, self._why(end)
                break
        return self._end(status, message)

    def _run_stage(self, stage: str, which: str) -> StudyEnd:
        """Run the study of a stage and keep what it found. An ablation without a repair is widened to more axes."""
        loaded = self._loaded(stage)
        self.progress.message(f"{which}: {stage}  ({loaded.study.name})")
        axes = ", ".join(axis.name for axis in loaded.study.axes)
        logger.info("%s, %s: runs %s%s", which, stage, loaded.study.name, axes and f" with axes {axes}")
        end = self.run_job(loaded, progress=self.progress)
        if stage == "ablation" and end.status == "ended" and _is_fruitless(end):
            wider = self._loaded(stage, is_wide=True)
            if wider.study.axes != loaded.study.axes:
                wider_axes = ", ".join(axis.name for axis in wider.study.axes)
                logger.info("stage ablation: widened to axes %s, none so far restores convergence", wider_axes)
                self.progress.message("none of these restores convergence; trying the other axes as well")
                loaded, end = wider, self.run_job(wider, progress=self.progress)
        self.progress.close()
        logger.info("stage %s: %s; %s", stage, end.status, end.reported.document.answer)
        step("stage ended")
        self._take(stage, loaded, end)
        return end

    def _is_decided(self, stage: str) -> bool:
        """Return whether earlier stages make this one, and all after it, unnecessary (only in a diagnosis)."""
        if self.loaded.study.kind is not StudyKind.DIAGNOSIS:  # checks are independent of each other
            return False
        found = self.found
        return stage != "data" and (found.is_data_broken or found.base_converges or not found.is_base_judged)

    def _can_do_without(self, stage: str) -> bool:
        """Return whether a diagnosis continues if this stage fails: true for the checks that train.

        The base has run by then, so only training on few samples, or at unusual learning rates, has failed.
        """
        return self.loaded.study.kind is StudyKind.DIAGNOSIS and stage in ("overfit", "lr_range")

    def _loaded(self, stage: str, *, is_wide: bool = False) -> LoadedConfig:
        """Return the study of a stage, given what was found so far."""
        if stage == "verify":
            loaded = verifying(self.loaded, self._to_verify())
        elif stage == "ablation" and not ablation_question(self.loaded.overrides):
            loaded = self._ablation(is_wide=is_wide)
        else:
            loaded = fixed_stage(stage, self.loaded)
        return beside(loaded, self.folder)

    def _ablation(self, *, is_wide: bool) -> LoadedConfig:
        """Return the ablation, one at a time, of the axes that the symptoms point to and of the learning rate found.

        With `is_wide`, it also has all axes of `ablation=all` for which the task has the knobs.
        """
        available = self._open_ablation()
        pointed = [axis for axis, _ in axes_for(seen_kinds(self.found))]
        pointed += [toggle.partition("=")[0] for toggle in toggles_of_data(self.found)]
        if is_wide:
            chosen = available.names
        elif self.found.is_lr_decisive:
            chosen = ("lr",)
        else:
            pointed += ["lr"] if self.found.point else []
            chosen = chosen_axes(available.names, pointed, learns=self.found.learns)
        return available.narrowed(self.loaded, chosen)

    def _open_ablation(self) -> OpenAblation:
        pointed = [*toggles_of_data(self.found), *toggle_factors(seen_kinds(self.found))]
        return OpenAblation.of(self.loaded, pointed, self.found.point)

    def _asked(self) -> bool:
        """Return whether there is an axis to vary: the command names one, or the task has a knob for one."""
        return ablation_question(self.loaded.overrides) or bool(self._open_ablation().axes)

    def _to_verify(self) -> list[Effect]:
        return [] if self.found.ablation is None else to_verify(self.found.ablation)

    def _take(self, stage: str, loaded: LoadedConfig, end: StudyEnd) -> None:
        """Keep what a stage found, for later stages and for the result; if it was interrupted, only to show it."""
        if end.status == "interrupted":
            self.cut_short = stage
        elif not isinstance(end.result, Diagnosis | NightResult):
            self.ended[stage] = end.result
            self.found = Findings.of(self.ended, self.found.lacking)
        self.shown += self._documents(stage, loaded, end)
        self.cost = self.cost.plus(end.reported.cost)
        self.seeds.update(end.reported.seeds)

    def _documents(self, stage: str, loaded: LoadedConfig, end: StudyEnd) -> list[StageDocument]:
        """Return what is shown of a stage: its ranking (for the base, with curves), or its own stages."""
        document, command = end.reported.document, stage_command(loaded)
        if isinstance(document, StagedDocument):
            first, *others = document.stages
            return [replace(first, command=command), *others]
        if stage == "base":
            document = replace(document, curves=self._curves(loaded))
        name, answer = loaded.study.name, document.answer
        return [StageDocument(stage=stage, study=name, ok=True, answer=answer, section=document, command=command)]

    def _curves(self, loaded: LoadedConfig) -> tuple[BaseCurves, ...]:
        with Store.open(loaded.study.store_url, read_only=True) as store:
            return base_curves(report_data(store, store.study(loaded.study.name), wall_s=0.0))

    def _why(self, end: StudyEnd) -> str:
        """Return why the study stops at a stage that did not end, and how to resume it."""
        if end.status == "failed":
            return f"{end.message}\nthen resume with: {self._again()}"
        return f"interrupted during a stage; resume with: {self._again()}"

    def _again(self) -> str:
        return command_text(self.loaded.command)

    def _end(self, status: str, message: str) -> StudyEnd:
        """Write the study's files and its summary."""
        config = self.loaded.study
        with Store.open(config.store_url) as store:
            devices = {device for stage in self.shown for device in store.devices(store.study(stage.study).id)}
            provenance = collect_provenance(folder=Path.cwd(), seeds=sorted(self.seeds), devices=devices)
            store.update_study(self.record.id, status=status, provenance=provenance, ended=True)
            record = store.study(self.record.name)
            found = self._reported(record, replace(self.cost, wall_s=self.taken.in_all_s(store)))
            store.save_summary(record.id, found.to_object())
            write_record(store, record, self.folder)
        write_reports(Report(document=found.document, folder=self.folder.path))
        step("reports written")
        return StudyEnd(status=status, message=message, reported=found, folder=self.folder.path)

    def _reported(self, record: StudyRecord, cost: TrialsCost) -> Reported:
        """Return the combined result of the stages, with its document."""
        result, seeds = self._result(), tuple(sorted(self.seeds))
        document = staged_document(record, self.shown, result, StagesCost.of(cost), seeds)
        return Reported(result=result, document=document, cost=cost, seeds=seeds)

    def _result(self) -> Diagnosis:
        if self.loaded.study.kind is StudyKind.DIAGNOSIS:
            found = diagnose(self.found, has_axes=self.has_axes)
            return replace(
                found, answer=self._so_far(found.answer), notes=self._notes(), stages=tuple(self.ended.items())
            )
        answers = [stage.answer for stage in self.shown]
        is_ok = all(stage.ok for stage in self.shown)
        return Diagnosis(is_ok=is_ok, answer=self._so_far(*answers), stages=tuple(self.ended.items()))

    def _so_far(self, *answers: str) -> str:
        """Return the answers, and at which stage the session was interrupted."""
        stages, words = self.loaded.study.stages, ""
        if self.cut_short:
            left = stages[stages.index(self.cut_short) + 1 :]
            words = f"Interrupted in stage {self.cut_short}{'; not run yet: ' * bool(left)}{', '.join(left)}."
        return " ".join(filter(None, [*answers, words]))

    def _notes(self) -> tuple[str, ...]:
        done = {stage.study for stage in self.shown}
        left_out = [s for s in self.loaded.study.stages if stage_study(self.loaded.study.name, s) not in done]
        if left_out and not self.found.is_base_judged:
            return (f"Not run, because the base has no verdict: {', '.join(left_out)}.",)
        if not left_out or not (self.found.is_data_broken or self.found.base_converges):
            return ()
        return (f"Not run, because earlier stages decided: {', '.join(left_out)}.",)


def _is_fruitless(end: StudyEnd) -> bool:
    return isinstance(end.result, Ranking) and is_fruitless(end.result)
