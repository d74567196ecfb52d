"""summary.json of a night: everything the other files show, as plain data (docs/regression.md has the keys)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sweep.domain.counts import count_text
from sweep.domain.regression import FAILURES, Leaning, TaskReport, TaskVerdict, exit_code_of
from sweep.report.phrases import joined

SCHEMA = 1
ORDER = tuple(
    TaskVerdict(word) for word in ("broken", "slower", "not_run", "numerics_changed", "improved", "no_baseline", "ok")
)
"""What needs a person first."""


def regression_summary(
    reports: Sequence[TaskReport],
    *,
    night: str,
    at: datetime,
    command: Sequence[str],
    provenance: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the summary of a night over its tasks: what needs a person first, tasks of one verdict by name."""
    ordered = sorted(reports, key=lambda report: (ORDER.index(report.verdict), report.task))
    counts = Counter(str(report.verdict) for report in ordered)
    return {
        "schema": SCHEMA,
        "kind": "regression",
        "night": night,
        "at": at.isoformat(),
        "command": list(command),
        "answer": _answer(ordered),
        "exit_code": exit_code_of(report.verdict for report in ordered),
        "counts": {str(verdict): counts.get(verdict, 0) for verdict in TaskVerdict},
        "notes": list(notes),
        "tasks": [_task(report) for report in ordered],
        "provenance": dict(provenance),
    }


def verdict_word(verdict: str) -> str:
    """Return a verdict as a reader sees it: `numerics changed`."""
    return verdict.replace("_", " ")


def is_quiet(task: Mapping[str, Any]) -> bool:
    """Return whether a task's row in the table says all: nothing is noted of it, and it leans to neither side."""
    is_plain = task["verdict"] in (TaskVerdict.OK, TaskVerdict.NO_BASELINE)
    return is_plain and not task["notes"] and task["so_far"] is None


def change_cell(task: Mapping[str, Any]) -> str:
    """Return `+21 % (+9 to +34)`, or nothing where there is no change to tell."""
    change = task["change"]
    if change is None:
        return ""
    low, high = change["interval"]
    return f"{_signed(change['percent'])} % ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    return f"{value:+.0f}".replace("-", "−")


def _answer(reports: Sequence[TaskReport]) -> str:
    """Return the night in a sentence or two."""
    if not reports:
        return "No task was asked for."
    bad = [report for report in reports if report.verdict in FAILURES]
    counts = Counter(report.verdict for report in reports if report.verdict not in FAILURES)
    others = ", ".join(f"{counts[verdict]} {verdict_word(verdict)}" for verdict in ORDER if counts[verdict])
    so_far = _so_far(reports)
    if not bad:
        sure = "confirmed " if so_far else ""
        return f"No {sure}regression in {count_text(len(reports), 'task')}: {others}.{so_far}"
    named = [f"{report.task} ({verdict_word(report.verdict)})" for report in bad]
    verb = "task regressed" if len(bad) == 1 else "tasks regressed"
    rest = f" The others: {others}." if others else ""
    return f"{len(bad)} of {len(reports)} {verb}: {_some(named)}.{rest}{so_far}"


def _so_far(reports: Sequence[TaskReport]) -> str:
    """Return the sentence on tasks that are slower by their interval, short of an alarm; empty if there are none."""
    slower = [report for report in reports if report.leaning is Leaning.SLOWER]
    named = [f"{report.task} ({_signed(report.change.percent)} %)" for report in slower if report.change is not None]
    return f" Slower so far, not confirmed: {_some(named)}." if named else ""


def _some(named: Sequence[str]) -> str:
    return joined(named if len(named) <= 5 else [*named[:5], f"{len(named) - 5} more"], "and")


def _task(report: TaskReport) -> dict[str, Any]:
    change, figures = report.change, report.baseline
    last = report.path[-1] if report.path else None
    return {
        "task": report.task,
        "verdict": str(report.verdict),
        "so_far": None if report.leaning is None else str(report.leaning),
        "words": report.words,
        "notes": list(report.notes),
        "night": report.night,
        "converged": report.converged,
        "trials": report.trials,
        "wanted": report.wanted,
        "change": None
        if change is None
        else {"percent": change.percent, "interval": [change.low, change.high], "nights": change.nights},
        "alarm": None if report.alarm is None else {**asdict(report.alarm), "kind": str(report.alarm.kind)},
        "numerics": None
        if report.numerics is None
        else {**asdict(report.numerics), "status": str(report.numerics.status)},
        "baseline": None
        if figures is None
        else {
            "runs": figures.runs,
            "converged": figures.converged,
            "median_steps_to_target": figures.median,
            "interval": [figures.low, figures.high],
            "cv": figures.cv,
            "accepted_at": figures.accepted_at.isoformat(),
            "device": figures.device,
        },
        "good_night": report.good_night,
        "suspects": [asdict(suspect) for suspect in report.suspects],
        "threshold": report.threshold,
        "cusum": None if last is None else {"upper": last.upper, "lower": last.lower, "z": last.z},
        "path": [asdict(point) for point in report.path],
        "nights": [{**asdict(point), "taus": list(point.taus)} for point in report.history],
        "change_points": [asdict(point) for point in report.change_points],
    }
