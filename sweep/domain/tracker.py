"""The tracker that watches a run for its target.

One tracker serves both sides: the trial process feeds it what it logs and stops early by it, the judge feeds it the
stored series and takes the verdict from it. Standard library only; an update costs the same however long the run is.
"""

import math
from collections import deque
from collections.abc import Mapping

from sweep.domain.names import is_loss
from sweep.domain.states import StopReason
from sweep.domain.target import (
    BLOW_UP,
    EMA_DECAY,
    HOLD_EVALUATIONS,
    HOLD_FRACTION,
    LOSS_PREFERENCE,
    SKILL,
    Divergence,
    Mode,
    Target,
    TargetRule,
    TargetState,
)


class _Watch:
    """One metric followed against its level. A loss is compared smoothed, anything else as logged."""

    __slots__ = (
        "best", "bound", "evaluations", "final", "first", "first_step", "held_at", "level", "lost_at", "met_recently",
        "mode", "name", "prev_step", "recent", "smooth", "streak", "streak_from", "tau", "weight", "weighted",
    )  # fmt: skip

    def __init__(self, name: str, step: int, mode: Mode) -> None:
        self.name = name
        self.mode = mode
        self.smooth = is_loss(name)
        self.first_step = step
        self.prev_step = step - 1
        self.first: float | None = None
        self.bound = math.inf  # above it a loss has blown up; set by its first value
        self.level: float | None = None  # what it has to reach; known from its first value on
        self.best: float | None = None
        self.final: float | None = None
        self.evaluations = 0
        self.weighted = self.weight = 0.0
        self.streak = self.streak_from = 0
        self.tau: int | None = None
        self.held_at: int | None = None
        self.lost_at: int | None = None
        self.recent: deque[tuple[int, bool]] = deque()
        self.met_recently = 0

    def open(self, value: float) -> None:
        """Take in the first finite value: it sets the bound above which a loss has blown up."""
        self.first = self.best = value
        if self.smooth and value > 0:
            self.bound = BLOW_UP * value

    def observe(self, step: int, value: float) -> float:
        """Take in a finite value and return what is compared with the level."""
        self.evaluations += 1
        self.final = value
        if self.best is None or (value > self.best if self.mode is Mode.MAX else value < self.best):
            self.best = value
        if not self.smooth:
            return value
        gap = step - self.prev_step
        self.prev_step = step
        decay = EMA_DECAY**gap if gap > 1 else EMA_DECAY
        self.weighted = decay * self.weighted + (1.0 - decay) * value
        self.weight = decay * self.weight + (1.0 - decay)
        return self.weighted / self.weight

    def count(self, step: int, met: bool, target: Target) -> None:
        """Take in whether the evaluation at `step` meets the level."""
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

    def is_lost(self) -> bool:
        """Return whether a held target is lost now: fewer than half of the last hold's evaluations meet it."""
        return self.lost_at is not None and 2 * self.met_recently < len(self.recent)


