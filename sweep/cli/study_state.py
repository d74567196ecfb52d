"""The progress of a study, read from the store and the study's lock: what `status` shows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sweep.cli.output import by_word
from sweep.cli.shared import as_it_stands, chosen_study, lock_of, run_folder
from sweep.config.stores import store_option
from sweep.domain.json_form import JsonObject, to_json, to_object
from sweep.domain.stages import confirm_study, stage_study
from sweep.domain.states import TrialState
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord
from sweep.report.headings import read_heading
from sweep.report.phrases import number_text, outdated_text
from sweep.report.study_status import how_it_ended, render_status, status_line
from sweep.report.symptom_document import SymptomDocument
from sweep.store import Store

FAILED = frozenset({TrialState.FAILED, TrialState.LOST, TrialState.TIMED_OUT})

SHOWN_FAILED = 10
"""Number of failed trials listed."""

Listed = tuple[tuple[TrialRecord, RunRecord | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyState:
    """The progress of a study. `progress` has the last logged step and value of running trials, by trial number.

    If the study consists of several (stages; a learning-rate range and its confirmation), the figures include all of
    them, and `stages` has a line for each. `checks` counts the trials that are not judged, by how they ended.
    `symptoms` are those of the base, from the study's summary; `outdated` is the number of verdicts by earlier rules.
    """

    study: StudyRecord
    states: Mapping[str, int]
    verdicts: Mapping[str, int]
    running: Listed
    failed: Listed
    progress: Mapping[int, str] = field(default_factory=dict)
    answer: str = ""
    symptoms: tuple[SymptomDocument, ...] = ()
    is_over: bool = False
    stages: tuple[str, ...] = ()
    checks: Mapping[str, int] = field(default_factory=dict)
    store_option: str = ""
    outdated: int = 0

    def to_dict(self) -> JsonObject:
        """Return the data that `--json` prints."""
        return {
            "study": self.study.name,
            "status": self.study.status,
            "states": dict(self.states),
            "verdicts": dict(self.verdicts),
            "outdated": self.outdated,
            "checks": dict(self.checks),
            "symptoms": [to_json(symptom) for symptom in self.symptoms],
            "running": [{**to_object(trial), "run": to_json(run)} for trial, run in self.running],
            "failed": [{**to_object(trial), "run": to_json(run)} for trial, run in self.failed],
            "stages": list(self.stages),
        }

    def rendered(self) -> RenderableType:
        """Return the text for a terminal."""
        failed = self.failed[:SHOWN_FAILED]
        known = self.study, self.states, self.verdicts, self.running, failed, self.progress
        note = outdated_text(self.outdated, self.study.name, self.store_option) if self.outdated else ""
        shown = render_status(*known, checks=self.checks, seen=self.symptoms, note=note)
        return Group(shown, *(Padding(Text(line, style="dim"), (0, 0, 0, 2), expand=False) for line in self.stages))

    def line(self) -> str:
        """Return the progress as one line."""
        return status_line(self.study, self.states, {**self.checks, **self.verdicts})

    def lines(self) -> tuple[str, ...]:
        """Return a line for each study that it consists of, or one line for the study itself."""
        return self.stages or (self.line(),)

    def how_it_ended(self) -> str:
        """Return how a study ended, and what to do next."""
        return how_it_ended(self.study, self.states, self.answer, self.store_option)


def read_study_state(store: Store, name: str | None, url: str) -> StudyState:
    """Return the progress of a study in the store at this URL, the latest if none is named. Raises NotFoundError."""
    study = as_it_stands(chosen_study(store, name, url))
    if study.kind.is_staged:
        seen = _of_stages(store, study, url)
    elif study.is_confirmed:
        seen = _with_confirmation(store, _of_trials(store, study), url)
    else:
        seen = _of_trials(store, study)
    return replace(seen, store_option=store_option(url))


def _of_trials(store: Store, study: StudyRecord) -> StudyState:
    """Return the progress of a study, without other studies that belong to it."""
    running = _with_runs(store, study, {TrialState.LAUNCHING, TrialState.RUNNING})
    heading = read_heading(store.summary(study.id))
    states, is_check = by_word(store.counts(study.id)), study.kind.is_check
    return StudyState(
        study=study,
        states=states,
        verdicts={} if is_check else by_word(store.verdict_counts(study.id)),
        checks=_checks(states) if is_check else {},
        outdated=0 if is_check else store.count_outdated(study.id),
        running=running,
        failed=_with_runs(store, study, FAILED),
        progress={trial.number: text for trial, _ in running if (text := _how_far(store, study, trial))},
        answer=heading.answer,
        symptoms=heading.base.symptoms,
        is_over=_is_over(study),
    )


def _checks(states: Mapping[str, int]) -> dict[str, int]:
    """Return the number of done and of failed trials of a check; 0 is left out."""
    done = states.get(TrialState.COMPLETED, 0)
    failed = sum(states.get(state, 0) for state in FAILED)
    return {word: count for word, count in (("done", done), ("failed", failed)) if count}


def _with_confirmation(store: Store, search: StudyState, url: str) -> StudyState:
    """Return the progress of a learning-rate range together with the study that confirms its suggestion."""
    confirm = store.find_study(confirm_study(search.study.name))
    if search.study.status != "ended":
        return search
    if confirm is None:
        if not search.is_over or not _suggests(store, search.study):
            return search
        begun = f"{confirm_study(search.study.name)}: not started"
        return replace(search, study=replace(search.study, status="interrupted"), stages=(search.line(), begun))
    part = read_study_state(store, confirm.name, url)
    return replace(
        search,
        study=replace(search.study, status=part.study.status),
        states=_added((search.states, part.states)),
        verdicts=part.verdicts,
        outdated=part.outdated,
        running=part.running,
        failed=(*search.failed, *part.failed),
        progress=part.progress,
        is_over=search.is_over and part.is_over,
        stages=(search.line(), part.line()),
    )


def _suggests(store: Store, search: StudyRecord) -> bool:
    """Return whether a study suggests overrides, which can be confirmed."""
    return bool(read_heading(store.summary(search.id)).recommended.overrides)


def _of_stages(store: Store, study: StudyRecord, url: str) -> StudyState:
    """Return the progress of a study that consists of stages, with the trials of all stages."""
    names = [stage_study(study.name, stage) for stage in study.stages]
    begun = {record.name for record in store.studies()}
    parts = [read_study_state(store, name, url) for name in names if name in begun]
    latest = parts[-1] if parts else None
    return StudyState(
        study=study,
        states=_added(part.states for part in parts),
        verdicts=_added(part.verdicts for part in parts),
        outdated=sum(part.outdated for part in parts),
        checks=_added(part.checks for part in parts),
        running=latest.running if latest else (),
        failed=tuple(trial for part in parts for trial in part.failed),
        progress=latest.progress if latest else {},
        answer=read_heading(store.summary(study.id)).answer,
        is_over=_is_over(study),
        symptoms=next((part.symptoms for part in parts if part.symptoms), ()),
        stages=tuple(line for part in parts for line in part.lines()),
    )


def _is_over(study: StudyRecord) -> bool:
    """Return whether a study is over: an orchestrator records the end first, then writes reports and frees its lock."""
    lock = lock_of(study)
    return study.status != "running" and (lock is None or lock.holder() is None)


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)


def _with_runs(store: Store, study: StudyRecord, states: Collection[TrialState]) -> Listed:
    found = [(trial, store.latest_run(trial.id)) for trial in store.trials(study.id, states)]
    return tuple((t, run and replace(run, dir=str(run_folder(store, t).path))) for t, run in found)


def _how_far(store: Store, study: StudyRecord, trial: TrialRecord) -> str:
    """Return the last step and value of the target's metric, empty if it has not been logged yet."""
    metric = study.target.metric
    series = store.series(trial.id, [metric]).get(metric) if metric else None
    if series is None or not len(series):
        return ""
    return f"step {int(series.steps[-1]):,}, {metric} {number_text(float(series.values[-1]))}"
