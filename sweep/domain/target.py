"""The target: what "converged" means in one study, and what can be known of a run on its way there (docs/method.md).

Standard library only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sweep.domain.words import StrEnum

EMA_DECAY = 0.98
"""Decay per optimizer step of the smoothed loss."""
BLOW_UP = 1e3
"""A loss above this many times its first value has diverged."""
SKILL = 0.5
"""Skill, explained variance, or relative fall of the loss that counts as converged where no target is given."""
HOLD_EVALUATIONS = 3
HOLD_FRACTION = 0.05
"""Without `hold`, a target is held over at least 3 evaluations that span at least 5 % of the budget."""
LOSS_PREFERENCE = ("val/loss", "train/loss", "loss")
"""Where no target is given the first of these that is logged is watched, else the loss that was logged first."""


class Mode(StrEnum):
    """Which way is better."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a trial must reach, and with how much.

    `threshold` None means that no target was given: TargetRule says what applies. `hold` is a number of evaluations,
    None for the default: at least 3 evaluations and at least 5 % of the budget. `budget_steps` is in optimizer steps.
    """

    metric: str | None
    mode: Mode
    threshold: float | None
    hold: int | None
    budget_steps: int
    stop_early: bool

    def to_mapping(self) -> dict[str, Any]:
        """Return the target as plain data, as spec.json holds it; `from_mapping` reads it back."""
        return {**asdict(self), "mode": str(self.mode)}

    @classmethod
    def from_mapping(cls, items: Mapping[str, Any]) -> "Target":
        """Return the target that `to_mapping` wrote. Raises KeyError, ValueError."""
        return cls(
            metric=items["metric"],
            mode=Mode(items["mode"]),
            threshold=None if items["threshold"] is None else float(items["threshold"]),
            hold=None if items["hold"] is None else int(items["hold"]),
            budget_steps=int(items["budget_steps"]),
            stop_early=bool(items["stop_early"]),
        )


class TargetRule(StrEnum):
    """Which rule of docs/method.md decides."""

    TARGET = "target"  # a metric and a threshold were given
    SKILL = "skill"  # 1 - loss / label entropy >= 0.5
    EXPLAINED_VARIANCE = "explained_variance"  # 1 - MSE / target variance >= 0.5
    HALF_LOSS = "half_loss"  # loss <= 0.5 x its first value


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first sign of divergence: a non-finite value, or a loss above 1e3 x its first (`limit` is that bound)."""

    step: int
    metric: str
    value: float
    limit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """What a tracker knows so far. All steps are optimizer steps.

    `metric` is the one watched, None while no usable one was logged; `level` the value it has to reach, None where it
    has none yet. `tau` is where the first held streak began and `held_at` where its hold was complete; both None for
    a miss. `lost_at` is where the last held streak broke, None unless the target is lost at the end of what was seen:
    fewer than half of the last hold's evaluations meet it. `best` and `final` are raw finite values of `metric`.
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
