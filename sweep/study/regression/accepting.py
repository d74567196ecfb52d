"""Turns recorded nights, or one study, into baselines; done only on a user's command."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sweep.clock import now_utc
from sweep.config.stores import store_word
from sweep.domain.nights import Baseline, Night
from sweep.domain.regression import RegressionSettings
from sweep.domain.rules import RULES_VERSION
from sweep.domain.trial import StudyRecord
from sweep.errors import NotFoundError, UsageError
from sweep.report.commands import verb_store
from sweep.store import Regressions, Store, TaskNight
from sweep.study.regression.environment import environment_of
from sweep.study.regression.gathering import run_again, runs_of, target_text

LEAST_RUNS = RegressionSettings().min_baseline_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A baseline that can be accepted, or why there is none for this task (`problem`)."""

    task: str
    baseline: Baseline | None
    problem: str = ""
    notes: tuple[str, ...] = ()


def offers_of_nights(store: Store, regression: str, last: int, task: str | None) -> list[Offer]:
    """Return what the last nights of each task, or of one, offer. Raises NotFoundError if there is no such night."""
    kept = Regressions(store)
    found: dict[str, list[TaskNight]] = {}
    for each in kept.task_nights(regression, task):
        found.setdefault(each.task, []).append(each)
    if not found:
        known = ", ".join(sorted({each.task for each in kept.task_nights(regression)}))
        what = f"regression {regression} has no night" + (f" of task {task}" if task else "")
        raise NotFoundError(
            what,
            hint=f"its tasks: {known}" if known else f"python -m sweep +regression={regression}{store_word(store.url)}",
        )
    return [_offer(name, nights[-last:]) for name, nights in found.items()]


def offer_of_study(store: Store, record: StudyRecord, task: str | None) -> Offer:
    """Return what a study's base trials offer."""
    runs = runs_of(store, record)
    baseline = Baseline(
        task=task or _task_of(store, record),
        runs=runs,
        target=target_text(record.target),
        environment=environment_of(record.provenance, devices=store.devices(record.id)),
        accepted_at=now_utc(),
        studies=(record.name,),
        rules_version=min((o.rules_version for o in store.outcomes(record.id)), default=RULES_VERSION),
    )
    if baseline.rules_version != RULES_VERSION:
        resume = f"python -m sweep resume {record.name}{verb_store(record)}"
        problem = f"its verdicts are by earlier rules; `{resume}` judges its trials again"
        return Offer(task=baseline.task, baseline=None, problem=problem)
    return _checked(baseline, ())


def offers_again(store: Store, regression: str, task: str | None) -> list[Offer]:
    """Return the accepted baselines, their runs judged by the current rules. Raises NotFoundError if there are none."""
    found = Regressions(store).baselines(regression, task)
    if not found:
        what = f" of task {task}" if task else ""
        raise NotFoundError(f"regression {regression} has no baseline{what}", hint="accept --last N accepts nights")
    return [_offer_again(store, baseline) for baseline in found]


def _offer_again(store: Store, baseline: Baseline) -> Offer:
    """Return a baseline of the same runs, without those that the current rules cannot judge."""
    if baseline.rules_version == RULES_VERSION:
        problem = f"its baseline was judged by the current rules (version {RULES_VERSION}): nothing to accept again"
        return Offer(task=baseline.task, baseline=None, problem=problem)
    judged = [run_again(store, run) for run in baseline.runs]
    runs = tuple(run for run in judged if run is not None)
    left_out = len(judged) - len(runs)
    notes = (f"{left_out} of {len(judged)} runs left out: earlier rules ended them, or their curves are deleted",)
    again = replace(baseline, runs=runs, accepted_at=now_utc(), rules_version=RULES_VERSION)
    study = next((record for name in baseline.studies if (record := store.find_study(name)) is not None), None)
    if study is not None:
        again = replace(again, target=target_text(study.target))
    return _checked(again, notes if left_out else ())


def accept(store: Store, regression: str, offers: Sequence[Offer]) -> None:
    """Record the baselines offered. Raises UsageError if there are none."""
    baselines = [offer.baseline for offer in offers if offer.baseline is not None]
    if not baselines:
        lines = "\n  ".join(f"{offer.task}: {offer.problem}" for offer in offers)
        raise UsageError(f"no baseline can be made from this\n  {lines}", hint="take more nights with --last N")
    Regressions(store).accept(regression, baselines)


def _task_of(store: Store, record: StudyRecord) -> str:
    """Return the name of the task in its regression if the study is of a night, else the study's task."""
    kept = Regressions(store)
    for regression in kept.names():
        for each in kept.task_nights(regression):
            if record.name in each.studies:
                return each.task
    return record.task


def _offer(task: str, nights: Sequence[TaskNight]) -> Offer:
    """Return the baseline of the nights that are comparable with the last one: same target, device class and rules."""
    last = nights[-1].night
    used = [each for each in nights if _is_alike(each.night, last)]
    notes = []
    if len(used) < len(nights):
        notes.append(f"{len(nights) - len(used)} nights left out: another target, device or rules than {last.name}")
    if len({each.night.environment.code for each in used}) > 1:
        notes.append("the task's code changed within these nights")
    if len({each.night.environment.config for each in used}) > 1:
        notes.append("the task's config changed within these nights")
    baseline = Baseline(
        task=task,
        runs=tuple(run for each in used for run in each.night.runs),
        target=last.target,
        environment=last.environment,
        accepted_at=now_utc(),
        hashes=last.hashes,
        rules_version=last.rules_version,
        studies=tuple(study for each in used for study in each.studies),
    )
    return _checked(baseline, tuple(notes))


def _is_alike(night: Night, last: Night) -> bool:
    theirs, ours = ((each.target, each.environment.device_class, each.rules_version) for each in (night, last))
    return theirs == ours


def _checked(baseline: Baseline, notes: tuple[str, ...]) -> Offer:
    judged = [run for run in baseline.runs if run.is_evidence]
    converged = sum(run.converged for run in judged)
    if len(judged) < LEAST_RUNS:
        problem = f"a baseline needs {LEAST_RUNS} runs with a verdict, and there are only {len(judged)}"
        return Offer(task=baseline.task, baseline=None, problem=problem, notes=notes)
    if 2 * converged <= len(judged):
        problem = f"only {converged} of {len(judged)} runs converged: such a baseline could show no regression"
        return Offer(task=baseline.task, baseline=None, problem=problem, notes=notes)
    return Offer(task=baseline.task, baseline=baseline, notes=notes)
