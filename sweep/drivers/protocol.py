"""What a driver is: it decides what to try next, and learns from the outcomes.

A driver is asked, never named: `DriverSpec` answers what a planner needs to know of a study before anything runs,
`Driver` is then asked for trials. To add one: a file with both, a line in `DRIVERS`, a file in conf/driver/.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeAlias

from sweep.domain.axis import Axis, Cell
from sweep.domain.inert import InertToggle
from sweep.domain.kinds import StudyKind
from sweep.domain.space import Param
from sweep.domain.target import Target
from sweep.domain.trial import Outcome

Designs = Mapping[str, Callable[[Sequence[Axis]], tuple[Cell, ...]]]
"""From a design's name to its cells for given axes; looking up another name raises ConfigError."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trial that the driver wants run: a cell with a seed, to its end or until an optimizer step.

    A run that gets to `until_step` is paused there. Proposed again with a later step, or None, it is continued.
    """

    cell: Cell
    seed: int
    until_step: int | None = None


@dataclass(frozen=True, slots=True)
class Abandon:
    """A paused trial that the driver gives up: its run is ended, without a verdict."""

    cell: Cell
    seed: int


Question: TypeAlias = Proposal | Abandon


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverInput:
    """All that a driver may need of a study; each takes what it uses.

    `settings` is the `driver:` section without the name, as written; `space` what `params:` says to search; `inert` the
    toggles that were left out, with the reason. `can_pause` is whether runs can be paused where they are launched: if
    not, every trial runs to its end, and `until_step` may not be used.
    """

    settings: Mapping[str, object] = field(hash=False)
    axes: tuple[Axis, ...]
    space: tuple[Param, ...]
    target: Target
    seeds: tuple[int, ...]
    designs: Designs = field(hash=False)
    inert: tuple[InertToggle, ...] = ()
    can_pause: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an adaptive study costs, in base-run equivalents (1 is a run of the base over its whole budget)."""

    healthy: float  # the base turns out to converge
    typical: float  # one change repairs it: the median
    none: float  # nothing repairs it: the median
    cap: float  # the study ends here, whatever it knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a driver expects of a study before it has run.

    `trials` is the largest number of trials, None if it is not known; `summary` says in a few words what is tried
    ("30 points · optuna TPESampler"). A driver that decides as it learns names the `candidates` that it may try, and
    the `price`.
    """

    trials: int | None
    summary: str
    candidates: tuple[Cell, ...] = ()
    price: Price | None = None


class DriverSpec(Protocol):
    """One driver for one study: what is known of it before it has been asked for a trial.

    Rules: making one reads and checks the settings, and raises ConfigError that names the key, what is allowed and the
    nearest name. It is made whenever a study is planned or listed, so it imports nothing slow (`build` may).
    """

    kind: ClassVar[StudyKind]
    """What a study with this driver is, as the store keeps it: an ablation or a search."""

    takes_params: ClassVar[bool]
    """Whether `params:` mean something to it."""

    needs_space: ClassVar[bool]
    """Whether it has nothing to do without axes and params. If not, the base alone is a study."""

    def __init__(self, given: DriverInput) -> None: ...

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings as read: what plan.json says of the driver."""
        ...

    @property
    def cells(self) -> tuple[Cell, ...] | None:
        """The cells of a fixed plan, each to be run with all seeds; None if the driver decides as it learns."""
        ...

    def accepts(self, cell: Cell, seed: int) -> bool:
        """Return whether a trial on record belongs to the question as it is asked now.

        Asked of what this driver proposed in earlier sessions, too: trials with seeds that it added belong.
        """
        ...

    def expected(self) -> Expected:
        """Return what the study is expected to take."""
        ...

    def build(self) -> "Driver":
        """Return the driver, to which no trial has been told. Raises ConfigError for a setting that it cannot use."""
        ...


class Driver(Protocol):
    """Ask / tell.

    Rules. A driver is deterministic given its settings and the sequence of calls: no clock, no random state but seeded
    streams. `ask` never blocks. An empty answer while something is out means "wait", an empty answer with nothing out
    means that the driver is done.

    What is out: each (cell, seed) that was proposed or adopted and not told since. Nothing that is out is proposed.
    Each proposal is told exactly once, however its trial ended; a diverged or crashed trial is told like any other. A
    trial that has ended is never proposed again. The seeds of a study are those it begins with: a driver may use
    others, and accepts them again (`DriverSpec.accepts`).

    Parts. A run that has reached its `until_step` is told as an outcome in state `paused`: it stands at `steps`, the
    step really reached, with the verdict so far, and `best` and `final` as far as it got. Then it is not out. It is
    proposed again to continue it, abandoned, or left: what is still paused when the study ends or is stopped has no
    verdict, and is no miss. A run may end before its `until_step`, and is then told as ended. If the process of a
    paused run is lost, the next proposal runs the trial again from its first step; the driver is not told, the steps
    are counted. An abandoned trial is out until it is told as cancelled: that is no miss, and no evidence.

    Resume. Before the first `ask` the driver is told what the study has on record, ends of slices and of trials, in the
    order in which they were recorded; then every trial that is still out is adopted (its run was adopted, or is to be
    launched). What a driver asks next is a function of its settings and of what it was told alone: a study that is cut
    anywhere asks on as if it had not been.
    """

    @property
    def prunes(self) -> bool:
        """Whether it may give up running trials."""
        ...

    @property
    def pauses(self) -> bool:
        """Whether it may be told parts of trials. If not, paused trials on record are continued to their end."""
        ...

    def ask(self, count: int) -> "Sequence[Question]":
        """Return up to `count` trials to run next, all at once if the plan is fixed, and any number to abandon."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Take in a trial that has ended, or a part of one."""
        ...

    def adopt(self, proposal: Proposal) -> None:
        """Take a trial of an earlier session as proposed and still out: it will be told when it has ended or paused."""
        ...

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:
        """Return whether a running trial, whose target metric is `value` (may be NaN) at `step`, is to be given up.

        Asked of each value that the trial logged, in their order, until one is True or all were shown; then the trial
        is told. So the answers do not depend on how fast a trial is, or how often it is looked at. On resume the values
        of finished trials are shown again, each trial adopted first. A driver with `prunes` False is never asked.
        """
        ...

    def expected_trials(self) -> int | None:
        """Return the total number of trials, None if it is not known yet."""
        ...
