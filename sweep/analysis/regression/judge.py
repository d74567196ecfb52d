"""From a baseline and the nights of a task to the report on that task."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt
from statistics import fmean, median, stdev

from scipy.special import stdtrit

from sweep.analysis.regression.changepoints import change_points
from sweep.analysis.regression.cusum import Figures, Watch, advance, held
from sweep.analysis.regression.numerics import compare_numerics
from sweep.analysis.regression.reference import Reference, log_tau, reference_of, with_nights
from sweep.analysis.regression.wording import comparison_gap, notes_of, words_of
from sweep.domain.nights import Baseline, Environment, Night, NightRun
from sweep.domain.regression import (
    Alarm,
    BaselineFigures,
    ChangePoint,
    CusumPoint,
    NightPoint,
    Numerics,
    NumericsStatus,
    RegressionSettings,
    StepsChange,
    TaskReport,
    TaskVerdict,
)
from sweep.domain.suspects import suspects


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A night that counts, and the state after it. `figures` is None if the night added no evidence."""

    night: Night
    figures: Figures | None
    watch: Watch
    repeats: int


def judge_task(
    task: str, baseline: Baseline | None, nights: Sequence[Night], settings: RegressionSettings
) -> TaskReport:
    """Return the report on a task after the last of `nights`, which hold its whole history in any order.

    If the report `needs_confirmation`, run fresh seeds, put them into the night's `confirmation` and judge again.
    The same nights give the same report; the order of seeds within a night does not matter. Raises ValueError if
    `nights` is empty.
    """
    if not nights:
        raise ValueError(f"{task}: no night to judge")
    ordered = sorted(nights, key=lambda night: (night.at, night.name))
    tonight = ordered[-1]
    gap = comparison_gap(baseline, tonight, settings)
    judged: list[Judged] = []
    reference = None
    if baseline is not None and gap is None:
        reference = _reference(baseline, settings)
        judged = _folded(baseline, reference, ordered, settings)
    numerics = compare_numerics(tonight, ordered[:-1], baseline)
    report = _report(task, baseline, reference, ordered, judged, numerics, gap)
    report = replace(report, words=words_of(report, tonight, gap), notes=notes_of(report, ordered, judged, baseline))
    return replace(report, history=_history(ordered, judged, report.verdict))


def _reference(baseline: Baseline, settings: RegressionSettings) -> Reference:
    runs = [run for run in baseline.runs if run.is_evidence]
    found = reference_of([log_tau(run) for run in runs], [not run.converged for run in runs], settings.min_cv)
    assert found is not None, "comparison_gap rejects a baseline that mostly misses"
    return found


def _folded(
    baseline: Baseline, reference: Reference, nights: Sequence[Night], settings: RegressionSettings
) -> list[Judged]:
    """Return the nights since the baseline that can be compared with it, each with the state after it."""
    seen = {(run.seed, run.tau) for run in baseline.runs if run.is_evidence}
    watch, found = Watch(), []
    for night in nights:
        if night.at < baseline.accepted_at or comparison_gap(baseline, night, settings) is not None:
            continue
        evidence = [run for run in night.runs if run.is_evidence]
        fresh = [run for run in night.confirmation if run.is_evidence]
        # The same seed with the same steps is the same draw again, so it adds no evidence.
        new = [run for run in evidence if (run.seed, run.tau) not in seen]
        seen |= {(run.seed, run.tau) for run in (*evidence, *fresh)}
        figures = _figures(new, fresh if 2 * len(fresh) > settings.confirm_seeds else [])
        watch = advance(watch, figures, reference, settings) if figures else held(watch)
        found.append(Judged(night=night, figures=figures, watch=watch, repeats=len(evidence) - len(new)))
    return found


def _figures(runs: Sequence[NightRun], fresh: Sequence[NightRun]) -> Figures | None:
    """Return the numbers of a night, sorted, so that the order of its seeds cannot matter; None without a run."""
    if not runs:
        return None
    return Figures(
        values=tuple(sorted(log_tau(run) for run in runs)),
        missed=sum(not run.converged for run in runs),
        fresh=tuple(sorted(log_tau(run) for run in fresh)),
        fresh_missed=sum(not run.converged for run in fresh),
    )


