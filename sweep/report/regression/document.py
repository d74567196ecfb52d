"""summary.json of a night as a value: all files of a night are made from it (docs/regression.md has the keys)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sweep.domain.json_form import Json, to_json
from sweep.domain.plural import count_text
from sweep.domain.regression import (
    FAILURES,
    URGENCY,
    Alarm,
    BaselineFigures,
    ChangePoint,
    CusumPoint,
    Leaning,
    NightPoint,
    NightResult,
    Numerics,
    StepsChange,
    Suspect,
    TaskReport,
    TaskVerdict,
)
from sweep.report.phrases import joined

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDocument:
    """The change of steps to target against the baseline in percent, with its 95 % interval."""

    percent: float
    interval: tuple[float, float]
    nights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineDocument:
    """The accepted baseline in figures: 95 % of its single runs lie in `interval`, in steps."""

    runs: int
    converged: int
    median_steps_to_target: float
    interval: tuple[float, float]
    cv: float
    accepted_at: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CusumDocument:
    """The CUSUM after the last night."""

    upper: float
    lower: float
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDocument:
    """One task on this night. `nights` is its history, `path` the CUSUM over it."""

    task: str
    verdict: TaskVerdict
    so_far: Leaning | None
    words: str
    notes: tuple[str, ...]
    night: str
    converged: int
    trials: int
    wanted: int
    change: ChangeDocument | None
    alarm: Alarm | None
    numerics: Numerics | None
    baseline: BaselineDocument | None
    good_night: str | None
    suspects: tuple[Suspect, ...]
    threshold: float | None
    cusum: CusumDocument | None
    path: tuple[CusumPoint, ...]
    nights: tuple[NightPoint, ...]
    change_points: tuple[ChangePoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightDocument:
    """summary.json of a night: tasks that need attention first, those with the same verdict by name."""

    schema: int = SCHEMA
    kind: str = "regression"
    night: str
    at: str
    command: tuple[str, ...]
    answer: str
    exit_code: int
    counts: Mapping[str, int] = field(hash=False)
    notes: tuple[str, ...]
    tasks: tuple[TaskDocument, ...]
    provenance: Mapping[str, Json] = field(hash=False)


def night_document(
    result: NightResult, *, at: datetime, command: Sequence[str], provenance: Mapping[str, object]
) -> NightDocument:
    """Return the document of a night."""
    counts = Counter(str(report.verdict) for report in result.reports)
    return NightDocument(
        night=result.night,
        at=at.isoformat(),
        command=tuple(command),
        answer=_answer(result.reports),
        exit_code=result.exit_code,
        counts={str(verdict): counts.get(verdict, 0) for verdict in TaskVerdict},
        notes=result.notes,
        tasks=tuple(_task(report) for report in result.reports),
        provenance={str(key): to_json(value) for key, value in provenance.items()},
    )


def verdict_word(verdict: str) -> str:
    """Return a verdict as a reader sees it: `numerics changed`."""
    return verdict.replace("_", " ")


def is_quiet(task: TaskDocument) -> bool:
    """Return whether a task's row in the table is enough: it has no notes, and is neither slower nor faster so far."""
    is_plain = task.verdict in (TaskVerdict.OK, TaskVerdict.NO_BASELINE)
    return is_plain and not task.notes and task.so_far is None


def change_cell(task: TaskDocument) -> str:
    """Return `+21 % (+9 to +34)`, or "" without a change to report."""
    change = task.change
    if change is None:
        return ""
    low, high = change.interval
    return f"{_signed(change.percent)} % ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    return f"{value:+.0f}".replace("-", "−")


def _answer(reports: Sequence[TaskReport]) -> str:
    """Return the answer of a night in a sentence or two."""
    if not reports:
        return "No task was selected."
    bad = [report for report in reports if report.verdict in FAILURES]
    counts = Counter(report.verdict for report in reports if report.verdict not in FAILURES)
    others = ", ".join(f"{counts[verdict]} {verdict_word(verdict)}" for verdict in URGENCY if counts[verdict])
    so_far = _so_far(reports)
    if not bad:
        sure = "confirmed " if so_far else ""
        return f"No {sure}regression in {count_text(len(reports), 'task')}: {others}.{so_far}"
    named = [f"{report.task} ({verdict_word(report.verdict)})" for report in bad]
    verb = "task regressed" if len(bad) == 1 else "tasks regressed"
    rest = f" The others: {others}." if others else ""
    return f"{len(bad)} of {len(reports)} {verb}: {_some(named)}.{rest}{so_far}"


def _so_far(reports: Sequence[TaskReport]) -> str:
    """Return the sentence on tasks that are slower by their interval, without an alarm; empty if there are none."""
    slower = [report for report in reports if report.leaning is Leaning.SLOWER]
    named = [f"{report.task} ({_signed(report.change.percent)} %)" for report in slower if report.change is not None]
    return f" Slower so far, not confirmed: {_some(named)}." if named else ""


def _some(named: Sequence[str]) -> str:
    return joined(named if len(named) <= 5 else [*named[:5], f"{len(named) - 5} more"], "and")


def _task(report: TaskReport) -> TaskDocument:
    last = report.path[-1] if report.path else None
    return TaskDocument(
        task=report.task,
        verdict=report.verdict,
        so_far=report.leaning,
        words=report.words,
        notes=report.notes,
        night=report.night,
        converged=report.converged,
        trials=report.trials,
        wanted=report.wanted,
        change=_change(report.change),
        alarm=report.alarm,
        numerics=report.numerics,
        baseline=_baseline(report.baseline),
        good_night=report.good_night,
        suspects=report.suspects,
        threshold=report.threshold,
        cusum=None if last is None else CusumDocument(upper=last.upper, lower=last.lower, z=last.z),
        path=report.path,
        nights=report.history,
        change_points=report.change_points,
    )


def _change(change: StepsChange | None) -> ChangeDocument | None:
    if change is None:
        return None
    return ChangeDocument(percent=change.percent, interval=(change.low, change.high), nights=change.nights)


def _baseline(figures: BaselineFigures | None) -> BaselineDocument | None:
    if figures is None:
        return None
    return BaselineDocument(
        runs=figures.runs,
        converged=figures.converged,
        median_steps_to_target=figures.median,
        interval=(figures.low, figures.high),
        cv=figures.cv,
        accepted_at=figures.accepted_at.isoformat(),
        device=figures.device,
    )
