"""Queries on trials, and the compare-and-swap every state change goes through. The caller holds the transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, insert, or_, select, update

from sweep.domain.kinds import CHECKS_OF_TRIALS
from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import FINISHED_STATES, LIVE_STATES, TrialState, is_legal
from sweep.domain.trial import TrialRecord, TrialSpec
from sweep.domain.verdict import Judgement, Symptom, Verdict
from sweep.errors import NotFoundError, TransitionError
from sweep.store import jsontext
from sweep.store.prepared import Prepared
from sweep.store.records import Event, cell_text, judgement_of, new_trial_record, symptom_of, trial_record
from sweep.store.schema import events, runs, studies, symptoms, trials

IN_LIST = 500
"""Values in one SQL IN list: well under SQLite's old limit of 999 variables."""

_BY_ID = select(trials).where(trials.c.id == bindparam("trial_id"))
_SWAP = Prepared(
    update(trials)
    .where(trials.c.id == bindparam("trial_id"), trials.c.state == bindparam("old"))
    .values(state=bindparam("new"))
)
_JUDGED_COLUMNS = ("verdict", "reason", "rule", "tau", "last_step", "best", "final", "rules_version")
_SET_JUDGEMENT = Prepared(
    update(trials)
    .where(trials.c.id == bindparam("trial_id"))
    .values({name: bindparam(f"new_{name}") for name in _JUDGED_COLUMNS})
)
_SWAP_JUDGED = Prepared(
    update(trials)
    .where(trials.c.id == bindparam("trial_id"), trials.c.state == bindparam("old"))
    .values(state=bindparam("new"), **{name: bindparam(f"new_{name}") for name in _JUDGED_COLUMNS})
)
_DROP_SYMPTOMS = delete(symptoms).where(symptoms.c.trial_id == bindparam("for_trial"))
_ADD_SYMPTOMS = insert(symptoms)
_ADD_EVENT = Prepared(insert(events), ("trial_id", "at", "old_state", "new_state", "note"))


def add(
    conn: Connection, study_id: int, specs: Sequence[TrialSpec], numbers: Sequence[int] | None = None
) -> list[TrialRecord]:
    """Add pending trials, numbered from the study's last on, or with these ascending numbers, all above it."""
    if not specs:
        return []
    last = conn.execute(select(func.max(trials.c.number)).where(trials.c.study_id == study_id)).scalar()
    first = 0 if last is None else last + 1
    if numbers is None:
        numbers = range(first, first + len(specs))
    assert numbers[0] >= first
    conn.execute(insert(trials), [_row(study_id, n, spec) for n, spec in zip(numbers, specs, strict=True)])
    ids = conn.execute(
        select(trials.c.id).where(trials.c.study_id == study_id, trials.c.number >= first).order_by(trials.c.number)
    ).scalars()
    return [
        new_trial_record(spec, trial_id=trial_id, study_id=study_id, number=number)
        for number, spec, trial_id in zip(numbers, specs, ids, strict=True)
    ]


def _row(study_id: int, number: int, spec: TrialSpec) -> dict[str, object]:
    return {
        "study_id": study_id,
        "number": number,
        "cell": cell_text(spec.cell),
        "seed": spec.seed,
        "fingerprint": spec.fingerprint,
        "overrides": jsontext.dumps(spec.overrides),
        "task": jsontext.dumps(spec.task),
        "state": TrialState.PENDING.value,
    }


