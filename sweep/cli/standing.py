"""How far a study is, as the store and its lock say: what `status` shows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.cli.output import plain
from sweep.cli.shared import as_it_stands, chosen_study, lock_of
from sweep.domain.states import TrialState
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord
from sweep.report.listing import render_status, status_line
from sweep.report.phrases import number_text
from sweep.store import Store
from sweep.study.stages import stage_study

SHOWN_FAILED = 10
"""So many failed trials are listed."""

Listed = tuple[tuple[TrialRecord, RunRecord | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a study is. `progress` says, by trial number, how far a running trial has come.

    Of a study made of stages, trials are those of all its stages; `stages` says of each how far it is.
    `symptoms` are those of the base, as the study's summary has them.
    """

    study: StudyRecord
    states: Mapping[str, int]
    verdicts: Mapping[str, int]
    running: Listed
    failed: Listed
    progress: Mapping[int, str] = field(default_factory=dict)
    answer: str = ""
    symptoms: tuple[Mapping[str, Any], ...] = ()
    is_over: bool = False
    stages: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "study": self.study.name,
            "status": self.study.status,
            "states": dict(self.states),
            "verdicts": dict(self.verdicts),
            "symptoms": [dict(symptom) for symptom in self.symptoms],
            "running": [{**plain(trial), "run": plain(run)} for trial, run in self.running],
            "failed": [{**plain(trial), "run": plain(run)} for trial, run in self.failed],
            "stages": list(self.stages),
        }

    def rendered(self) -> RenderableType:
        """Return it as a terminal shows it."""
        failed = self.failed[:SHOWN_FAILED]
        known = self.study, self.states, self.verdicts, self.running, failed, self.progress
        shown = render_status(*known, seen=self.symptoms)
        return Group(shown, *(Text(f"  {line}", style="dim") for line in self.stages))


def read_standing(store: Store, name: str | None) -> Standing:
    """Return how far a study is, the latest where none is named. Raises NotFoundError."""
    recorded = chosen_study(store, name)
    study = as_it_stands(recorded)
    if study.config.get("stages"):
        return _of_stages(store, study)
    running = _with_runs(store, study, {TrialState.LAUNCHING, TrialState.RUNNING})
    summary = store.summary(study.id) or {}
    return Standing(
        study=study,
        states=plain(store.counts(study.id)),
        verdicts=plain(store.verdict_counts(study.id)),
        running=running,
        failed=_with_runs(store, study, {TrialState.FAILED, TrialState.LOST, TrialState.TIMED_OUT}),
        progress={trial.number: text for trial, _ in running if (text := _how_far(store, study, trial))},
        answer=str(summary.get("answer", "")),
        symptoms=tuple(summary.get("base", {}).get("symptoms", ())),
        is_over=_is_over(study),
    )


def _of_stages(store: Store, study: StudyRecord) -> Standing:
    """Return how far a study made of stages is: the trials of all stages together, those under way as they stand."""
    names = [stage_study(study.name, str(stage)) for stage in study.config["stages"]]
    begun = {record.name for record in store.studies()}
    parts = [read_standing(store, name) for name in names if name in begun]
    latest = parts[-1] if parts else None
    return Standing(
        study=study,
        states=_added(part.states for part in parts),
        verdicts=_added(part.verdicts for part in parts),
        running=latest.running if latest else (),
        failed=tuple(trial for part in parts for trial in part.failed),
        progress=latest.progress if latest else {},
        answer=str((store.summary(study.id) or {}).get("answer", "")),
        is_over=_is_over(study),
        symptoms=next((part.symptoms for part in parts if part.symptoms), ()),
        stages=tuple(status_line(part.study, part.states, part.verdicts) for part in parts),
    )


def _is_over(study: StudyRecord) -> bool:
    """Return whether a study is done: a driver says "ended" first, then writes its reports under its lock."""
    lock = lock_of(study)
    return study.status != "running" and (lock is None or lock.holder() is None)


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)


def _with_runs(store: Store, study: StudyRecord, states: set[TrialState]) -> Listed:
    return tuple((trial, store.latest_run(trial.id)) for trial in store.trials(study.id, states))


def _how_far(store: Store, study: StudyRecord, trial: TrialRecord) -> str:
    """Return the last step and value of the target's metric, empty where it has not been logged yet."""
    metric = study.config["converge"].get("metric")
    series = store.series(trial.id, [metric]).get(metric) if metric else None
    if series is None or not len(series):
        return ""
    return f"step {int(series.steps[-1]):,}, {metric} {number_text(float(series.values[-1]))}"
