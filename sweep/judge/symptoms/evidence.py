"""What the symptom rules look at: series, facts and thresholds of one run, and the queries that rules share."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH, is_loss, is_validation
from sweep.domain.roles import loss_of, training_loss_of
from sweep.domain.states import StopReason
from sweep.domain.target import Target, TargetState
from sweep.domain.verdict import Symptom
from sweep.judge.thresholds import SymptomThresholds

Floats = NDArray[np.float64]

EMA_DECAY = 0.98
"""Decay per optimizer step of the smoothed loss of the rules; their thresholds were measured with it."""
NOTHING = Series.of([])
BAD = WATCH + "bad/"


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: cached properties
class Evidence:
    """Everything that one run logged and described, and the tracker's state.

    The monitor's series are called `watch/NAME` or `watch/NAME/LAYER`, its facts `watch/NAME`. Without a monitor there
    are none, and the rules about them report nothing.
    """

    series: Mapping[str, Series]
    target: Target
    state: TargetState
    thresholds: SymptomThresholds
    facts: Mapping[str, float | str] = field(default_factory=dict)
    ended: StopReason | None = None

    @property
    def is_watched(self) -> bool:
        """Whether a monitor recorded anything of the run."""
        return any(name.startswith(WATCH) for name in (*self.series, *self.facts))

    @property
    def is_held(self) -> bool:
        """Whether the target was held, and is still met at the end."""
        return self.state.held_at is not None and self.state.lost_at is None

    @property
    def is_broken(self) -> bool:
        """Whether the run diverged, or the monitor saw NaN: everything after that is a consequence."""
        return self.state.divergence is not None or bool(np.isfinite(self.broken_at))

    @cached_property
    def role_names(self) -> tuple[str, ...]:
        """The logged series that decide: the loss, and the target's metric (docs/method.md)."""
        names = (loss_of(self.target, self.series), self.target.metric)
        return tuple(sorted({name for name in names if name is not None and name in self.series}))

    @cached_property
    def losses(self) -> list[tuple[str, Series]]:
        """The finite points of the loss, the training loss, and the metric if it is a loss; by name.

        If none of them was logged, the loss as the monitor saw it. No other series counts, whatever its name.
        """
        names = {loss_of(self.target, self.series), training_loss_of(self.target, self.series)}
        names |= {self.target.metric} if self.target.is_metric_loss else set()
        found = self._points(sorted(name for name in names if name is not None))
        return found or self._points([WATCH + "loss"])

    @cached_property
    def training_loss(self) -> tuple[str, Series] | None:
        """The loss that shows the optimisation; the monitor's if several series could be it."""
        name = training_loss_of(self.target, self.series)
        found = self._points([] if name is None else [name]) or self._points([WATCH + "loss"])
        return found[0] if found else None

    @cached_property
    def validation_loss(self) -> tuple[str, Series] | None:
        """The loss on held-out data: the metric or val/loss, else the first by name."""
        found = self._points([name for name in sorted(self.series) if is_loss(name) and is_validation(name)])
        preferred = (self.target.metric, "val/loss")
        return min(found, key=lambda item: (item[0] != preferred[0], item[0] != preferred[1], item[0]), default=None)

    def _points(self, names: list[str]) -> list[tuple[str, Series]]:
        """Return the finite points of the given series, without empty ones."""
        found = ((name, finite(self.series[name])) for name in names if name in self.series)
        return [(name, series) for name, series in found if len(series)]

    def watched(self, name: str) -> Series:
        """Return the finite points of one of the monitor's series until the run broke; its name is without `watch/`."""
        found = self.series.get(WATCH + name)
        return NOTHING if found is None else before(finite(found), self.broken_at)

    def layers(self, name: str) -> list[tuple[str, Series]]:
        """Return one of the monitor's series for each layer that has it, as logged, in forward order."""
        prefix = f"{WATCH}{name}/"
        found = [(key[len(prefix) :], series) for key, series in self.series.items() if key.startswith(prefix)]
        if not found:
            return []
        place = {layer: at for at, layer in enumerate(self.layer_types)}
        found.sort(key=lambda item: (place.get(item[0], len(place)), item[0]))
        cut = np.inf if name == "bad" else self.broken_at
        whole = ((layer, before(series, cut)) for layer, series in found)
        return [(layer, series) for layer, series in whole if len(series)]

    @cached_property
    def broken_at(self) -> float:
        """The first step at which the loss, the metric or a layer was NaN or infinite, inf if none was.

        What the monitor records from there on is the effect of NaN: all units dead, no gradient.
        """
        losses = [series for name, series in self.series.items() if name in (*self.role_names, WATCH + "loss")]
        bad = [series.steps[~np.isfinite(series.values)] for series in losses]
        bad += [series.steps[series.values > 0] for name, series in self.series.items() if name.startswith(BAD)]
        return min((float(steps.min()) for steps in bad if len(steps)), default=np.inf)

    @cached_property
    def layer_types(self) -> dict[str, str]:
        """The class of each layer by its name, in forward order."""
        listed = self._parsed("layers")
        pairs = listed if isinstance(listed, list) else []
        return {str(item[0]): str(item[1]) for item in pairs if isinstance(item, list) and len(item) >= 2}

    def layer_text(self, layer: str) -> str:
        """Return a layer's name for messages: `layer features.0 (Conv2D)`."""
        kind = self.layer_types.get(layer)
        return f"layer {layer} ({kind})" if kind else f"layer {layer}"

    def text(self, name: str) -> str:
        """Return one of the monitor's facts as text, by its name without `watch/`; empty if missing."""
        return str(self.facts.get(WATCH + name, ""))

    def number(self, name: str) -> float | None:
        """Return one of the monitor's facts as a finite number, None if it is not one."""
        value = self.facts.get(WATCH + name)
        try:
            number = float(value) if value is not None else np.nan
        except ValueError:
            return None
        return number if np.isfinite(number) else None

    def described(self, name: str) -> dict[str, object]:
        """Return a fact that is a JSON object; empty if missing."""
        found = self._parsed(name)
        return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}

    def moments(self, name: str) -> dict[str, float]:
        """Return the numbers of a fact that describes a tensor: the count `nan`, and `min`, `max`, `mean`, `std` of
        the rest."""
        found = {key: as_float(value) for key, value in self.described(name).items()}
        return found | {"nan": found.get("nan", 0.0) + found.get("inf", 0.0)} if found else {}

    def is_integer(self, name: str) -> bool:
        """Return whether a fact describes a tensor of an integer type: indices of tokens or classes."""
        return "int" in str(self.described(name).get("dtype", ""))

    @property
    def has_cross_entropy(self) -> bool:
        """Whether a cross entropy over classes, with class indices as labels, was called."""
        return any(is_cross_entropy(name) for name in self.loss_names)

    @cached_property
    def loss_names(self) -> tuple[str, ...]:
        """The loss functions that were called, in lower case."""
        return tuple(word.strip().lower() for word in self.text("losses").split(",") if word.strip())

    @property
    def is_classification(self) -> bool:
        """Whether the task is a classification, by its own description, its losses or its metric."""
        metric = (self.target.metric or "").lower()
        is_named = any(is_cross_entropy(name) or "nll" in name or "bce" in name for name in self.loss_names)
        return "label_entropy" in self.facts or is_named or metric.rpartition("/")[2].startswith(("acc", "top"))

    def _parsed(self, name: str) -> Any:
        try:
            return json.loads(self.text(name) or "null")
        except ValueError:
            return None


