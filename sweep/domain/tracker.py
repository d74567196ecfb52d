"""The tracker that watches a run for its target.

Used on both sides: the trial process feeds it what it logs, to stop early; the judge feeds it the stored series, to get
the verdict. Standard library only; the cost of an update does not depend on the length of the run.
"""

import math
from collections import deque
from collections.abc import Mapping

from sweep.domain.roles import LOSS_NAMES, loss_candidates
from sweep.domain.smoothing import Smoother, is_smoothed
from sweep.domain.states import StopReason
from sweep.domain.target import (
    HOLD_EVALUATIONS,
    HOLD_FRACTION,
    SKILL,
    START_VALUES,
    Divergence,
    Mode,
    Target,
    TargetRule,
    TargetState,
    blow_up_bound,
)

ROUNDING = 1e-3
"""A loss below zero by less than this fraction of its first value counts as zero: rounding."""


class _Watch:
    """One metric compared with its level. A training loss is compared smoothed, anything else as logged."""

    __slots__ = (
        "best", "best_compared", "blown_up", "bound", "broken", "compared", "evaluations", "final", "first", "held_at",
        "is_signed", "level", "lost_at", "met_recently", "mode", "name", "recent", "smoother", "start", "streak",
        "streak_from", "tau",
    )  # fmt: skip

    def __init__(self, name: str, mode: Mode, smoother: Smoother | None) -> None:
        self.name = name
        self.mode = mode
        self.smoother = smoother
        self.first: float | None = None
        self.start: list[float] = []
        self.bound = math.inf  # bound of a blow-up; known after the first values
        self.broken: Divergence | None = None  # the first value that is not finite
        self.blown_up: Divergence | None = None  # the first value above the bound
        self.level: float | None = None  # the level to reach; known after the first value
        self.is_signed = False  # starts at or below zero or has fallen below: half of its first value is meaningless
        self.best: float | None = None
        self.final: float | None = None
        self.compared: float | None = None
        self.best_compared: float | None = None
        self.evaluations = 0
        self.streak = self.streak_from = 0
        self.tau: int | None = None
        self.held_at: int | None = None
        self.lost_at: int | None = None
        self.recent: deque[tuple[int, bool]] = deque()
        self.met_recently = 0

    def take(self, step: int, value: float) -> bool:
        """Check a value for divergence; return whether it is finite."""
        if not math.isfinite(value):
            if self.broken is None:
                self.broken = Divergence(step=step, metric=self.name, value=value, limit=None)
            return False
        if self.first is None:
            self.first = self.best = value
            self.is_signed = value <= 0
        elif value < 0 and value < -ROUNDING * self.first:
            self.is_signed = True
        if len(self.start) < START_VALUES:
            self.start.append(value)
            self.bound = blow_up_bound(self.start)
        if value > self.bound and self.blown_up is None:
            self.blown_up = Divergence(step=step, metric=self.name, value=value, limit=self.bound)
        return True

    def observe(self, step: int, value: float) -> float:
        """Add a finite value and return what is compared with the level."""
        self.evaluations += 1
        self.final = value
        self.best = self._better(self.best, value)
        self.compared = compared = value if self.smoother is None else self.smoother.take(step, value)
        self.best_compared = self._better(self.best_compared, compared)
        return compared

    def _better(self, best: float | None, value: float) -> float:
        if best is None:
            return value
        return max(best, value) if self.mode is Mode.MAX else min(best, value)

    def count(self, step: int, met: bool, target: Target) -> None:
        """Count whether the evaluation at `step` meets the level."""
        if met:
            if not self.streak:
                self.streak_from = step
            self.streak += 1
            if self._is_held(step, target):
                self.lost_at = None
                if self.held_at is None:
                    self.tau, self.held_at = self.streak_from, step
        else:
            if self.held_at is not None and self.lost_at is None:
                self.lost_at = step
            self.streak = 0
        self._remember(step, met, target)

    def _is_held(self, step: int, target: Target) -> bool:
        if target.hold is not None:
            return self.streak >= target.hold
        return self.streak >= HOLD_EVALUATIONS and step - self.streak_from >= HOLD_FRACTION * target.budget_steps

    def _remember(self, step: int, met: bool, target: Target) -> None:
        """Keep the evaluations of the last hold: the shortest tail that could be a held streak."""
        recent = self.recent
        recent.append((step, met))
        self.met_recently += met
        need = target.hold if target.hold is not None else HOLD_EVALUATIONS
        span = 0.0 if target.hold is not None else HOLD_FRACTION * target.budget_steps
        while len(recent) > max(need, 1) and step - recent[1][0] >= span:
            self.met_recently -= recent.popleft()[1]

    def forget(self) -> None:
        """Discard all evaluations that met the level: the level is gone."""
        self.tau = self.held_at = self.lost_at = None
        self.streak = 0

    def is_lost(self) -> bool:
        """Return whether a held target is lost now: fewer than half of the last hold's evaluations meet it."""
        return self.lost_at is not None and 2 * self.met_recently < len(self.recent)


