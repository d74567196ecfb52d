"""`target_norm`: regression targets with zero mean and unit variance in training; all numbers stay in original units.

Training on standardized targets, with a model that gives original units, is done in three places:

- The last layer's result r becomes r * deviation + mean, in each call from the second training step on. So predictions,
  metrics and validation losses of the program are in original units.
- The loss has the gradient of the loss of (prediction - mean) / deviation and (target - mean) / deviation.
- Its value is that in original units.

It reaches `mse_loss`, `l1_loss`, `smooth_l1_loss`, `square_error_cost` and their layers, and only where this is sound:

- The prediction is the result of a Linear or convolution layer, at most reshaped, which no other layer uses.
- The targets are a field of the DataLoader's batch, or, without one, as `paddle.to_tensor` made them. They are not all
  equal, and not computed, as in reinforcement learning.

Mean and deviation are those of the field over up to 1024 samples of the dataset, else of the first targets: one pair
for each column if prediction and targets are tables of the same width, else one pair. Losses that a program computes
itself are not reached. A model that the program saves gives standardized numbers when it is loaded elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import paddle
from paddle.nn import functional
from paddle.nn.layer.conv import _ConvNd

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import on_backward
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.calls import Once, program_frame
from sweep.worker.surgery.graph import WEIGHING, behind_views, hidden_in, inputs_of, is_leaf, node_of, operation
from sweep.worker.surgery.loaders import LoaderRecord, loaders_of
from sweep.worker.surgery.reading_ahead import Path, at_path, fields_of, read_ahead
from sweep.worker.surgery.values import choice

LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "square_error_cost")
MADE = "made_by_to_tensor"
"""Attribute of tensors that `paddle.to_tensor` made."""

Compute = Callable[[Any, Any], Any]


def install(surgery: Surgery, value: object | None) -> None:
    """Record the regression losses that this can reach; with `standardize`, do it. Raises ValueError for others."""
    if value is not None:
        choice("target_norm", value, ("standardize",))
    targets = _Targets(surgery, is_on=value is not None)
    for name in LOSSES:
        around_function(surgery.hooks, getattr(functional, name), targets.make_loss)
    surgery.hooks.around(paddle.nn.MSELoss, "forward", targets.make_layer)
    around_function(surgery.hooks, paddle.to_tensor, _make_to_tensor)
    loaders_of(surgery).join(targets)
    if value is not None:
        surgery.hooks.around(paddle.nn.Layer, "__call__", targets.make_call)
        on_backward(surgery.hooks, targets.forget)


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and deviation of targets, of each column [K] or of all []."""

    mean: np.ndarray
    deviation: np.ndarray

    def standardized(self, values: Any) -> Any:
        """Return numbers in original units as multiples of the deviation, from the mean."""
        return (values - self._like(self.mean, values)) / self._like(self.deviation, values)

    def original(self, values: Any) -> Any:
        """Return standardized numbers in original units."""
        return values * self._like(self.deviation, values) + self._like(self.mean, values)

    @staticmethod
    def _like(numbers: np.ndarray, values: Any) -> Any:
        return paddle.to_tensor(numbers.astype("float32")).astype(values.dtype)