class TargetTracker:
    """Follows what one run logs and says when it has converged or diverged (docs/method.md).

    The same state comes out for every interleaving of the metrics as long as each metric's own points come in order
    and steps do not decrease. With `stop_early` a run is over at the step of its decision: later points count for
    nothing; at that very step divergence outweighs convergence.
    """

    def __init__(self, target: Target, facts: Mapping[str, float | str] | None = None) -> None:
        self._target = target
        self._watches: dict[str, _Watch] = {}
        self._divergence: Divergence | None = None
        self._decision: StopReason | None = None
        self._decided_at = 0
        self._last_step = 0
        self._entropy: float | None = None
        self._variance: float | None = None
        # The metric is fixed where the user named one that the rule can use; otherwise it depends on what is logged.
        named = target.metric
        self._fixed = named if named and (target.threshold is not None or is_loss(named)) else None
        self._mode = target.mode if target.threshold is not None else Mode.MIN
        self.learn(facts or {})

    def learn(self, facts: Mapping[str, float | str]) -> None:
        """Take in facts of the task (`Run.describe`); they count for evaluations from here on."""
        self._entropy = _positive(facts.get("label_entropy"), self._entropy)
        self._variance = _positive(facts.get("target_variance"), self._variance)
        for watch in self._watches.values():
            watch.level = self._level(watch)

    def update(self, step: int, metrics: Mapping[str, float]) -> StopReason | None:
        """Take in what was logged at `step`; return CONVERGED or DIVERGED once decided and the target stops early."""
        self._last_step = max(self._last_step, step)
        if self._decision is not None and step != self._decided_at:
            return self._decision
        for name, value in metrics.items():
            self._take(step, name, float(value))
        if self._target.stop_early:
            self._decide(step)
        return self._decision

    def state(self) -> TargetState:
        """Return all that is known so far."""
        watch = self._watched()
        lost = watch is not None and watch.is_lost()
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
            divergence=self._divergence,
            last_step=self._last_step,
        )

    @property
    def rule(self) -> TargetRule:
        """The rule that decides, given the target and the facts learned so far."""
        if self._target.threshold is not None:
            return TargetRule.TARGET
        if self._entropy is not None:
            return TargetRule.SKILL
        return TargetRule.EXPLAINED_VARIANCE if self._variance is not None else TargetRule.HALF_LOSS

    def _take(self, step: int, name: str, value: float) -> None:
        watch = self._watches.get(name)
        if watch is None:
            if not (is_loss(name) or name == self._fixed):
                return
            watch = self._watches[name] = _Watch(name, step, self._mode)
        if not math.isfinite(value):
            self._diverge(step, name, value, None)
            return
        if watch.first is None:
            watch.open(value)
            watch.level = self._level(watch)
        if value > watch.bound:
            self._diverge(step, name, value, watch.bound)
        if self._fixed is None or name == self._fixed:
            compared, level = watch.observe(step, value), watch.level
            met = level is not None and (compared >= level if self._mode is Mode.MAX else compared <= level)
            watch.count(step, met, self._target)

    def _diverge(self, step: int, name: str, value: float, limit: float | None) -> None:
        old = self._divergence
        # Within one step the metric first by name stands for all, so that the order of logging does not matter.
        if old is None or (step, name) < (old.step, old.metric):
            self._divergence = Divergence(step=step, metric=name, value=value, limit=limit)

    def _decide(self, step: int) -> None:
        # Reached again within the deciding step: what else was logged at it may still change the answer.
        watch = self._watched()
        self._decided_at = step
        if self._divergence is not None:
            self._decision = StopReason.DIVERGED
        elif watch is not None and watch.held_at is not None:
            self._decision = StopReason.CONVERGED
        else:
            self._decision = None

    def _watched(self) -> _Watch | None:
        if self._fixed is not None:
            return self._watches.get(self._fixed)
        for name in LOSS_PREFERENCE:
            if name in self._watches:
                return self._watches[name]
        return min(self._watches.values(), key=lambda w: (w.first_step, w.name), default=None)

    def _level(self, watch: _Watch) -> float | None:
        rule = self.rule
        if rule is TargetRule.TARGET:
            return self._target.threshold
        if rule is TargetRule.SKILL and self._entropy is not None:
            return (1.0 - SKILL) * self._entropy
        if rule is TargetRule.EXPLAINED_VARIANCE and self._variance is not None:
            return (1.0 - SKILL) * self._variance
        # A loss that starts at or below zero has no half: the rule then never decides.
        return SKILL * watch.first if watch.first is not None and watch.first > 0 else None


def _positive(value: float | str | None, otherwise: float | None) -> float | None:
    """Return `value` where it is a finite number above zero, else `otherwise`."""
    if isinstance(value, int | float) and math.isfinite(value) and value > 0:
        return float(value)
    return otherwise
