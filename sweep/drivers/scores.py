"""What a sampler learns of a trial: a finite score, the step at which it was cut short, or nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from sweep.domain.enums import StrEnum
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict

_LARGEST = 1e100
"""Scores are limited to this, so that no sampler's sum or square of them overflows to inf."""


class ScoreKind(StrEnum):
    """What Optuna is told of a trial."""

    VALUE = "value"  # a finite value
    DIVERGED = "diverged"  # worse than any value: told as the penalty
    CUT_SHORT = "cut_short"  # pruned or timed out: told with the last value it had, if any
    NO_EVIDENCE = "no_evidence"  # crashed, lost, cancelled, nothing logged: says nothing of the point


@dataclass(frozen=True, slots=True)
class Score:
    """One trial, or one point over its seeds. `value` is finite, or None if the kind has none."""

    kind: ScoreKind
    value: float | None = None
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How outcomes become scores: by steps to target (`tau`), or `best` or `final` of the target's metric."""

    objective: str
    target: Target

    @property
    def mode(self) -> Mode:
        """Which way is better: fewer steps, or the target's own mode."""
        return Mode.MIN if self.objective == "tau" else self.target.mode

    def score(self, outcome: Outcome) -> Score:
        """Return the score of one trial. Divergence counts whatever the state; a crash is not evidence."""
        if outcome.verdict is Verdict.DIVERGED:
            return Score(ScoreKind.DIVERGED)
        if outcome.state in (TrialState.PRUNED, TrialState.TIMED_OUT):
            return Score(ScoreKind.CUT_SHORT, self.intermediate(outcome.final), outcome.steps)
        value = self._value(outcome)
        if not outcome.is_evidence or value is None:
            return Score(ScoreKind.NO_EVIDENCE)
        return Score(ScoreKind.VALUE, value)

    def intermediate(self, metric: float | None) -> float | None:
        """Return a running trial's metric as a pruner compares it, None if it is not finite.

        Steps to target are not known before the end: with `tau` trials are pruned by the metric, turned so that less is
        better.
        """
        value = clip(metric)
        if value is not None and self.mode is not self.target.mode:
            return -value
        return value

    def _value(self, outcome: Outcome) -> float | None:
        if self.objective == "tau":
            missed = float(self.target.budget_steps)  # as everywhere: a miss is censored at the budget
            return missed if outcome.tau is None else min(float(outcome.tau), missed)
        return clip(outcome.best if self.objective == "best" else outcome.final)


def combine(scores: Sequence[Score], penalty: float) -> Score:
    """Return one score for a point tried on several seeds: the median, a diverged seed counting as `penalty`.

    Seeds that were cut short or are no evidence are left out; a point with more than half of the others diverged is
    diverged.
    """
    if len(scores) == 1:
        return scores[0]
    told = [s for s in scores if s.kind in (ScoreKind.DIVERGED, ScoreKind.VALUE)]
    if not told:
        return Score(ScoreKind.NO_EVIDENCE)
    if sum(s.kind is ScoreKind.DIVERGED for s in told) * 2 > len(told):
        return Score(ScoreKind.DIVERGED)
    return Score(ScoreKind.VALUE, median(penalty if s.value is None else s.value for s in told))


class Penalty:
    """The value told for a diverged trial: worse than every finite value seen, and finite.

    For `tau` it is twice the budget. For a metric it lies as far beyond the worst value seen as that lies from the
    best (but a thousandth of it at least): on the metric's own scale, so that no model of the values is flattened.
    """

    def __init__(self, scoring: Scoring) -> None:
        self._fixed = 2.0 * scoring.target.budget_steps if scoring.objective == "tau" else None
        self._sign = 1.0 if scoring.mode is Mode.MIN else -1.0
        self._range: tuple[float, float] | None = None  # best and worst seen, as costs: less is better
        self._cost = 1.0  # with nothing seen any number does: all diverged trials tie

    @property
    def value(self) -> float:
        """The penalty as it stands."""
        return self._sign * self._cost if self._fixed is None else self._fixed

    def is_moved_by(self, value: float) -> bool:
        """Record a finite value; return whether the penalty had to change to stay worse than every value seen."""
        if self._fixed is not None:
            return False
        cost = self._sign * value
        first = self._range is None
        best, worst = self._range or (cost, cost)
        self._range = best, worst = min(best, cost), max(worst, cost)
        if not first and cost < self._cost:
            return False
        self._cost = worst + (max((worst - best) or abs(worst), abs(worst) * 1e-3) or 1.0)
        return True


def clip(value: float | None) -> float | None:
    """Return `value` limited to what samplers can compute with, None if it is NaN, infinite or missing."""
    if value is None or not math.isfinite(value):
        return None
    return max(-_LARGEST, min(_LARGEST, value))
