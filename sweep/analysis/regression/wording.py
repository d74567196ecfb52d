"""The texts of a task's report: one sentence, and the notes beside it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from sweep.analysis.regression.cusum import IMPROVED_TIMES
from sweep.domain.nights import Baseline, Night
from sweep.domain.plural import count_text, share_text
from sweep.domain.regression import (
    Leaning,
    NumericsStatus,
    RegressionSettings,
    StepsChange,
    TaskReport,
    TaskVerdict,
)


class JudgedNight(Protocol):
    """The part of a judged night that notes use."""

    @property
    def night(self) -> Night:
        """The night."""

    @property
    def repeats(self) -> int:
        """Number of its runs that repeat one counted before."""


def comparison_gap(baseline: Baseline | None, night: Night, settings: RegressionSettings) -> str | None:
    """Return why a night cannot be compared with the baseline; None if it can."""
    if baseline is None:
        return f"no baseline yet (0 of {settings.min_baseline_runs} runs)"
    if baseline.rules_version != night.rules_version:
        return (
            f"the baseline was judged by other rules (version {baseline.rules_version}, these runs by version "
            f"{night.rules_version}): accept it again"
        )
    evidence = [run for run in baseline.runs if run.is_evidence]
    if len(evidence) < settings.min_baseline_runs:
        return f"no baseline yet ({len(evidence)} of {settings.min_baseline_runs} runs)"
    converged = sum(run.converged for run in evidence)
    if converged * 2 <= len(evidence):
        return f"only {converged} of {len(evidence)} baseline runs converged, too few to compare steps to target"
    if night.target != baseline.target:
        return f"the baseline has another target ({baseline.target}, not {night.target}): accept a new one"
    budgets = {run.budget for run in evidence}
    if not {run.budget for run in night.runs if run.is_evidence} <= budgets:
        return f"the baseline has another budget ({_numbers(budgets)} steps): accept a new one"
    theirs, ours = baseline.environment.device_class, night.environment.device_class
    if theirs != ours and not settings.compare_other_devices:
        return f"the baseline is from another kind of device ({theirs}, not {ours})"
    return None


def words_of(report: TaskReport, tonight: Night, gap: str | None) -> str:
    """Return the sentence of a task's verdict."""
    seeds = f"{share_text(report.converged, report.trials, 'seed')} converged"
    if report.verdict == TaskVerdict.NOT_RUN:
        if report.alarm is not None and report.trials:
            looks = "broken" if report.alarm.kind == TaskVerdict.BROKEN else "slower"
            size = f" ({seeds})" if looks == "broken" else f" ({change_text(report.change)})" if report.change else ""
            return f"looks {looks}{size}, but no fresh seeds ran to confirm it"
        ended = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in _without_evidence(tonight))
        return f"no run has a verdict: {ended}" if ended else "nothing ran"
    if report.verdict == TaskVerdict.NO_BASELINE:
        return gap or "no baseline yet"
    alarm, figures = report.alarm, report.baseline
    if report.verdict == TaskVerdict.BROKEN and alarm is not None and figures is not None:
        proof = f"{alarm.fresh_converged} of {alarm.fresh} fresh seeds converged"
        return (
            f"{seeds} (baseline: {figures.converged} of {figures.runs}), since {alarm.since}, confirmed: {proof}"
            f" (p = {alarm.p_value:.2g})"
        )
    if report.verdict == TaskVerdict.SLOWER and alarm is not None:
        return (
            f"{change_text(report.change)}, since {alarm.since}, confirmed on {alarm.fresh} fresh seeds"
            f" (p = {alarm.p_value:.2g})"
        )
    if report.verdict == TaskVerdict.NUMERICS_CHANGED and report.numerics is not None:
        return f"{report.numerics.words}; {standing_text(report)}"
    if report.verdict == TaskVerdict.IMPROVED:
        return f"{change_text(report.change)}; accept a new baseline to keep the new level"
    return standing_text(report)