def _report(
    task: str,
    baseline: Baseline | None,
    reference: Reference | None,
    ordered: Sequence[Night],
    judged: Sequence[Judged],
    numerics: Numerics,
    gap: str | None,
) -> TaskReport:
    """Return the report without words, notes and history."""
    tonight = ordered[-1]
    evidence = [run for run in tonight.runs if run.is_evidence]
    last = judged[-1] if judged and judged[-1].night is tonight else None
    verdict = _verdict(evidence, last, numerics, gap)
    report = TaskReport(
        task=task,
        verdict=verdict,
        words="",
        night=tonight.name,
        converged=sum(run.converged for run in evidence),
        trials=len(evidence),
        wanted=tonight.wanted,
        numerics=numerics,
        change_points=_change_points(ordered),
    )
    if baseline is not None and reference is not None and last is not None:
        report = replace(
            report,
            needs_confirmation=last.watch.is_asking and not tonight.confirmation,
            change=_change(baseline, reference, judged),
            path=tuple(_point(item) for item in judged),
            threshold=last.watch.threshold or None,
            alarm=_alarm(judged),
            baseline=_baseline_figures(baseline, reference, last.watch),
        )
    if verdict not in (TaskVerdict.OK, TaskVerdict.IMPROVED, TaskVerdict.NO_BASELINE):
        good, environment = _last_good(report, ordered, judged, baseline)
        if environment is not None:
            report = replace(report, good_night=good, suspects=suspects(environment, tonight.environment))
    return report


def _verdict(evidence: Sequence[NightRun], last: Judged | None, numerics: Numerics, gap: str | None) -> TaskVerdict:
    if not evidence:
        return TaskVerdict.NOT_RUN
    if gap is not None or last is None:
        return TaskVerdict.NO_BASELINE
    if last.watch.verdict in (TaskVerdict.SLOWER, TaskVerdict.BROKEN, TaskVerdict.NOT_RUN):
        return last.watch.verdict
    if numerics.status == NumericsStatus.CHANGED:
        return TaskVerdict.NUMERICS_CHANGED
    return last.watch.verdict


def _point(item: Judged) -> CusumPoint:
    watch, runs = item.watch, len(item.figures.values) if item.figures else 0
    return CusumPoint(
        night=item.night.name,
        z=watch.z,
        upper=watch.peak if runs else watch.upper,
        lower=watch.lower,
        slack=watch.slack,
        threshold=watch.threshold,
        runs=runs,
        is_alarm=watch.is_crossed,
        confirmed=watch.confirmed,
    )


def _alarm(judged: Sequence[Judged]) -> Alarm | None:
    """Return the active alarm, with its confirmation; else the one checked tonight, or to be checked."""
    watch = judged[-1].watch
    if watch.alarm is None and watch.confirmed is None and not watch.is_asking:
        return None
    item = judged[-1]
    if watch.alarm is not None and watch.confirmed is None:
        item = next(it for it in reversed(judged) if it.watch.confirmed)
    figures = item.figures
    start = watch.alarm_since if watch.alarm is not None else item.watch.climb_since
    return Alarm(
        kind=watch.alarm or watch.asked or TaskVerdict.SLOWER,
        since=judged[start if start is not None else len(judged) - 1].night.name,
        confirmed=item.watch.confirmed,
        p_value=item.watch.p_value,
        fresh=len(figures.fresh) if figures else 0,
        fresh_converged=len(figures.fresh) - figures.fresh_missed if figures else 0,
    )


