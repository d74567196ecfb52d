"""The overfit gate: has a run overfitted its few samples? One rule for the run, which stops by it, and the report.

Standard library only; the cost of an update does not depend on the length of the run.
"""

import math
import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sweep.domain.enums import StrEnum
from sweep.domain.json_form import OPTIONAL
from sweep.domain.metric_names import WATCH, is_loss
from sweep.domain.roles import LOSS_NAMES
from sweep.domain.target import Target

ACCURACY_WORDS = frozenset({"acc", "accuracy", "top1"})
ERROR_WORDS = frozenset({"err", "error", "errors"})
HELD = 3
"""Number of consecutive evaluations, or logged losses, that count if a single one may be chance."""
HALF = 0.5
"""Without errors, and with a training loss of at most this fraction of its first, the samples are learnt. Two
classes guessed at random are all right once in a thousand evaluations of ten samples; the loss is then still at
its start."""
LOSS_PREFERENCE = (*LOSS_NAMES, "val/loss")
"""If the loss is not named, the first of these that is logged counts, else the first logged series named like a
loss."""


class Side(Enum):
    """The value of a metric at which every sample is right."""

    ONE = 1.0  # an accuracy
    ZERO = 0.0  # an error


def side_of(name: str) -> Side | None:
    """Return what a metric with this name counts: right samples, wrong ones, or neither (None)."""
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    if words & {"mse", "squared", "absolute", "mae", "loss"}:
        return None
    return Side.ONE if words & ACCURACY_WORDS else Side.ZERO if words & ERROR_WORDS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """The state of the gate. Steps are optimizer steps.

    `metric` decides: an accuracy or an error if one is logged, else the loss; None until a usable one is logged.
    `is_learnt` is the verdict so far; `learnt_at` the step at which the rule was first met; `bad_step` the first step
    with a value that is not finite. `loss_part` is the last loss (the mean of HELD) as a fraction of the first, None
    without a loss.
    """

    is_learnt: bool
    learnt_at: int | None
    metric: str | None
    loss: str | None
    first_loss: float | None
    loss_part: float | None
    right: float | None  # share of samples right at the last evaluation, if that is logged
    bad_step: int | None
    last_step: int


class OverfitGate:
    """Follows what a run logs; `update` returns whether the samples are learnt.

    Classification: no error at an evaluation, with the loss at most HALF of its first; or without a loss HELD
    evaluations without error. If no accuracy or error is logged: the mean of HELD losses at most `loss_fraction` of the
    first. The loss is the one named by the target, else by LOSS_PREFERENCE; only in these two series does a value that
    is not finite count.
    """

    def __init__(self, loss_fraction: float, target: Target) -> None:
        self._fraction = loss_fraction
        self._named = target.loss or (target.metric if target.is_metric_loss else None)
        self._losses: dict[str, tuple[float, deque[float]]] = {}
        self._right: dict[str, deque[float]] = {}
        self._most: dict[str, float] = {}
        self._learnt_at: int | None = None
        self._bad: dict[str, int] = {}  # the first step at which a series was not finite, in the order seen
        self._last_step = 0

    def update(self, step: int, values: Mapping[str, float]) -> bool:
        """Add what was logged at a step; return whether the samples are learnt by now."""
        self._last_step = max(step, self._last_step)
        is_evaluation = False
        for name, value in values.items():
            if name.startswith(WATCH):  # added by the monitor: not a metric of the task
                continue
            side = side_of(name)
            if side is None and not (is_loss(name) or name == self._named):
                continue
            if not math.isfinite(value):
                self._bad.setdefault(name, step)
            elif side is None:
                self._losses.setdefault(name, (value, deque(maxlen=HELD)))[1].append(value)
            else:
                is_evaluation |= name == self._add(name, value, side)
        if self._learnt_at is None and self._bad_step() is None and self._is_met(is_evaluation):
            self._learnt_at = step
        return self._learnt_at is not None

    def state(self) -> GateState:
        """Return everything known so far."""
        loss, part = self._loss()
        metric = self._deciding()
        held = self._right.get(metric or "", deque())
        is_held = len(held) == HELD and min(held) >= 1.0
        return GateState(
            is_learnt=self._bad_step() is None and (self._learnt_at is not None or is_held),
            learnt_at=self._learnt_at,
            metric=metric or loss,
            loss=loss,
            first_loss=self._losses[loss][0] if loss else None,
            loss_part=part,
            right=held[-1] if held else None,
            bad_step=self._bad_step(),
            last_step=self._last_step,
        )

    def _add(self, name: str, value: float, side: Side) -> str | None:
        """Add an accuracy or an error, as a share of samples right; return the deciding metric."""
        self._most[name] = max(value, self._most.get(name, 0.0))
        whole = 100.0 if self._most[name] > 1.0 + 1e-9 else 1.0  # logged in percent
        share = value / whole if side is Side.ONE else 1.0 - value / whole
        self._right.setdefault(name, deque(maxlen=HELD)).append(1.0 if share >= 1.0 - 1e-9 else share)
        return self._deciding()

    def _bad_step(self) -> int | None:
        """Return the first step at which the loss or the deciding metric was not finite, None if there is none."""
        seen = [*self._right, *(name for name in self._bad if side_of(name) is not None)]
        roles = (self._loss_name([*self._losses, *self._bad]), _first(seen))
        return min((self._bad[name] for name in roles if name in self._bad), default=None)

    def _deciding(self) -> str | None:
        return _first(self._right)

    def _loss_name(self, logged: Collection[str]) -> str | None:
        if self._named is not None and self._named in logged:
            return self._named
        losses = (name for name in logged if side_of(name) is None)
        return next((name for name in (*LOSS_PREFERENCE, *losses) if name in logged), None)

    def _loss(self) -> tuple[str | None, float | None]:
        name = self._loss_name(self._losses)
        if name is None:
            return None, None
        first, last = self._losses[name]
        return name, (sum(last) / len(last)) / first if first > 0 and last else None

    def _is_met(self, is_evaluation: bool) -> bool:
        loss, part = self._loss()
        metric = self._deciding()
        if metric is None:
            return (
                loss is not None and part is not None and len(self._losses[loss][1]) == HELD and part <= self._fraction
            )
        held = self._right[metric]
        if not is_evaluation or held[-1] < 1.0:
            return False
        return len(held) == HELD and min(held) >= 1.0 if part is None else part <= HALF


