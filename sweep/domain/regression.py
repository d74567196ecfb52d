"""Nightly regression: what is said of a task on a night. Judged in analysis/regression, shown by report/."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sweep.domain.words import StrEnum


class TaskVerdict(StrEnum):
    """What is said of a task on a night. Public: these words are in summary.json and junit.xml."""

    OK = "ok"  # nothing that the evidence tells from the baseline
    IMPROVED = "improved"  # reaches its target in fewer steps; never an alarm
    SLOWER = "slower"  # reaches its target later, confirmed on fresh seeds
    BROKEN = "broken"  # converges on fewer seeds than the baseline allows, confirmed on fresh seeds
    NUMERICS_CHANGED = "numerics_changed"  # the same seed gives other losses than before; fails nothing
    NO_BASELINE = "no_baseline"  # nothing to compare with (yet); fails nothing
    NOT_RUN = "not_run"  # no run has a verdict, or an alarm could not be checked on fresh seeds


class Leaning(StrEnum):
    """A difference from the baseline that its interval shows and the CUSUM has not confirmed. Fails nothing."""

    SLOWER = "slower"  # more steps to target: the interval lies above 0
    FASTER = "faster"  # fewer: it lies below 0


FAILURES = frozenset({TaskVerdict.SLOWER, TaskVerdict.BROKEN})
"""Verdicts that are a regression: exit code 3."""


class NumericsStatus(StrEnum):
    """What the loss hashes of fixed seeds say, against the last ones from the same kind of machine."""

    EQUAL = "equal"  # bitwise the same losses
    CHANGED = "changed"  # other losses than last time
    NOT_DETERMINISTIC = "not_deterministic"  # the baseline's own runs differ: nothing can be said
    NOT_COMPARED = "not_compared"  # no hash tonight, or none from such a machine before


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionSettings:
    """How nights are judged. `tasks` is how many are watched together; the rest is docs/regression.md's.

    `slack` and `threshold` are the CUSUM's k and h in standard deviations of a night's mean, for one task and a
    baseline known exactly; `per_doubling` is added to h for each doubling of the tasks. `min_baseline_runs` in runs,
    `confirm_seeds` in fresh seeds, `min_cv` the smallest spread between seeds that is believed.
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
    """One thing that differs from the last good night: `what` is git, package, python, host, device, ..."""

    what: str
    name: str
    before: str
    now: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CusumPoint:
    """One night of a CUSUM: `z` is the night's mean of log steps-to-target in standard deviations of such a mean.

    `upper` rises where the task gets slower, `lower` where it gets faster; an alarm is where one reaches its
    `threshold`. `is_alarm` is the upper side's, `confirmed` what the fresh seeds said (None: not asked, or not run).
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
    """Change of steps-to-target against the baseline in percent, with its 95 % interval; misses count as 2 budgets.

    `nights` says over how many nights it was taken (those since the change set in, else the last).
    """

    percent: float
    low: float
    high: float
    nights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFigures:
    """The baseline in figures. `median` and the band (where 95 % of single runs lie) in steps, `cv` as it is used."""

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
    """One night as the chart shows it. `taus` are the steps of its converged runs, `missed` those that did not."""

    night: str
    taus: tuple[int, ...]
    missed: int
    without_evidence: int
    verdict: str  # "" for nights that were not judged (before the baseline, or not comparable)
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """A lasting change in the series of nights: `night` is the first of the new level, `percent` the steps' change."""

    night: str
    percent: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm that is on, or was checked tonight. `kind` is `slower` or `broken`; `since` the first night of it.

    `confirmed` is what the fresh seeds said: None while they did not run. `p_value` is theirs.
    """

    kind: TaskVerdict
    since: str
    confirmed: bool | None
    p_value: float | None
    fresh: int
    fresh_converged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """What the fixed-seed losses say. `against` names the night (or `baseline`) they were compared with."""

    status: NumericsStatus
    against: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """All that is said of one task on one night. `needs_confirmation` asks for runs on fresh seeds, and judging again.

    `words` is one sentence, `notes` what has to be known beside it. `suspects` are what differs from `good_night`.
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
        """Where steps to target differ from the baseline's by their interval, and no verdict reports that."""
        if self.change is None or self.verdict not in (TaskVerdict.OK, TaskVerdict.NUMERICS_CHANGED):
            return None
        if self.change.low > 0:
            return Leaning.SLOWER
        return Leaning.FASTER if self.change.high < 0 else None


def exit_code_of(verdicts: Iterable[TaskVerdict]) -> int:
    """Return the exit code of a night: 3 where a task regressed, else 1 where one could not be judged, else 0."""
    found = set(verdicts)
    return 3 if found & FAILURES else 1 if TaskVerdict.NOT_RUN in found else 0
