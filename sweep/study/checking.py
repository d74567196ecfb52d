"""What the trials of a check have shown, read from the store and the run folders."""

import logging
from dataclasses import replace
from pathlib import Path

from sweep.analysis.checks import read_check
from sweep.analysis.checks.lr_confirm import axis_of, range_test_result, rates_of, read_confirmation
from sweep.domain.check import FINDINGS, Check, CheckName
from sweep.domain.checked import FINDINGS_OF, CheckContext, CheckResult, CheckTrial, Findings
from sweep.domain.failure import shown_failure
from sweep.domain.json_form import from_json
from sweep.domain.lr_range import RateRange
from sweep.domain.plural import count_text
from sweep.domain.result import StageResult, TrialsCost
from sweep.domain.stages import confirm_study
from sweep.domain.states import FINISHED_STATES
from sweep.domain.trial import Outcome, StudyRecord
from sweep.report.staged import StageDocument, staged_document
from sweep.rundir import StudyDir, read_json
from sweep.store import Store
from sweep.study.program import recorded_inventory
from sweep.study.results import Reported

logger = logging.getLogger(__name__)


def check_result(store: Store, record: StudyRecord, folder: StudyDir) -> CheckResult:
    """Return what the trials of a check have shown so far."""
    check = record.check
    assert check is not None
    trials = {trial.number: trial for trial in store.trials(record.id)}
    ended = [
        CheckTrial(
            number=outcome.number,
            seed=outcome.seed,
            state=outcome.state,
            message="" if outcome.failure is None else _failure_message(store, trials[outcome.number].id, outcome),
            series=store.series(trials[outcome.number].id),
            findings=recorded_inventory(store, trials[outcome.number])
            if check.name is CheckName.INVENTORY
            else _findings(check, folder.trial(outcome.number).artifacts / FINDINGS),
            artifacts=folder.trial(outcome.number).artifacts.relative_to(folder.path).as_posix(),
        )
        for outcome in store.outcomes(record.id)
        if outcome.state in FINISHED_STATES
    ]
    return read_check(ended, CheckContext(check=check, task=record.config.task, target=record.target))


def check_reported(store: Store, record: StudyRecord, folder: StudyDir, *, wall_s: float) -> Reported:
    """Return what a check found: a document with one stage, or two if a range test was confirmed."""
    found, outcomes = check_result(store, record, folder), store.outcomes(record.id)
    stages = [StageDocument.of_check(str(record.kind), record.name, found)]
    result: StageResult = found
    whole = found
    if isinstance(found.section, RateRange):  # other trials may confirm it
        confirm = _recorded_confirmation(store, record, found)
        tested = range_test_result(found, confirm and confirm[1], is_asked=record.is_confirmed)
        result, whole = tested, tested.whole
        if confirm is not None:
            stages.append(StageDocument.of_check("lr_confirm", confirm[0].name, confirm[1]))
            outcomes = [*outcomes, *store.outcomes(confirm[0].id)]
    cost, seeds = TrialsCost.of(outcomes, wall_s), tuple(outcome.seed for outcome in outcomes)
    return Reported(result=result, document=staged_document(record, stages, whole, cost, seeds), cost=cost, seeds=seeds)


def _recorded_confirmation(
    store: Store, record: StudyRecord, found: CheckResult
) -> tuple[StudyRecord, CheckResult] | None:
    """Return the study that confirms this very suggestion, and what it found; None if it has no results yet."""
    confirm = store.find_study(confirm_study(record.name))
    if confirm is None or not record.is_confirmed:
        return None
    if not isinstance(found.section, RateRange):
        return None
    rates = rates_of(found.section, record.config.task)
    outcomes = store.outcomes(confirm.id)
    if not rates or confirm.config.axes != (axis_of(rates),) or not any(o.is_evidence for o in outcomes):
        return None
    read = read_confirmation(rates, outcomes, found.section.base_lr)
    left = sum(not outcome.is_evidence for outcome in outcomes)
    have = "has" if left == 1 else "have"
    notes = (f"{left} of its {count_text(len(outcomes), 'trial')} {have} no verdict.",) if left else ()
    return confirm, replace(read, notes=notes)


def _failure_message(store: Store, trial_id: int, outcome: Outcome) -> str:
    run = store.latest_run(trial_id)
    return f"{shown_failure(str(outcome.failure))}: {(run and run.message) or outcome.reason}"


def _findings(check: Check, file: Path) -> Findings | None:
    """Return what a run found, None if it wrote no usable findings."""
    try:
        return from_json(FINDINGS_OF[check.name], read_json(file))
    except (OSError, ValueError) as error:
        logger.info("no findings: %s", error)
        return None