def _first(names: Iterable[str]) -> str | None:
    """Return the deciding accuracy or error: of held-out data before others, then the first by name."""
    return min(names, key=lambda name: (not name.startswith(("val", "eval", "test")), name), default=None)


class GateVerdict(StrEnum):
    """The outcome of a trial of the gate."""

    LEARNT = "learnt"  # every sample right, or the loss low enough
    NOT_LEARNT = "not_learnt"  # not learnt after all steps
    DIVERGED = "diverged"  # a value that is not finite
    ENDED_EARLY = "ended_early"  # the task's training ended by itself before its steps were done: undecided
    NOTHING_LOGGED = "nothing_logged"  # no loss, accuracy or error was logged
    CRASHED = "crashed"  # the task failed on these samples
    NOT_CHECKED = "not_checked"  # the task cannot be trained on a few samples


@dataclass(frozen=True, slots=True, kw_only=True)
class OverfitFindings:
    """What a run of the gate records beside its metrics.

    The overrides `changed` for it, and the `classes` of the `samples` it was trained on (None: it did not get that
    far), for `steps` optimizer steps. `not_checked` says why the gate could not run, empty if it could.
    """

    changed: tuple[str, ...] = ()
    not_checked: str = field(default="", metadata={OPTIONAL: True})
    samples: int | None = None
    classes: tuple[str, ...] = ()
    steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCurve:
    """The finite values of a metric, evenly thinned; `bad_step` is where it was first not finite, None if never."""

    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    bad_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTrial:
    """A trial of the gate. Steps are optimizer steps.

    `why` says how it failed, `note` what is unusual although it learnt; both may be empty. `samples` is their number
    (None: it did not get that far), with their `classes`, and the overrides `changed` for it. The rest is as in
    GateState.
    """

    trial: int
    seed: int
    verdict: GateVerdict
    why: str = ""
    note: str = ""
    samples: int | None = None
    classes: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    learnt_at: int | None = None
    last_step: int = 0
    metric: str | None = None
    right: float | None = None
    loss: str | None = None
    first_loss: float | None = None
    loss_part: float | None = None
    curves: tuple[GateCurve, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverfitReport:
    """The result of the overfit gate: section `overfit` of summary.json.

    `verdict` is over all trials: the first that is not `learnt`. `steps` is the maximum number of steps of a trial;
    `rule` says when the samples count as learnt.
    """

    verdict: GateVerdict
    steps: int = 0
    rule: str = ""
    trials: tuple[GateTrial, ...] = ()
