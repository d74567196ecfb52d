"""From the trials of a probe to what they showed, as the store and the run folders hold it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweep.analysis.probes import read_probe
from sweep.domain.probe import FINDINGS, Probe, ProbeContext, ProbeResult, ProbeTrial
from sweep.domain.states import FINISHED_STATES
from sweep.domain.target import Target
from sweep.domain.trial import Outcome, StudyRecord
from sweep.report.staged import StageEntry, staged_summary
from sweep.rundir import StudyDir, read_json
from sweep.store import Store


def probe_result(store: Store, record: StudyRecord, folder: StudyDir) -> ProbeResult:
    """Return what a study's probe has shown so far."""
    trials = {trial.number: trial for trial in store.trials(record.id)}
    ended = [
        ProbeTrial(
            number=outcome.number,
            seed=outcome.seed,
            state=outcome.state,
            message="" if outcome.failure is None else _failure_message(store, trials[outcome.number].id, outcome),
            series=store.series(trials[outcome.number].id),
            findings=_findings(folder.trial(outcome.number).artifacts / FINDINGS),
            artifacts=folder.trial(outcome.number).artifacts.relative_to(folder.path).as_posix(),
        )
        for outcome in store.outcomes(record.id)
        if outcome.state in FINISHED_STATES
    ]
    context = ProbeContext(
        probe=Probe.from_mapping(record.config["probe"]),
        task=record.config["task"],
        target=Target.from_mapping(record.config["converge"]),
    )
    return read_probe(ended, context)


def probe_summary(store: Store, record: StudyRecord, folder: StudyDir, *, wall_s: float) -> dict[str, Any]:
    """Return summary.json of a probe's study: a document of one stage."""
    result = probe_result(store, record, folder)
    name = str(record.config["probe"]["name"])
    outcomes = store.outcomes(record.id)
    entry = StageEntry.of_probe(name, record.name, result)
    return staged_summary(record, [entry], result, cost=cost_of(outcomes, wall_s), seeds=[o.seed for o in outcomes])


def cost_of(outcomes: list[Outcome], wall_s: float) -> dict[str, Any]:
    """Return what trials have cost: how many there are, the optimizer steps run for them, and the wall time given.

    Reused ones are counted, and cost nothing.
    """
    run = [outcome for outcome in outcomes if not outcome.reused]
    return {
        "trials": len(outcomes),
        "steps": sum(outcome.steps for outcome in run),
        "wall_s": wall_s,
        "reused": len(outcomes) - len(run),
    }


def _failure_message(store: Store, trial_id: int, outcome: Outcome) -> str:
    run = store.latest_run(trial_id)
    return f"{outcome.failure}: {(run and run.message) or outcome.reason}"


def _findings(file: Path) -> Mapping[str, Any]:
    try:
        found = read_json(file)
    except (OSError, ValueError):  # the run did not come to that
        return {}
    return found if isinstance(found, dict) else {}
