"""What "converged" means in a study, and what is known about a run on its way there (docs/method.md)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sweep.domain.enums import StrEnum
from sweep.domain.json_form import from_json
from sweep.domain.metric_names import is_loss

SMOOTH_STEPS = 34.0
SMOOTH_FRACTION = 0.02
"""Half-life of the smoothed training loss without `smooth`: 34 optimizer steps, at most this fraction of the budget."""
BLOW_UP = 1e3
"""A loss above this many times its size at the start has diverged (`blow_up_bound`)."""
SKILL = 0.5
"""Skill, explained variance, or relative fall of the loss that counts as converged if no target is given."""
HOLD_EVALUATIONS = 3
HOLD_FRACTION = 0.05
"""Without `hold`, a target is held over at least 3 evaluations that span at least 5 % of the budget."""
START_VALUES = 5
"""Number of values at the start of a loss whose median size sets the bound for a blow-up."""


OPEN_STEPS = 10**9
"""The budget, in steps, of a study whose program's length is not known yet."""


class Mode(StrEnum):
    """Which way is better."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a trial must reach, and within which budget.

    `threshold` None means that no target is given; TargetRule then says which rule applies. `hold` is a number of
    evaluations, None for the default: at least 3 evaluations and at least 5 % of the budget. `budget_steps` is in
    optimizer steps. `loss` names the training loss; None finds it among what is logged. `smooth` is the half-life of
    its smoothing in optimizer steps, None for the default, 0 for none.
    """

    metric: str | None
    mode: Mode
    threshold: float | None
    hold: int | None
    budget_steps: int
    stop_early: bool
    loss: str | None = None
    smooth: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the budget is the length of a program that has not run yet."""
        return self.budget_steps == OPEN_STEPS

    @property
    def smooth_steps(self) -> float:
        """Half-life, in optimizer steps, of the smoothing of a training loss before the comparison; 0 is off."""
        return min(SMOOTH_STEPS, SMOOTH_FRACTION * self.budget_steps) if self.smooth is None else self.smooth

    @property
    def is_metric_loss(self) -> bool:
        """Whether the metric is a loss: it is the one in `loss`, or looks like one by its name and mode."""
        return self.metric is not None and (
            self.metric == self.loss or (self.mode is Mode.MIN and is_loss(self.metric))
        )

    @property
    def named_loss(self) -> str | None:
        """The series that may end a run as diverged, None if that depends on what is logged (sweep.domain.roles)."""
        return self.loss or (self.metric if self.is_metric_loss else None)

    @property
    def named_decider(self) -> str | None:
        """The series that decides whether the target is met, None if that is the loss, which is not named."""
        return self.metric if self.threshold is not None or self.is_metric_loss else self.loss

    def to_mapping(self) -> dict[str, object]:
        """Return the target as plain data, as spec.json holds it; `from_mapping` reads it back."""
        return {**asdict(self), "mode": str(self.mode)}

    @classmethod
    def from_mapping(cls, items: Mapping[str, object]) -> "Target":
        """Return the target that `to_mapping` wrote; keys that older versions did not write get their default.

        Raises ValueError, naming the key, for anything else.
        """
        return from_json(cls, items)


class TargetRule(StrEnum):
    """Which rule of docs/method.md decides."""

    TARGET = "target"  # a metric and a threshold were given
    SKILL = "skill"  # 1 - loss / label entropy >= 0.5
    EXPLAINED_VARIANCE = "explained_variance"  # 1 - MSE / target variance >= 0.5
    HALF_LOSS = "half_loss"  # loss <= 0.5 x its first value


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first sign of divergence: a non-finite value, or a loss above its blow-up bound (`limit`)."""

    step: int
    metric: str
    value: float
    limit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """What a tracker knows so far. All steps are optimizer steps.

    `metric` is the watched one, None until a usable one is logged; `level` is the value to reach, None until known.
    `tau` is the first step of the first held streak and `held_at` the step at which its hold was complete; both None
    for a miss. `lost_at` is where the last held streak broke, None unless the target is lost at the end: fewer than
    half of the last hold's evaluations meet it. `best` and `final` are raw finite values of `metric`. `compared` and
    `best_compared` are the last and the best of the values compared with the level: smoothed values of `metric` if
    `is_smoothed`.

    `held_by` is the number of evaluations of a whole run that held the target with fewer evaluations than the hold.

    `loss` is the series that may end the run as diverged, None if there is none. `candidates` are the series that could
    be the loss; if there are several, none of them is.
    """

    rule: TargetRule
    metric: str | None
    mode: Mode
    level: float | None
    evaluations: int
    first: float | None
    best: float | None
    final: float | None
    tau: int | None
    held_at: int | None
    lost_at: int | None
    divergence: Divergence | None
    last_step: int
    loss: str | None = None
    candidates: tuple[str, ...] = ()
    held_by: int | None = None
    is_smoothed: bool = False
    compared: float | None = None
    best_compared: float | None = None


def blow_up_bound(start: Sequence[float]) -> float:
    """Return the bound above which a loss has blown up, given its first finite values, at most START_VALUES of them.

    It is BLOW_UP times the loss's size at its start; inf if fewer than START_VALUES are known, or all are zero.
    """
    size = start_size(start) if len(start) >= START_VALUES else 0.0
    return BLOW_UP * size if size > 0 else math.inf


def start_size(values: Sequence[float]) -> float:
    """Return the size of a loss at its start: the larger of its first value and the median of the first sizes.

    A first value near zero, as in a warm-up or when parts cancel out, is not a measure. Needs at least one value.
    """
    sizes = sorted(abs(value) for value in values[:START_VALUES])
    return max(values[0], sizes[len(sizes) // 2])
