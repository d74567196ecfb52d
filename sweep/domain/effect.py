"""Effects, repairs and the ranking: the findings of a study, as data. Computed in analysis/, shown by report/."""

from dataclasses import dataclass

from sweep.domain.adaptive import AdaptiveFindings
from sweep.domain.axis import Cell, Toggle
from sweep.domain.effect_status import NOT_RUN_YET as NOT_RUN_YET
from sweep.domain.effect_status import EffectStatus as EffectStatus
from sweep.domain.effect_status import Question as Question
from sweep.domain.effect_status import together as together
from sweep.domain.inventory import Suggestion
from sweep.domain.verdict import Symptom


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """`converged` of `trials`, with the Jeffreys 95 % interval of the probability; mean is the posterior mean."""

    converged: int
    trials: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsToTarget:
    """Steps to target of a cell compared with the base's; misses are censored at the budget.

    `median` and `base_median` are Kaplan-Meier medians in steps, None if fewer than half converged. `saved` is the
    seed-stratified difference of restricted means (base - toggle) in steps, `p_value` its permutation test.
    """

    median: float | None
    base_median: float | None
    saved: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The effect of one toggle compared with the base.

    `rank` starts at 1 and is shared by ties. `p_value` is exact and unadjusted, `p_adjusted` adjusted by Holm over the
    toggles of the study; `test` names the test. `more_seeds` is the number of further seeds that would decide if they
    had the same outcomes, None if none is needed or no number would do. `necessity` counts the outcomes of cells that
    lack only this toggle of a larger repair, or of all changes together; None if the design has no such cells. For the
    question `restore`, the toggle is needed if few of them converged. `diverged` counts the toggle's own diverged
    trials; `makes_diverge` is whether the toggle is the cause. `is_open`: none of its own trials has ended yet.
    `where` names the lines of a script that it acts on: `Dropout(p=0.95) at train.py:23`; empty for a task function.
    """

    toggle: Toggle
    rank: int
    status: EffectStatus
    sufficiency: Proportion
    necessity: Proportion | None
    p_value: float | None
    p_adjusted: float | None
    test: str
    steps_to_target: StepsToTarget
    more_seeds: int | None
    seeds: tuple[int, ...]
    note: str = ""
    overrides: tuple[str, ...] = ()
    diverged: int = 0
    makes_diverge: bool = False
    is_open: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A minimal set of toggles that restores convergence (for the question `break`: that breaks it)."""

    toggles: tuple[Toggle, ...]
    outcome: Proportion
    p_value: float | None
    verified: bool
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """The effect of a pair beyond the sum of its parts: a difference of convergence proportions, with its seeds."""

    toggles: tuple[Toggle, Toggle]
    value: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSummary:
    """All trials of one cell together."""

    cell: Cell
    outcome: Proportion
    verdicts: tuple[tuple[str, int], ...]  # (verdict or failure class, count), most frequent first
    median_tau: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSummary:
    """How the base did: `verdict` is the most frequent one of its trials.

    `exceptions` are sentences about what only a minority of its seeds showed, such as a NaN in one of three.
    """

    seeds: int
    converged: int
    verdict: str
    symptoms: tuple[Symptom, ...]
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Cost of a study. A base-run equivalent is the number of steps of one full base run (the budget).

    `trials` is the number of ended trials, including reused ones; `planned` also counts those that are running or have
    not run. `steps` sums all runs so far.
    """

    trials: int
    planned: int
    steps: int
    base_run_equivalents: float
    wall_s: float
    reused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPoint:
    """One point of a search: a trial, with the overrides that make its cell from the base."""

    number: int
    cell: Cell
    seed: int
    verdict: str
    tau: int | None
    best: float | None
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The recommended overrides (may be empty), those that tie with them, and why they come first.

    `reason` is empty if there are no alternatives, or if they tie.
    """

    overrides: tuple[str, ...] = ()
    ties: tuple[tuple[str, ...], ...] = ()
    reason: str = ""


NO_CHOICE = Choice()
"""Nothing is recommended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The answer of a study. `effects` are ordered by rank, `repairs` by probability, `cells` base first."""

    question: Question
    base: BaseSummary
    effects: tuple[Effect, ...]
    repairs: tuple[Repair, ...]
    interactions: tuple[Interaction, ...]
    cells: tuple[CellSummary, ...]
    cost: Cost
    answer: str  # one sentence that says what to do
    notes: tuple[str, ...] = ()
    recommended: tuple[str, ...] = ()  # overrides of the recommended repair, empty without one
    ties: tuple[tuple[str, ...], ...] = ()  # overrides of the repairs that tie with the recommended one
    choice_reason: str = ""  # why it is recommended before the others, empty if they tie
    searched: tuple[SearchedPoint, ...] = ()  # the best points of a search over params, best first
    adaptive: AdaptiveFindings | None = None  # further results of an adaptive driver
    suggestion: Suggestion | None = None  # the recommended repair as a change of a script's files

    @property
    def choice(self) -> Choice:
        """What is recommended."""
        return Choice(overrides=self.recommended, ties=self.ties, reason=self.choice_reason)

    @property
    def base_cell(self) -> CellSummary | None:
        """All trials of the base, None if the design has none."""
        return next((cell for cell in self.cells if cell.cell.is_base), None)

    @property
    def base_trials(self) -> int:
        """The number of the base's trials with a verdict."""
        return self.base.seeds if self.base_cell is None else self.base_cell.outcome.trials

    @property
    def is_judged(self) -> bool:
        """Whether a trial has a verdict."""
        return any(cell.outcome.trials for cell in self.cells)
