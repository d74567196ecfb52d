"""A study's ranking and its reports, from what the store holds of it. The `report` verb uses this as well."""

import gc
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sweep.domain.axis import Cell
from sweep.domain.effect import Ranking
from sweep.domain.json_form import JsonObject, to_object
from sweep.domain.metric import Series
from sweep.domain.result import StudyResult, TrialsCost
from sweep.domain.states import TrialState
from sweep.domain.trial import Outcome, StudyRecord, TrialRecord
from sweep.report import Report, ReportData, build_document, write_reports
from sweep.report.commands import verb_store
from sweep.report.documents import STAGES, RankingDocument
from sweep.report.phrases import outdated_text
from sweep.report.staged import StagedDocument, read_staged
from sweep.report.visualdl import can_write
from sweep.rundir import StudyDir
from sweep.store import Store

READ_AHEAD = 200
"""Number of trials whose curves are read at once: with 1,000 points of one metric each they take 3 MB."""

PAGE = ("page.html", "report.html", "page.css", "page.js")
"""The templates of a report: compiling them takes 0.2 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a study has found, and the document behind its reports; `seeds` are those of its trials."""

    result: StudyResult
    document: RankingDocument | StagedDocument
    cost: TrialsCost
    seeds: tuple[int, ...]

    def to_object(self) -> JsonObject:
        """Return the contents of summary.json."""
        return to_object(self.document)


def ranked(data: ReportData, document: RankingDocument) -> Reported:
    """Return the ranking of a study, with its document."""
    return Reported(
        result=data.ranking,
        document=document,
        cost=TrialsCost.of(data.outcomes, data.ranking.cost.wall_s),
        seeds=tuple(outcome.seed for outcome in data.outcomes),
    )


def reported(store: Store, record: StudyRecord, *, wall_s: float) -> Reported:
    """Return what the trials of a study show as they are now."""
    if record.kind.is_check:
        from sweep.study.checking import check_reported  # it imports SciPy

        return check_reported(store, record, StudyDir.of(record), wall_s=wall_s)
    data = report_data(store, record, wall_s=wall_s)
    return ranked(data, build_document(data))


def leave_reports(store: Store, record: StudyRecord, *, wall_s: float) -> Reported:
    """Write the reports of a study with trials; return what they show, which the caller saves."""
    data = report_data(store, record, wall_s=wall_s) if record.kind.has_verdicts else None
    found = reported(store, record, wall_s=wall_s) if data is None else ranked(data, build_document(data))
    write_reports(Report(document=found.document, folder=StudyDir.of(record).path, data=data))
    return found


def rewrite_reports(store: Store, record: StudyRecord, *, wall_s: float) -> None:
    """Write the reports of a study again: from its saved summary if it has stages, else from its trials as they are."""
    if not record.kind.is_staged:
        leave_reports(store, record, wall_s=wall_s)
        return
    kept = store.summary(record.id) or {}
    if kept.get("kind") == STAGES:
        write_reports(Report(document=read_staged(kept), folder=StudyDir.of(record).path))


def load_reports() -> Iterator[None]:
    """Import what ranking, logs and the page need (about 0.5 s), one part per step, for quiet moments."""
    if can_write():
        from visualdl.component.base_component import scalar  # noqa: F401

    yield
    from sweep.analysis import rank  # noqa: F401

    yield
    from sweep.report.html import environment

    for name in PAGE:
        yield
        environment().get_template(name)  # the environment caches it
    gc.freeze()  # these modules stay as well


def report_data(store: Store, record: StudyRecord, *, wall_s: float) -> ReportData:
    """Return all that the reports of a study need, ranked again from its outcomes; `wall_s` is its total time."""
    # Importing SciPy takes half a second, which reading verbs do not need.
    from sweep.analysis import rank
    from sweep.analysis.places import places
    from sweep.study import program

    axes, target = record.config.axes, record.target
    outcomes = tuple(store.outcomes(record.id))
    folder = StudyDir.of(record)
    outdated = store.count_outdated(record.id)
    is_script = program.is_on_script(record)
    is_silent = any(o.state is TrialState.COMPLETED and not o.is_evidence for o in outcomes)
    logged = store.metric_names(record.id) if is_silent or target.named_loss is None else None
    ranking = rank(
        outcomes,
        axes,
        target,
        inert=(*record.config.inert, *(program.untouched(store, record, outcomes) if is_script else ())),
        wall_s=wall_s,
        logged=logged,
        places=places(axes, record.config.parts) if is_script else None,
    )
    if is_script:
        ranking = _of_script(ranking, store, record, outcomes)
    if outdated:
        ranking = replace(ranking, notes=(*ranking.notes, outdated_text(outdated, record.name, verb_store(record))))
    return ReportData(
        study=record,
        axes=axes,
        target=target,
        ranking=ranking,
        outcomes=outcomes,
        curves=StoredCurves(store, record.id),
        dir_of=lambda outcome: "" if outcome.reused else f"{folder.trials.name}/{outcome.number}",
    )


def _of_script(ranking: Ranking, store: Store, record: StudyRecord, outcomes: Sequence[Outcome]) -> Ranking:
    """Return the ranking with what is said of programs: seeds that change nothing, and metrics to judge by."""
    from sweep.study import program

    same = program.one_curve(store, record, outcomes)
    noted = program.reported_note(record, store.metric_names(record.id))
    return replace(
        ranking,
        suggestion=program.suggestion(record, ranking),
        answer=" ".join(filter(None, (ranking.answer, same))),
        notes=(*ranking.notes, *filter(None, (noted,))),
    )


class StoredCurves(Mapping[int, Mapping[str, Series]]):
    """The curves of a study's trials by number, read on access: a large study draws only some of its cells.

    All trials of a cell are drawn, in order, so the next ones are read at the same time. A returned one is not kept.
    """

    def __init__(self, store: Store, study_id: int) -> None:
        self._store = store
        self._study_id = study_id
        self._ahead: dict[int, Mapping[str, Series]] = {}

    @cached_property
    def _trials(self) -> dict[int, TrialRecord]:
        return {trial.number: trial for trial in self._store.trials(self._study_id)}

    @cached_property
    def _cells(self) -> dict[Cell, list[int]]:
        found: dict[Cell, list[int]] = {}
        for number in sorted(self._trials):
            found.setdefault(self._trials[number].cell, []).append(number)
        return found

    def __getitem__(self, number: int) -> Mapping[str, Series]:
        if number not in self._ahead:
            of_cell = self._cells[self._trials[number].cell]
            first = bisect_left(of_cell, number)
            ids = {each: self._trials[each].id for each in of_cell[first : first + READ_AHEAD]}
            found = self._store.series_of(list(ids.values()))
            self._ahead = {each: found[trial_id] for each, trial_id in ids.items()}
        return self._ahead.pop(number)

    def __iter__(self) -> Iterator[int]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)