def standing_text(report: TaskReport) -> str:
    """Return how a task without a confirmed change compares with its baseline.

    An interval that excludes 0 is always reported: as not confirmed, with how near an alarm is.
    """
    seeds = f"{share_text(report.converged, report.trials, 'seed')} converged"
    if report.change is None:
        figures = report.baseline
        if report.trials and not report.converged and figures is not None:
            return f"{seeds} (baseline: {figures.converged} of {figures.runs}), not confirmed"
        return f"{seeds}, nothing new to compare"
    if report.leaning is None:
        return f"{seeds}, {change_text(report.change)}"
    return f"{seeds}, {change_text(report.change)}: {report.leaning} so far, not confirmed{_evidence(report)}"


def _evidence(report: TaskReport) -> str:
    """Return how far the CUSUM has climbed on the side that a task leans to: `: CUSUM 1.57 of 1.62`."""
    alarm = report.alarm
    if report.leaning is Leaning.SLOWER and alarm is not None and alarm.confirmed is False:
        return f" by {count_text(alarm.fresh, 'fresh seed')} (p = {alarm.p_value:.2g})"
    if not report.path:
        return ""
    last = report.path[-1]
    if report.leaning is Leaning.SLOWER:
        return f": CUSUM {last.upper:.2f} of {last.threshold:.2f}"
    return f": CUSUM {last.lower:.2f} of {IMPROVED_TIMES * last.threshold:.2f}"


def change_text(change: StepsChange | None) -> str:
    """Return `steps to target +21 % (+9 to +34 %)`."""
    if change is None:
        return "steps to target not known"
    text = f"steps to target {change.percent:+.0f} % ({change.low:+.0f} to {change.high:+.0f} %)"
    return text.replace("-", "−")


def notes_of(
    report: TaskReport, nights: Sequence[Night], judged: Sequence[JudgedNight], baseline: Baseline | None
) -> tuple[str, ...]:
    """Return the notes beside the sentence."""
    return tuple(_notes(report, nights, judged, baseline))


def _notes(
    report: TaskReport, nights: Sequence[Night], judged: Sequence[JudgedNight], baseline: Baseline | None
) -> Iterator[str]:
    tonight = nights[-1]
    if 0 < report.trials < report.wanted:
        ended = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in _without_evidence(tonight))
        lost = f" ({ended})" if ended else ""
        yield f"{report.trials} of {report.wanted} seeds have a verdict{lost}: less evidence than on a full night"
    alarm = report.alarm
    if alarm is not None and alarm.confirmed is False:
        kind = "fewer seeds converged" if alarm.kind == TaskVerdict.BROKEN else "more steps to target"
        yield f"an alarm ({kind}) was not confirmed on {alarm.fresh} fresh seeds (p = {alarm.p_value:.2g})"
    if report.trials > report.converged and report.change is not None and report.verdict != TaskVerdict.BROKEN:
        missed = report.trials - report.converged
        yield f"{share_text(missed, report.trials, 'seed')} missed the target; a miss counts as two budgets"
    repeats = judged[-1].repeats if judged and judged[-1].night is tonight else 0
    if repeats:
        yield f"{repeats} of {report.trials} runs repeat an earlier one (same seed, same steps) and add no evidence"
    numerics = report.numerics
    if numerics is not None and report.verdict != TaskVerdict.NUMERICS_CHANGED:
        is_still = numerics.status == NumericsStatus.EQUAL and "differ" in numerics.words
        if is_still or numerics.status in (NumericsStatus.CHANGED, NumericsStatus.NOT_DETERMINISTIC):
            yield numerics.words
    if baseline is None or not judged:
        return
    theirs = baseline.environment.device_class
    if theirs != tonight.environment.device_class:
        yield f"compared, as configured, with a baseline from another kind of device ({theirs})"
    since = [night for night in nights if night.at >= baseline.accepted_at]
    if len(since) > len(judged):
        left_out = len(since) - len(judged)
        verb = "was" if left_out == 1 else "were"
        yield f"{count_text(left_out, 'earlier night')} with another target, budget or device {verb} left out"


def _without_evidence(night: Night) -> list[tuple[str, int]]:
    counts = Counter(run.verdict for run in night.runs if not run.is_evidence)
    never = night.wanted - len(night.runs)
    if never > 0 and night.runs:
        counts["not started"] = never
    return counts.most_common()


def _numbers(values: set[int]) -> str:
    return ", ".join(f"{value:,}" for value in sorted(values))