class TargetTracker:
    """Follows what one run logs and decides when it has converged or diverged (docs/method.md).

    One series decides converged: the target's metric, or without a target the loss. Two can end the run as diverged:
    the loss, and the metric if it is not finite. Which series is the loss may depend on what is logged up to the end of
    a step. A divergence of the only candidate stands once its step is over; if a second candidate appears later,
    neither of them can end the run from then on.

    The state is the same for every interleaving of the metrics, provided each metric's own points come in order and
    steps do not decrease. With `stop_early` a run is over at the step of its decision and later points do not count;
    within that step another log may still change the decision, and divergence outweighs convergence.
    """

    def __init__(self, target: Target, facts: Mapping[str, float | str] | None = None) -> None:
        self._target = target
        self._watches: dict[str, _Watch] = {}
        self._only_loss: _Watch | None = None
        self._candidates_of = 0  # number of series from which it was chosen
        self._divergence: Divergence | None = None  # final: its step is over
        self._decision: StopReason | None = None
        self._step: int | None = None
        self._held_by: int | None = None
        self._last_step = 0
        self._entropy: float | None = None
        self._variance: float | None = None
        self._decider = target.named_decider
        self._names = watched_names(target)
        self._mode = target.mode if target.threshold is not None else Mode.MIN
        self.learn(facts or {})

    def learn(self, facts: Mapping[str, float | str]) -> None:
        """Add facts of the task (`Run.describe`); they apply to evaluations from here on."""
        self._entropy = _positive(facts.get("label_entropy"), self._entropy)
        self._variance = _positive(facts.get("target_variance"), self._variance)
        for watch in self._watches.values():
            watch.level = self._level(watch)

    def update(self, step: int, metrics: Mapping[str, float]) -> StopReason | None:
        """Add what was logged at `step`; return CONVERGED or DIVERGED once decided, if the target stops early.

        The decision takes effect with the first log of a later step: until then what is logged may still change it.
        """
        if step != self._step:
            if self._decision is not None:
                return self._decision
            self._divergence = self._diverged()
            self._step = step
        self._last_step = max(self._last_step, step)
        for name, value in metrics.items():
            if name in self._names:
                self._take(step, name, float(value))
        if self._target.stop_early:
            self._decide()
        return self._decision

    def conclude(self) -> None:
        """Note that the run ended by itself.

        If it had fewer evaluations than the hold, the target is held if all of them met it.
        """
        watch = self._watched()
        need = self._target.hold if self._target.hold is not None else HOLD_EVALUATIONS
        if watch is None or watch.held_at is not None or not 0 < watch.evaluations < need:
            return
        if watch.streak == watch.evaluations:
            self._held_by = watch.evaluations
            watch.tau, watch.held_at = watch.streak_from, watch.recent[-1][0]

    def state(self) -> TargetState:
        """Return everything known so far."""
        watch = self._watched()
        lost = watch is not None and watch.is_lost()
        candidates = loss_candidates(self._target, self._watches)
        return TargetState(
            rule=self.rule,
            metric=watch.name if watch else None,
            mode=self._mode,
            level=watch.level if watch else None,
            evaluations=watch.evaluations if watch else 0,
            first=watch.first if watch else None,
            best=watch.best if watch else None,
            final=watch.final if watch else None,
            tau=watch.tau if watch else None,
            held_at=watch.held_at if watch else None,
            lost_at=watch.lost_at if watch and lost else None,
            divergence=self._diverged(),
            last_step=self._last_step,
            loss=candidates[0] if len(candidates) == 1 else None,
            candidates=candidates if len(candidates) > 1 else (),
            held_by=self._held_by,
            is_smoothed=watch is not None and watch.smoother is not None,
            compared=watch.compared if watch else None,
            best_compared=watch.best_compared if watch else None,
        )

    @property
    def rule(self) -> TargetRule:
        """The rule that decides, given the target and the facts so far."""
        if self._target.threshold is not None:
            return TargetRule.TARGET
        if self._entropy is not None:
            return TargetRule.SKILL
        return TargetRule.EXPLAINED_VARIANCE if self._variance is not None else TargetRule.HALF_LOSS

    def _take(self, step: int, name: str, value: float) -> None:
        watch = self._watches.get(name)
        if watch is None:
            smoother = Smoother(self._target.smooth_steps) if is_smoothed(self._target, name) else None
            watch = self._watches[name] = _Watch(name, self._mode, smoother)
        known = watch.first, watch.is_signed
        if not watch.take(step, value):
            return
        if known != (watch.first, watch.is_signed):
            watch.level = self._level(watch)
            if watch.level is None:
                watch.forget()
        if self._decider is None or name == self._decider:
            compared, level = watch.observe(step, value), watch.level
            met = level is not None and (compared >= level if self._mode is Mode.MAX else compared <= level)
            watch.count(step, met, self._target)

    def _diverged(self) -> Divergence | None:
        """Return the first sign of divergence if the present step is over."""
        if self._divergence is not None:
            return self._divergence
        loss, metric = self._loss(), self._watches.get(self._target.metric or "")
        signs = [] if loss is None else [loss.broken, loss.blown_up]
        if metric is not None:
            signs.append(metric.broken)
        found = [sign for sign in signs if sign is not None]
        # Within one step the first metric by name counts for all, so that the order of logging does not matter.
        return min(found, key=lambda sign: (sign.step, sign.metric)) if found else None

    def _decide(self) -> None:
        watch = self._watched()
        if self._diverged() is not None:
            self._decision = StopReason.DIVERGED
        elif watch is not None and watch.held_at is not None:
            self._decision = StopReason.CONVERGED
        else:
            self._decision = None

    def _watched(self) -> _Watch | None:
        return self._loss() if self._decider is None else self._watches.get(self._decider)

    def _loss(self) -> _Watch | None:
        if len(self._watches) != self._candidates_of:  # series only come in; this is asked at each step
            self._candidates_of = len(self._watches)
            candidates = loss_candidates(self._target, self._watches)
            self._only_loss = self._watches[candidates[0]] if len(candidates) == 1 else None
        return self._only_loss

    def _level(self, watch: _Watch) -> float | None:
        rule = self.rule
        if rule is TargetRule.TARGET:
            return self._target.threshold
        if rule is TargetRule.SKILL and self._entropy is not None:
            return (1.0 - SKILL) * self._entropy
        if rule is TargetRule.EXPLAINED_VARIANCE and self._variance is not None:
            return (1.0 - SKILL) * self._variance
        # Half of a loss is meaningless if it is below zero at some point: the rule then never decides.
        return SKILL * watch.first if watch.first is not None and not watch.is_signed else None


def watched_names(target: Target) -> frozenset[str]:
    """Return the names of the series that can decide anything."""
    named = target.named_loss
    losses = LOSS_NAMES if named is None else (named,)
    return frozenset(name for name in (target.metric, target.named_decider, *losses) if name is not None)


def _positive(value: float | str | None, otherwise: float | None) -> float | None:
    """Return `value` if it is a finite number above zero, else `otherwise`."""
    if isinstance(value, int | float) and math.isfinite(value) and value > 0:
        return float(value)
    return otherwise
