"""What the record and the run folders of a study on a script show beyond its outcomes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sweep.analysis.places import acted_on, knobs_of
from sweep.analysis.same_curves import same_curves
from sweep.analysis.suggestion import Wanted, suggest
from sweep.domain.axis import Level, Toggle
from sweep.domain.check import FINDINGS
from sweep.domain.effect import Question, Ranking
from sweep.domain.facts import INVENTORY
from sweep.domain.inert import InertToggle
from sweep.domain.inventory import Inventory, ProgramEnd, Suggestion
from sweep.domain.json_form import from_json
from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH
from sweep.domain.states import StopReason, TrialState
from sweep.domain.task_ref import TaskKind, kind_of_section
from sweep.domain.trial import Outcome, StudyRecord, TrialRecord
from sweep.rundir import RunDir, StudyDir, facts_of, read_json
from sweep.store import Store

CHANGED_NOTHING = "it was set, and nothing in the program changed"
ASKED = 2
"""Number of trials of a toggle whose record is read: what a toggle can change does not depend on the seed."""

TAIL_BYTES = 1 << 18
"""The record is among the last events of a run."""

_STEP = "step/"


def is_on_script(record: StudyRecord) -> bool:
    """Return whether a study is on a script."""
    return kind_of_section(record.config.task) is TaskKind.SCRIPT


def untouched(store: Store, record: StudyRecord, outcomes: Iterable[Outcome]) -> tuple[InertToggle, ...]:
    """Return the toggles whose trials recorded that nothing in the program was changed. They were tried in vain."""
    numbers: dict[Toggle, list[int]] = {}
    for outcome in outcomes:
        if len(outcome.cell.toggles) == 1 and not outcome.cell.params and outcome.state is TrialState.COMPLETED:
            [toggle] = outcome.cell.toggles
            numbers.setdefault(toggle, []).append(outcome.number)
    found: list[InertToggle] = []
    for axis in record.config.axes:
        for level in axis.levels:
            toggle = Toggle(axis.name, level.name)
            if toggle in numbers and _changed_nothing(store, record, numbers[toggle], level):
                found.append(InertToggle.nothing_there(toggle, CHANGED_NOTHING))
    return tuple(found)


def one_curve(store: Store, record: StudyRecord, outcomes: Iterable[Outcome]) -> str:
    """Return a sentence if all seeds of the base gave the same curve, else an empty text."""
    name = record.target.named_decider or record.target.metric
    numbers = [outcome.number for outcome in outcomes if outcome.cell.is_base and outcome.is_evidence]
    if name is None or len(numbers) < 2:
        return ""
    trials = {trial.number: trial.id for trial in store.trials(record.id)}
    curves = [store.series(trials[number], [name]).get(name, Series.of([])) for number in numbers]
    return same_curves(curves, name, keeps_own_seed=record.config.task.get("seeding") == "script")


def suggestion(record: StudyRecord, ranking: Ranking) -> Suggestion | None:
    """Return the recommended repair as a change of the program's files as they are now; None without one."""
    home = record.config.home
    if not ranking.repairs or ranking.question is not Question.RESTORE or home is None:
        return None
    levels = {Toggle(axis.name, level.name): level for axis in record.config.axes for level in axis.levels}
    wanted = [
        Wanted(part=part, value=value)
        for toggle in ranking.repairs[0].toggles
        for knob, value in knobs_of(levels[toggle]).items()
        for part in acted_on(levels[toggle], record.config.parts)
        if part.knob == knob
    ]
    paths = dict.fromkeys(each.part.where.rpartition(":")[0] for each in wanted if each.part.where is not None)
    sources = {path: text for path in paths if (text := _text(Path(home.folder) / path)) is not None}
    return suggest(wanted, sources) if wanted else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def reported_note(record: StudyRecord, logged: Sequence[str]) -> str:
    """Return which metrics a program reported, if none of them is the target's; else an empty text."""
    if record.target.metric is not None:
        return ""
    names = [name for name in logged if not name.startswith((WATCH, _STEP))]
    if not names:
        return ""
    return (
        f"It reported: {', '.join(names)}; judged by {record.target.named_decider or 'its loss'}. To judge by one of "
        f"them: converge.metric={names[0]} converge.target=NUMBER"
    )


def _changed_nothing(store: Store, record: StudyRecord, numbers: Sequence[int], level: Level) -> bool:
    """Return whether the first trials of a level say that it changed nothing; False if none of them says anything."""
    trials = {trial.number: trial.id for trial in store.trials(record.id)}
    knobs = knobs_of(level).keys()
    known = [each for number in numbers[:ASKED] if (each := _inventory(store, trials[number])) is not None]
    return bool(known) and all(
        each.steps > 0 and not any(part.knob in knobs for part in each.changed) for each in known
    )


def recorded_inventory(store: Store, trial: TrialRecord) -> Inventory | None:
    """Return what the run of an inventory found, None if its folder is gone or nothing was recorded.

    A program that ended its process itself has left no findings, but a record among its events.
    """
    study, number = store.study_running(trial.id)
    try:
        return from_json(Inventory, read_json(StudyDir.of(study).trial(number).artifacts / FINDINGS))
    except (OSError, ValueError):
        found = _inventory(store, trial.id)
    run = store.latest_run(trial.id)
    if found is None or run is None:
        return None
    is_own = trial.state is TrialState.COMPLETED and run.stop_reason == StopReason.RETURNED
    return replace(found, ended=ProgramEnd.OWN if is_own else ProgramEnd.CRASHED, wall_s=run.wall_s or 0.0)


def _inventory(store: Store, trial_id: int) -> Inventory | None:
    """Return what a trial's run recorded of its program, None if its folder is gone or it recorded nothing."""
    study, number = store.study_running(trial_id)
    try:
        run = StudyDir.of(study).trial(number)
        text = _fact(run, max(0, run.events.stat().st_size - TAIL_BYTES)) or _fact(run, 0)
        return from_json(Inventory, json.loads(text)) if isinstance(text, str) else None
    except (OSError, ValueError):
        return None


def _fact(run: RunDir, from_byte: int) -> float | str | None:
    return facts_of(run.read_events(from_byte)[0]).get(INVENTORY)
