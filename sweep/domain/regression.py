"""Nightly regression: the verdict on a task's night. Judged in analysis/regression, shown by report/."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sweep.domain.enums import StrEnum


class TaskVerdict(StrEnum):
    """The verdict on a task's night. Public: these words are in summary.json and junit.xml."""

    OK = "ok"  # no evidence of a difference from the baseline
    IMPROVED = "improved"  # reaches the target in fewer steps; never an alarm
    SLOWER = "slower"  # reaches the target later, confirmed on fresh seeds
    BROKEN = "broken"  # converges on fewer seeds than the baseline allows, confirmed on fresh seeds
    NUMERICS_CHANGED = "numerics_changed"  # the same seed gives different losses than before; fails nothing
    NO_BASELINE = "no_baseline"  # nothing to compare with (yet); fails nothing
    NOT_RUN = "not_run"  # no run has a verdict, or an alarm could not be checked on fresh seeds


class Leaning(StrEnum):
    """A difference from the baseline that its interval shows but the CUSUM has not confirmed. Fails nothing."""

    SLOWER = "slower"  # more steps to target: the interval lies above 0
    FASTER = "faster"  # fewer: it lies below 0


URGENCY = tuple(
    TaskVerdict(word) for word in ("broken", "slower", "not_run", "numerics_changed", "improved", "no_baseline", "ok")
)
"""Verdicts in the order in which tasks are listed: those that need attention first."""

FAILURES = frozenset({TaskVerdict.SLOWER, TaskVerdict.BROKEN})
"""Verdicts that are a regression: exit code 3."""


class NumericsStatus(StrEnum):
    """What the loss hashes of fixed seeds say, compared with the last ones from the same kind of machine."""

    EQUAL = "equal"  # bitwise equal losses
    CHANGED = "changed"  # different losses than last time
    NOT_DETERMINISTIC = "not_deterministic"  # the baseline's own runs differ: no conclusion
    NOT_COMPARED = "not_compared"  # no hash tonight, or no earlier one from such a machine


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionSettings:
    """How nights are judged. `tasks` is the number of tasks watched together; docs/regression.md explains the rest.

    `slack` and `threshold` are the CUSUM's k and h in standard deviations of a night's mean, for one task and an
    exactly known baseline; `per_doubling` is added to h for each doubling of the number of tasks. `min_baseline_runs`
    is in runs, `confirm_seeds` in fresh seeds; `min_cv` is the lower bound on the spread between seeds.
    """

    tasks: int = 1
    slack: float = 0.5
    threshold: float = 5.0
    per_doubling: float = 0.7
    min_baseline_runs: int = 10
    confirm_seeds: int = 3
    min_cv: float = 0.03
    compare_other_devices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One difference from the last good night: `what` is git, package, python, host, device, ..."""

    what: str
    name: str
    before: str
    now: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CusumPoint:
    """One night of a CUSUM: `z` is the night's mean of log steps-to-target, in standard deviations of such a mean.

    `upper` rises while the task gets slower, `lower` while it gets faster; an alarm is raised if one reaches its
    `threshold`. `is_alarm` is about the upper side; `confirmed` is the result of the fresh seeds (None: not needed, or
    not run).
    """

    night: str
    z: float
    upper: float
    lower: float
    slack: float
    threshold: float
    runs: int
    is_alarm: bool
    confirmed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsChange:
    """Change of steps to target from the baseline in percent, with its 95 % interval; misses count as 2 budgets.

    `nights` is the number of nights it was measured over (those since the change began, else the last).
    """

    percent: float
    low: float
    high: float
    nights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFigures:
    """The baseline in figures. `median` and the band (95 % of single runs) are in steps; `cv` is the value used."""

    runs: int
    converged: int
    median: float
    low: float
    high: float
    cv: float
    accepted_at: datetime
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPoint:
    """One night as drawn in the chart. `taus` are the steps to target of its converged runs, `missed` counts the
    others."""

    night: str
    taus: tuple[int, ...]
    missed: int
    without_evidence: int
    verdict: str  # "" for nights that were not judged (before the baseline, or not comparable)
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """A lasting change between nights: `night` is the first one at the new level, `percent` the change in steps."""

    night: str
    percent: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm that is active, or was checked tonight. `kind` is `slower` or `broken`; `since` its first night.

    `confirmed` is the result of the fresh seeds, None if they did not run. `p_value` is theirs.
    """

    kind: TaskVerdict
    since: str
    confirmed: bool | None
    p_value: float | None
    fresh: int
    fresh_converged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """The result of the fixed-seed losses. `against` names the night (or `baseline`) they were compared with."""

    status: NumericsStatus
    against: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """The report on one task's night. `needs_confirmation` asks for runs on fresh seeds, and for judging again.

    `words` is one sentence, `notes` are remarks on it. `suspects` are the differences from `good_night`.
    """

    task: str
    verdict: TaskVerdict
    words: str
    night: str
    converged: int
    trials: int
    wanted: int
    needs_confirmation: bool = False
    notes: tuple[str, ...] = ()
    change: StepsChange | None = None
    path: tuple[CusumPoint, ...] = ()
    threshold: float | None = None
    alarm: Alarm | None = None
    numerics: Numerics | None = None
    baseline: BaselineFigures | None = None
    suspects: tuple[Suspect, ...] = ()
    good_night: str | None = None
    history: tuple[NightPoint, ...] = ()
    change_points: tuple[ChangePoint, ...] = ()

    @property
    def leaning(self) -> Leaning | None:
        """A difference in steps to target that the interval shows and no verdict reports."""
        if self.change is None or self.verdict not in (TaskVerdict.OK, TaskVerdict.NUMERICS_CHANGED):
            return None
        if self.change.low > 0:
            return Leaning.SLOWER
        return Leaning.FASTER if self.change.high < 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightResult:
    """The result of a night: a report on each of its tasks, those that need attention first, then by name."""

    night: str
    reports: tuple[TaskReport, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, night: str, reports: Iterable[TaskReport], notes: Iterable[str] = ()) -> "NightResult":
        """Return the result of a night with these reports, in order."""
        ordered = sorted(reports, key=lambda report: (URGENCY.index(report.verdict), report.task))
        return cls(night=night, reports=tuple(ordered), notes=tuple(notes))

    @property
    def exit_code(self) -> int:
        """The exit code that its verdicts give."""
        return exit_code_of(report.verdict for report in self.reports)

    @property
    def is_ok(self) -> bool:
        """Whether no task regressed and all were judged."""
        return self.exit_code == 0


def exit_code_of(verdicts: Iterable[TaskVerdict]) -> int:
    """Return the exit code of a night: 3 if a task regressed, else 1 if one could not be judged, else 0."""
    found = set(verdicts)
    return 3 if found & FAILURES else 1 if TaskVerdict.NOT_RUN in found else 0