def is_cross_entropy(loss: str) -> bool:
    """Return whether a loss, by its name in lower case, is the cross entropy over classes."""
    return ("cross_entropy" in loss or "crossentropy" in loss) and "binary" not in loss


def as_float(value: Any) -> float:
    """Return a number as JSON or its text has it ("NaN", "Infinity"), NaN for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def before(series: Series, step: float) -> Series:
    """Return the points before a step."""
    keep = series.steps < step
    return series if keep.all() else Series(series.steps[keep], series.values[keep])


def finite(series: Series) -> Series:
    """Return the finite points."""
    keep = np.isfinite(series.values)
    return series if keep.all() else Series(series.steps[keep], series.values[keep])


def smoothed(series: Series) -> Floats:
    """Return the bias-corrected EMA of finite values [T], 0.98 per optimizer step."""
    if not len(series):
        return series.values
    gaps = np.maximum(np.diff(series.steps, prepend=series.steps[:1] - 1), 1)
    total = weight = 0.0
    out = []
    for decay, value in zip((EMA_DECAY**gaps).tolist(), series.values.tolist(), strict=True):
        total = decay * total + (1.0 - decay) * value
        weight = decay * weight + (1.0 - decay)
        out.append(total / weight)
    return np.array(out)


def first_run(mask: NDArray[np.bool_], length: float) -> int | None:
    """Return where the first unbroken stretch of True of at least `length` points begins, None if there is none."""
    need = max(int(length), 1)
    if len(mask) < need:
        return None
    whole = np.lib.stride_tricks.sliding_window_view(mask, need).all(axis=1)
    return int(np.argmax(whole)) if whole.any() else None


def line_slope(steps: NDArray[np.int64], values: Floats) -> float:
    """Return the slope of the least-squares line per step; 0 if all steps are the same."""
    centred = steps - steps.mean()
    spread = float(centred @ centred)
    return float(centred @ (values - values.mean()) / spread) if spread > 0 else 0.0


def make_symptom(rule: str, metric: str, step: int, value: float, threshold: float, message: str) -> Symptom:
    """Return a symptom with plain numbers."""
    return Symptom(
        rule=rule, step=int(step), value=float(value), threshold=float(threshold), metric=metric, message=message
    )