def row_of(conn: Connection, trial_id: int) -> Row[Any]:
    """Return the row of a trial. Raises NotFoundError."""
    row = conn.execute(_BY_ID, {"trial_id": trial_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no trial with id {trial_id}")
    return row


def home_of(conn: Connection, trial_id: int) -> tuple[int, int]:
    """Return (study id, number) of the trial whose run this one has: its source, or itself. Raises NotFoundError."""
    row = row_of(conn, trial_id)
    if row.source_trial_id is not None:
        row = row_of(conn, row.source_trial_id)
    return row.study_id, row.number


def sources_in(conn: Connection, study_id: int) -> dict[int, tuple[str, int]]:
    """Return (study, number) of the trial whose run each reusing trial of a study uses, by the trial's id."""
    source = trials.alias("source_")
    query = (
        select(trials.c.id, studies.c.name, source.c.number)
        .join(source, source.c.id == trials.c.source_trial_id)
        .join(studies, studies.c.id == source.c.study_id)
        .where(trials.c.study_id == study_id)
    )
    return {row.id: (row.name, row.number) for row in conn.execute(query)}


def in_study(
    conn: Connection, study_id: int, states: Collection[TrialState] | None, *, retired: bool
) -> list[TrialRecord]:
    """Return a study's trials by number, only those in `states` if given, retired ones only if requested."""
    query = select(trials).where(trials.c.study_id == study_id).order_by(trials.c.number)
    if not retired:
        query = query.where(trials.c.is_current)
    if states is not None:
        query = query.where(trials.c.state.in_([state.value for state in states]))
    seen = symptoms_of_study(conn, study_id)
    return [trial_record(row, seen.get(row.id, ())) for row in conn.execute(query)]


def set_current(conn: Connection, study_id: int, trial_ids: Collection[int]) -> None:
    """Retire all trials of a study but these."""
    of_study = update(trials).where(trials.c.study_id == study_id)
    conn.execute(of_study.values(is_current=False))
    ids = iter(trial_ids)
    while part := list(islice(ids, IN_LIST)):
        conn.execute(of_study.where(trials.c.id.in_(part)).values(is_current=True))


def by_number(conn: Connection, study_id: int, number: int) -> TrialRecord:
    """Return one trial of a study. Raises NotFoundError, stating the number of trials."""
    query = select(trials).where(trials.c.study_id == study_id, trials.c.number == number)
    row = conn.execute(query).one_or_none()
    if row is None:
        total = conn.execute(select(func.count()).where(trials.c.study_id == study_id)).scalar()
        name = conn.execute(select(studies.c.name).where(studies.c.id == study_id)).scalar()
        hint = f"it has trials 0 to {total - 1}" if total else "it has no trials yet"
        raise NotFoundError(f"study {name} has no trial {number}", hint=hint)
    return trial_record(row, symptoms_of(conn, row.id))


def symptoms_of(conn: Connection, trial_id: int) -> tuple[Symptom, ...]:
    """Return one trial's symptoms in the order in which they were judged."""
    query = select(symptoms).where(symptoms.c.trial_id == trial_id).order_by(symptoms.c.position)
    return tuple(symptom_of(row) for row in conn.execute(query))


def symptoms_of_study(conn: Connection, study_id: int) -> dict[int, tuple[Symptom, ...]]:
    """Return the symptoms of a study's trials by trial id; trials without any are left out."""
    query = (
        select(symptoms)
        .join(trials, trials.c.id == symptoms.c.trial_id)
        .where(trials.c.study_id == study_id)
        .order_by(symptoms.c.trial_id, symptoms.c.position)
    )
    found: dict[int, list[Symptom]] = {}
    for row in conn.execute(query):
        found.setdefault(row.trial_id, []).append(symptom_of(row))
    return {trial_id: tuple(each) for trial_id, each in found.items()}


def find_finished(conn: Connection, fingerprints: Iterable[str]) -> dict[str, int]:
    """Return, for each fingerprint that has one, the id of the earliest completed and decided trial in any study.

    Only verdicts of the current rules count.
    """
    return _earliest(conn, fingerprints, trials.c.rules_version == RULES_VERSION)


def find_ended(conn: Connection, fingerprints: Iterable[str]) -> dict[str, TrialRecord]:
    """Return, for each fingerprint that has one, the newest completed trial with a run of its own, else the newest that
    ended otherwise."""
    found: dict[str, tuple[bool, int]] = {}
    ended = [state.value for state in FINISHED_STATES]
    for part in _parts(dict.fromkeys(fingerprints)):
        query = select(trials.c.fingerprint, trials.c.state, trials.c.id).where(
            trials.c.fingerprint.in_(part), trials.c.state.in_(ended), trials.c.source_trial_id.is_(None)
        )
        for fingerprint, state, trial_id in conn.execute(query):
            rank = (state == TrialState.COMPLETED.value, trial_id)
            found[fingerprint] = max(rank, found.get(fingerprint, rank))
    return {
        fingerprint: trial_record(row_of(conn, trial_id), symptoms_of(conn, trial_id))
        for fingerprint, (_, trial_id) in found.items()
    }


def find_outdated(conn: Connection, fingerprints: Iterable[str]) -> dict[str, TrialRecord]:
    """Return, for each fingerprint that has one, the earliest trial with a run and a verdict by older rules."""
    found = _earliest(conn, fingerprints, trials.c.source_trial_id.is_(None), is_outdated())
    return {
        fingerprint: trial_record(row_of(conn, trial_id), symptoms_of(conn, trial_id))
        for fingerprint, trial_id in found.items()
    }


def count_outdated(conn: Connection, study_id: int) -> int:
    """Return the number of a study's verdicts by older rules, without those of retired trials and of checks."""
    judged = select(studies.c.id).where(studies.c.id == study_id, studies.c.kind.not_in(CHECKS_OF_TRIALS))
    of_study = (trials.c.study_id.in_(judged), trials.c.is_current, is_outdated())
    return conn.execute(select(func.count()).where(*of_study)).scalar() or 0


def is_outdated() -> ColumnElement[bool]:
    """Return the condition that a trial has a verdict by older rules."""
    older = or_(trials.c.rules_version.is_(None), trials.c.rules_version < RULES_VERSION)
    return and_(trials.c.verdict.is_not(None), older)


def _earliest(conn: Connection, fingerprints: Iterable[str], *which: ColumnElement[bool]) -> dict[str, int]:
    """Return the lowest id of the completed and decided trials of each fingerprint under this condition."""
    found: dict[str, int] = {}
    for part in _parts(dict.fromkeys(fingerprints)):
        query = (
            select(trials.c.fingerprint, func.min(trials.c.id))
            .where(
                trials.c.fingerprint.in_(part),
                trials.c.state == TrialState.COMPLETED.value,
                trials.c.verdict != Verdict.UNDECIDED.value,
                *which,
            )
            .group_by(trials.c.fingerprint)
        )
        found.update((fingerprint, trial_id) for fingerprint, trial_id in conn.execute(query))
    return found


def _parts(values: Iterable[str]) -> Iterator[list[str]]:
    left = iter(values)
    while part := list(islice(left, IN_LIST)):
        yield part


def reuse(conn: Connection, trial_id: int, source_trial_id: int, *, at: datetime) -> None:
    """Complete a pending trial with the judgement of a completed one, whose run becomes its own.

    Raises NotFoundError, and TransitionError if either trial is in another state.
    """
    source = row_of(conn, source_trial_id)
    if source.state != TrialState.COMPLETED:
        raise TransitionError(f"trial {source_trial_id} is {source.state}: only a completed trial can be reused")
    old = TrialState(row_of(conn, trial_id).state)
    if old is not TrialState.PENDING:
        raise TransitionError(f"trial {trial_id} is {old}: only a pending trial can reuse another")
    origin = source.id if source.source_trial_id is None else source.source_trial_id
    swap(conn, trial_id, old, TrialState.COMPLETED, note=f"reuses the run of trial id {origin}", at=at)
    conn.execute(update(trials).where(trials.c.id == trial_id).values(source_trial_id=origin))
    judgement = judgement_of(source, symptoms_of(conn, source_trial_id))
    if judgement is not None:
        save_judgement(conn, trial_id, judgement)


def save_judgement(conn: Connection, trial_id: int, judgement: Judgement | None) -> None:
    """Replace a trial's judgement and symptoms; None removes them. Raises NotFoundError."""
    conn.execute(_DROP_SYMPTOMS, {"for_trial": trial_id})
    if _SET_JUDGEMENT.change(conn, {"trial_id": trial_id, **_judged(judgement)}) != 1:
        raise NotFoundError(f"there is no trial with id {trial_id}")
    _add_symptoms(conn, trial_id, judgement)


def end(
    conn: Connection,
    trial_id: int,
    old: TrialState,
    new: TrialState,
    judgement: Judgement | None,
    *,
    note: str,
    at: datetime,
) -> None:
    """Change the state of a trial that has run, and judge it. Raises the errors of `swap`.

    It has no symptoms yet: those of an earlier attempt were removed when it became pending again.
    """
    swap(conn, trial_id, old, new, note=note, at=at, judged=_judged(judgement))
    _add_symptoms(conn, trial_id, judgement)


def _judged(judgement: Judgement | None) -> dict[str, object]:
    if judgement is None:
        return dict.fromkeys(f"new_{name}" for name in _JUDGED_COLUMNS)
    return {
        "new_verdict": judgement.verdict.value,
        "new_reason": judgement.reason,
        "new_rule": judgement.rule,
        "new_tau": judgement.tau,
        "new_last_step": judgement.last_step,
        "new_best": judgement.best,
        "new_final": judgement.final,
        "new_rules_version": judgement.rules_version,
    }


def _add_symptoms(conn: Connection, trial_id: int, judgement: Judgement | None) -> None:
    if judgement is not None and judgement.symptoms:
        conn.execute(
            _ADD_SYMPTOMS,
            [
                {
                    "trial_id": trial_id,
                    "position": position,
                    "rule": symptom.rule,
                    "step": symptom.step,
                    "value": symptom.value,
                    "threshold": symptom.threshold,
                    "metric": symptom.metric,
                    "message": symptom.message,
                }
                for position, symptom in enumerate(judgement.symptoms)
            ],
        )


def transition(conn: Connection, trial_id: int, new: TrialState, *, note: str, at: datetime) -> None:
    """Change a trial's state, and that of its live run, if it has one.

    A trial that becomes pending again loses its judgement. Raises NotFoundError, and TransitionError if the table
    forbids the change, or if it needs a run (`begin_run`) or a source (`reuse`).
    """
    old = TrialState(row_of(conn, trial_id).state)
    if old is TrialState.PENDING and new in (TrialState.LAUNCHING, TrialState.COMPLETED):
        needed = "begin_run" if new is TrialState.LAUNCHING else "reuse"
        raise TransitionError(f"trial {trial_id}: {old} -> {new} needs {needed}")
    if old is TrialState.PAUSED and new is not TrialState.CANCELLED:
        raise TransitionError(f"trial {trial_id}: {old} -> {new} needs continue_run or begin_run")
    swap(conn, trial_id, old, new, note=note, at=at)
    if old in LIVE_STATES or old is TrialState.PAUSED:
        ended = {"ended_at": at} if new in FINISHED_STATES else {}
        conn.execute(
            update(runs).where(runs.c.trial_id == trial_id, runs.c.state == old.value).values(state=new.value, **ended)
        )
    if new is TrialState.PENDING:
        save_judgement(conn, trial_id, None)


def swap(
    conn: Connection,
    trial_id: int,
    old: TrialState,
    new: TrialState,
    *,
    note: str,
    at: datetime,
    judged: Mapping[str, object] | None = None,
) -> int:
    """Compare and swap a trial's state, and the given columns of its judgement; return the event row's id.

    Raises TransitionError if the table forbids the change or the trial is not in state `old`.
    """
    if not is_legal(old, new):
        raise TransitionError(f"trial {trial_id}: {old} -> {new} is not a legal change")
    statement = _SWAP if judged is None else _SWAP_JUDGED
    if statement.change(conn, {"trial_id": trial_id, "old": old.value, "new": new.value, **(judged or {})}) != 1:
        found = row_of(conn, trial_id).state
        raise TransitionError(f"trial {trial_id}: expected {old}, found {found}; not changed to {new}")
    event = {"trial_id": trial_id, "at": at, "old_state": old.value, "new_state": new.value, "note": note}
    return _ADD_EVENT.add(conn, event)


def set_until(conn: Connection, trial_id: int, until_step: int | None) -> None:
    """Record the step at which a trial's run pauses, None to run to its end. Raises NotFoundError."""
    if conn.execute(update(trials).where(trials.c.id == trial_id).values(until_step=until_step)).rowcount != 1:
        raise NotFoundError(f"there is no trial with id {trial_id}")


def events_of(conn: Connection, trial_id: int) -> list[Event]:
    """Return a trial's state changes, oldest first."""
    query = select(events).where(events.c.trial_id == trial_id).order_by(events.c.id)
    return [
        Event(row.at, TrialState(row.old_state), TrialState(row.new_state), row.note) for row in conn.execute(query)
    ]
