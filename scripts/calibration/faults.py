"""Typical faults, planted in a healthy program. Faults that are only a setting are in calibrate_symptoms.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses


@dataclass(slots=True, kw_only=True)
class Program:
    """Data, model and loss: `train` and `val` are (features, targets), `loss(outputs, targets)` is a scalar."""

    train: tuple[Any, Any]
    val: tuple[Any, Any]
    model: Any
    loss: Callable[[Any, Any], Any]
    outputs: int
    steps_scheduler: bool = True
    clears: bool = True
    predicts: Callable[[Any], Any] = lambda out: out


def _matrices(program: Program) -> list[Any]:
    return [layer for layer in program.model.sublayers() if isinstance(layer, nn.Linear | nn.Conv2D)]


def constant_weights(program: Program) -> None:
    for layer in _matrices(program):
        nn.initializer.Constant(0.05)(layer.weight)


def zero_weights(program: Program) -> None:
    for layer in _matrices(program):
        nn.initializer.Constant(0.0)(layer.weight)


def huge_weights(program: Program) -> None:
    for layer in _matrices(program):
        nn.initializer.Normal(0.0, 3.0)(layer.weight)


def negative_biases(program: Program) -> None:
    for layer in _matrices(program)[:-1]:
        nn.initializer.Constant(-10.0)(layer.bias)


def frozen_layer(program: Program) -> None:
    """The first layer gets new parameters: those that the optimizer has are no longer used by the model."""
    first = _matrices(program)[0]
    forward = first.forward
    first.forward = lambda x: forward(x).detach()


def pixels_to_255(program: Program) -> None:
    program.train = (program.train[0] * 255.0, program.train[1])
    program.val = (program.val[0] * 255.0, program.val[1])


def missing_inputs(program: Program) -> None:
    x = program.train[0].copy()
    x[::20, 0] = np.nan
    program.train = (x, program.train[1])


def raw_target(program: Program) -> None:
    """The target in its raw units: 25 to 346."""
    program.train = (program.train[0], program.train[1] * 77.0 + 152.0)
    program.val = (program.val[0], program.val[1] * 77.0 + 152.0)


def permuted_labels(program: Program) -> None:
    x, y = program.train
    program.train = (x, np.random.default_rng(1).permutation(y))


def labels_from_one(program: Program) -> None:
    program.train = (program.train[0], program.train[1] + 1)
    program.val = (program.val[0], program.val[1] + 1)


def softmax_head(program: Program) -> None:
    program.model = nn.Sequential(program.model, nn.Softmax())


def relu_head(program: Program) -> None:
    program.model = nn.Sequential(program.model, nn.ReLU())


def mse_for_classes(program: Program) -> None:
    outputs = program.outputs
    program.loss = lambda out, y: F.mse_loss(out, F.one_hot(y, outputs))


def summed_loss(program: Program) -> None:
    program.loss = nn.CrossEntropyLoss(reduction="sum")


def scheduler_not_stepped(program: Program) -> None:
    program.steps_scheduler = False


def log_of_zero(program: Program) -> None:
    """A hand-written cross entropy without a floor."""
    program.loss = lambda out, y: -paddle.log((F.softmax(out * 30.0) * F.one_hot(y, out.shape[1])).sum(axis=1)).mean()


def gradient_kept(program: Program) -> None:
    """The loop without its `clear_grad`."""
    program.clears = False


def evaluated_on_other_rows(program: Program) -> None:
    """The validation features are sorted, their labels are not."""
    x, y = program.val
    program.val = (x[np.argsort(x.sum(axis=1))], y)


def predictions_transposed(program: Program) -> None:
    """The accuracy takes its maximum over the rows instead of the classes."""
    program.predicts = lambda out: np.eye(out.shape[1])[np.resize(out.argmax(axis=0) % out.shape[1], len(out))]


FAULTS: dict[str, Callable[[Program], None]] = {
    fault.__name__: fault
    for fault in (
        constant_weights, zero_weights, huge_weights, negative_biases, frozen_layer, pixels_to_255, missing_inputs,
        raw_target, permuted_labels, labels_from_one, softmax_head, relu_head, mse_for_classes, summed_loss,
        scheduler_not_stepped, log_of_zero, gradient_kept, evaluated_on_other_rows, predictions_transposed,
    )
}  # fmt: skip