class _Targets:
    def __init__(self, surgery: Surgery, *, is_on: bool) -> None:
        self._book, self._is_on = surgery.book, is_on
        self._seen = Once()
        self._batch: tuple[LoaderRecord, Any] | None = None
        self._scales: WeakKeyDictionary[Any, Scale] = WeakKeyDictionary()  # by last layer
        self._scaled: dict[int, Scale] = {}  # by the operation that made a result: since the last backward pass
        self._heads: dict[int, Any] = {}  # layers that may be last ones, likewise
        self._outputs: list[Any] = []  # of models, likewise
        self._depth = 0
        self._is_inside = False

    def apply(self, record: LoaderRecord, *, is_training: bool) -> None:
        pass

    def begin(self, record: LoaderRecord, *, is_training: bool) -> None:
        pass

    def batch(self, record: LoaderRecord, batch: Any) -> Any:
        self._batch = (record, batch)
        return batch

    def forget(self, _: Any) -> None:
        """Forget what belongs to one training step, at its backward pass."""
        self._scaled, self._heads, self._outputs = {}, {}, []

    def make_call(self, below: Function) -> Function:
        """Scale the results of last layers, and note which layers may be such."""

        def __call__(layer: Any, *inputs: Any, **named: Any) -> Any:  # noqa: N807 - what it stands for
            self._depth += 1
            try:
                result = below(layer, *inputs, **named)
            finally:
                self._depth -= 1
            scale = self._scales.get(layer)
            if scale is not None:
                result = scale.original(result)
                if (node := node_of(result)) is not None:
                    self._scaled[node] = scale
            elif isinstance(layer, paddle.nn.Linear | _ConvNd) and (node := node_of(result)) is not None:
                self._heads[node] = layer
            if not self._depth and paddle.is_grad_enabled():
                self._outputs.append(result)
            return result

        return __call__

    def make_loss(self, below: Function) -> Function:
        def loss(input: Any, label: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: A002 - Paddle's name
            return self._compute(below.__name__, lambda one, other: below(one, other, *args, **kwargs), input, label)

        return loss

    def make_layer(self, below: Function) -> Function:
        def forward(layer: Any, input: Any, label: Any) -> Any:  # noqa: A002 - Paddle's name
            return self._compute("mse_loss", lambda one, other: below(layer, one, other), input, label)

        return forward

    def _compute(self, name: str, compute: Compute, one: Any, other: Any) -> Any:
        """Compute a loss, of which either argument may be the prediction."""
        is_plain = self._is_inside or not paddle.in_dynamic_mode() or not paddle.is_grad_enabled()
        if is_plain or one.stop_gradient == other.stop_gradient:
            return compute(one, other)
        prediction, label = (other, one) if one.stop_gradient else (one, other)
        node = behind_views(prediction)
        scale = None if node is None else self._scaled.get(node.node_ptr())
        is_first = scale is None
        if scale is None and node is not None:
            scale = self._decide(name, node, prediction, label)
        if scale is None:
            return compute(one, other)
        raw = prediction if is_first else scale.standardized(prediction)
        full = scale.original(prediction) if is_first else prediction
        targets = scale.standardized(label)
        self._is_inside = True
        try:
            trained = compute(targets, raw) if one.stop_gradient else compute(raw, targets)
            with paddle.no_grad():
                value = compute(label, full) if one.stop_gradient else compute(full, label)
        finally:
            self._is_inside = False
        return trained + (value - trained).detach()

    def _decide(self, name: str, node: Any, prediction: Any, label: Any) -> Scale | None:
        frame = program_frame()
        if not self._seen.is_first(frame):
            return None
        reason, head = self._why_not(node, label), self._heads.get(node.node_ptr())
        scale = None if reason else self._measured(prediction, label)
        if reason is None and scale is None:
            reason = "all targets are equal"
        if reason is None and self._is_on and head is None:
            reason = "the prediction is not the result of a Linear or convolution layer"
        if reason is not None or scale is None:
            self._book.limit(f"target_norm: {name} at {self._place(frame)}: {reason}")
            return None
        where = self._book.sites.above(frame)
        self._book.found("target_norm", name, where=where)
        if not self._is_on:
            return None
        self._book.changed("target_norm", name, where=where)
        self._scales[head] = scale
        return scale

    def _why_not(self, node: Any, label: Any) -> str | None:
        is_last = any(map(is_leaf, inputs_of(node))) and (
            operation(node) == "Add" or operation(node).startswith(WEIGHING)
        )
        if not is_last:
            return "the prediction is not the result of a Linear or convolution layer"
        if not label.is_floating_point():
            return "the targets are whole numbers"
        if self._field_of(label) is None and (self._batch is not None or not getattr(label, MADE, False)):
            return "the targets are computed"
        if hidden_in(self._outputs, frozenset({node.node_ptr()})):
            return "a layer of the model uses the prediction"
        return None

    def _field_of(self, label: Any) -> tuple[LoaderRecord, Path] | None:
        """Return where the targets are in the batches of the loader; None if they are not from its last batch."""
        if self._batch is None:
            return None
        record, batch = self._batch
        numbers = label.numpy().ravel()
        for path, field in fields_of(batch):
            if field is label or (field.size == numbers.size and np.array_equal(np.asarray(field).ravel(), numbers)):
                return record, path
        return None

    def _measured(self, prediction: Any, label: Any) -> Scale | None:
        """Return mean and deviation; None if all targets are equal."""
        numbers = label.numpy()
        field = self._field_of(label)
        if field is not None and not field[0].is_iterable:
            record, path = field
            parts = read_ahead(
                record, lambda batch: np.asarray(at_path(batch, path), "float64"), self._book, "target_norm"
            )
            numbers = np.concatenate(parts).reshape([-1, *label.shape[1:]]) if parts else numbers
        has_columns = label.ndim == 2 and list(label.shape) == list(prediction.shape)
        axis = 0 if has_columns else None
        mean, deviation = numbers.mean(axis, "float64"), numbers.std(axis, "float64")
        if not np.any(deviation > 0):
            return None
        return Scale(np.asarray(mean), np.where(deviation > 0, deviation, 1.0))

    def _place(self, frame: FrameType) -> str:
        return self._book.sites.above(frame) or "a line of a package"


def _make_to_tensor(below: Function) -> Function:
    def to_tensor(*args: Any, **kwargs: Any) -> Any:
        result = below(*args, **kwargs)
        if paddle.in_dynamic_mode():
            setattr(result, MADE, True)
        return result

    return to_tensor