def _change(baseline: Baseline, reference: Reference, judged: Sequence[Judged]) -> StepsChange | None:
    """Return the change over the alarm's nights and their fresh seeds, else over tonight; None if all runs missed."""
    watch = judged[-1].watch
    start = watch.alarm_since if watch.alarm is not None else watch.climb_since if watch.is_asking else None
    used = judged[start:] if start is not None else judged[-1:]
    values = [value for item in used if item.figures for value in (*item.figures.values, *item.figures.fresh)]
    if all(item.figures is None or item.figures.missed == len(item.figures.values) for item in used):
        return None  # "+512 %" would only show how large the budget is
    accepted = [log_tau(run) for run in baseline.runs if run.is_evidence]
    now = with_nights(reference, watch.squares, watch.df)
    spread = now.spread if reference.can_pool else max(now.spread, stdev(accepted))
    shift = fmean(values) - fmean(accepted)
    half = float(stdtrit(now.df, 0.975)) * spread * sqrt(1 / len(values) + 1 / len(accepted))
    low, middle, high = (100 * (exp(x) - 1) for x in (shift - half, shift, shift + half))
    return StepsChange(percent=middle, low=low, high=high, nights=sum(item.figures is not None for item in used))


def _baseline_figures(baseline: Baseline, reference: Reference, watch: Watch) -> BaselineFigures:
    now = with_nights(reference, watch.squares, watch.df)
    half = float(stdtrit(now.df, 0.975)) * now.spread * sqrt(1 + 1 / now.runs)
    values = [log_tau(run) for run in baseline.runs if run.is_evidence]
    return BaselineFigures(
        runs=reference.runs,
        converged=reference.converged,
        median=exp(median(values)),
        low=exp(reference.center - half),
        high=exp(reference.center + half),
        cv=now.cv,
        accepted_at=baseline.accepted_at,
        device=baseline.environment.device_class,
    )


def _change_points(nights: Sequence[Night]) -> tuple[ChangePoint, ...]:
    """Return the lasting changes over all nights with the last one's target, rules and budgets; needs no baseline."""
    tonight = nights[-1]
    budgets = {run.budget for run in tonight.runs}
    series = []
    for night in nights:
        evidence = [run for run in night.runs if run.is_evidence]
        is_alike = (night.target, night.rules_version) == (tonight.target, tonight.rules_version)
        if evidence and is_alike and (not budgets or {run.budget for run in evidence} <= budgets):
            series.append((night.name, fmean(sorted(log_tau(run) for run in evidence))))
    found = change_points([value for _, value in series])
    return tuple(ChangePoint(night=series[at][0], percent=percent, p_value=p) for at, percent, p in found)


def _last_good(
    report: TaskReport, ordered: Sequence[Night], judged: Sequence[Judged], baseline: Baseline | None
) -> tuple[str | None, Environment | None]:
    """Return (name, environment) of the last good night before the reported change, else of the baseline."""
    names = [night.name for night in ordered]
    if report.verdict == TaskVerdict.NUMERICS_CHANGED and report.numerics is not None:
        since = names.index(report.numerics.against) + 1 if report.numerics.against in names else 0
    else:
        since = names.index(report.alarm.since if report.alarm is not None else report.night)
    state = {item.night.name: item for item in judged}
    for night in reversed(ordered[:since]):
        item = state.get(night.name)
        if item is None and judged and baseline is not None and night.at >= baseline.accepted_at:
            continue  # not comparable: another target, budget or device
        is_good = any(run.converged for run in night.runs)
        if is_good and (item is None or item.watch.verdict in (TaskVerdict.OK, TaskVerdict.IMPROVED)):
            if item is None and baseline is not None and judged:
                break  # this night is older than the baseline
            return night.name, night.environment
    return ("baseline", baseline.environment) if baseline is not None else (None, None)


def _history(ordered: Sequence[Night], judged: Sequence[Judged], verdict: TaskVerdict) -> tuple[NightPoint, ...]:
    states = {item.night.name: item.watch.verdict for item in judged}
    points = []
    for night in ordered:
        evidence = [run for run in night.runs if run.is_evidence]
        state = verdict if night is ordered[-1] else states.get(night.name)
        points.append(
            NightPoint(
                night=night.name,
                taus=tuple(sorted(run.tau for run in evidence if run.converged and run.tau is not None)),
                missed=sum(not run.converged for run in evidence),
                without_evidence=max(night.wanted, len(night.runs)) - len(evidence),
                verdict="" if state is None else str(state if evidence else TaskVerdict.NOT_RUN),
                counted=night.name in states,
            )
        )
    return tuple(points)
