"""Passes a batch through a task's model: which layer fails on it, and whether the output depends on the input."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses

from sweep.clock import monotonic_s
from sweep.domain.data_figures import BriefTraining, LabelKind, LayerFault
from sweep.worker.checks.measures import classes_of, known

BATCH = 32
TRAINED_ON = 512
"""Maximum number of samples of the brief training."""
LEARNING_RATE = 2e-3
MESSAGE_CHARS = 400
_BINARY = "binary_cross_entropy_with_logits"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Samples to pass through a model: inputs `x` [n, ...] and labels `y` [n, ...] of one `kind` (measures.kind_of)."""

    x: NDArray[Any]
    y: NDArray[Any] | None
    kind: LabelKind


def as_input(x: NDArray[Any]) -> Any:
    """Return inputs as a tensor: integers of more than 8 bits unchanged, everything else as 32-bit floats."""
    is_token = np.issubdtype(x.dtype, np.integer) and x.dtype.itemsize > 1
    return paddle.to_tensor(x if is_token else x.astype(np.float32))


def forward(network: Any, x: NDArray[Any]) -> tuple[Any, LayerFault | None]:
    """Return (output, None), or (None, fault) if the model fails on this batch."""
    entered: list[tuple[str, Any, tuple[Any, ...]]] = []
    hooks = []
    named = list(network.named_sublayers()) if isinstance(network, nn.Layer) else []
    for name, layer in named:
        hooks.append(
            layer.register_forward_pre_hook(lambda layer, given, name=name: entered.append((name, layer, given)))
        )
        hooks.append(layer.register_forward_post_hook(lambda *_: entered.pop() and None))
    try:
        with paddle.no_grad():
            output = network(as_input(x))
        return (output[0] if isinstance(output, tuple | list) and output else output), None
    except Exception as error:
        name, layer, given = entered[-1] if entered else ("", None, ())
        shape = list(given[0].shape) if given and hasattr(given[0], "shape") else list(x.shape)
        return None, LayerFault(
            layer=name,
            type_name=type(layer).__name__ if layer is not None else "",
            given=tuple(int(size) for size in shape),
            expects=_expectation(layer, shape),
            message=_one_line(error),
        )
    finally:
        for hook in hooks:
            hook.remove()


def _expectation(layer: Any, shape: list[int]) -> str:
    """Return what the layer expects of its input, as text; empty if unknown, or if the shape fits."""
    kind = type(layer).__name__
    if kind.startswith("Conv") and "Transpose" not in kind:
        wanted = int(layer.weight.shape[1]) * int(getattr(layer, "_groups", 1))
        dims = len(layer.weight.shape)
        if len(shape) != dims:
            return f"{dims} dimensions [batch, channels, ...], the data has {len(shape)}"
        axis = -1 if str(getattr(layer, "_data_format", "NCHW")).endswith("C") else 1
        if shape[axis] != wanted:
            return f"{wanted} {'channel' if wanted == 1 else 'channels'}, the data has {shape[axis]}"
    if kind == "Linear" and shape and shape[-1] != int(layer.weight.shape[0]):
        return f"{int(layer.weight.shape[0])} features, the data has {shape[-1]}"
    if kind.startswith("BatchNorm") and len(shape) > 1 and shape[1] != int(layer.weight.shape[0]):
        return f"{int(layer.weight.shape[0])} channels, the data has {shape[1]}"
    if kind == "Embedding":
        return f"whole numbers from 0 to {int(layer.weight.shape[0]) - 1}"
    return ""


def _one_line(error: Exception) -> str:
    """Return an error as one line; of a long message of Paddle, the line with the summary."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = next((line for line in lines if "Error:" in line and not line.startswith(("File", "at "))), None)
    return f"{type(error).__name__}: {telling or (lines[-1] if lines else '')}"[:MESSAGE_CHARS]


def change_without_input(network: Any, x: NDArray[Any]) -> float | None:
    """Return the change of the output if the input is zeroed: root mean square, relative to that of the larger output.

    None if unknown (the output is not a tensor of finite numbers). Layers are in evaluation mode.
    """
    _set_mode(network, training=False)
    real, fault = forward(network, x)
    zero, zero_fault = forward(network, np.zeros_like(x))
    if fault or zero_fault or not hasattr(real, "numpy"):
        return None
    a, b = real.numpy().astype(np.float64), zero.numpy().astype(np.float64)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    size = float(np.sqrt(max((a**2).mean(), (b**2).mean())))
    return known(float(np.sqrt(((a - b) ** 2).mean())) / size) if size > 0 else 0.0


def brief_training(network: Any, train: Samples, val: Samples | None, *, steps: int, seconds: float) -> BriefTraining:
    """Train with Adam, without dropout, on up to TRAINED_ON samples for up to `steps` steps or `seconds`.

    Raises ValueError if the labels do not fit the model, and any error that the model raises.
    """
    x, y = _matched(train.x[:TRAINED_ON], train.y, train.kind, network)
    loss_of = _loss(train.kind, y)
    inputs, targets = as_input(x), paddle.to_tensor(y)
    optimizer = paddle.optimizer.Adam(LEARNING_RATE, parameters=network.parameters())
    first = _loss_at(network, loss_of, inputs, targets)
    order = np.random.default_rng(0)
    until, done = monotonic_s() + seconds, 0
    _set_mode(network, training=True)
    while done < steps and monotonic_s() < until:
        rows = paddle.to_tensor(order.permutation(len(x))[: 2 * BATCH])
        loss = loss_of(_first(network(inputs[rows])), targets[rows])
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        done += 1
    trained = BriefTraining(
        steps=done,
        samples=len(x),
        first_loss=first,
        loss=_loss_at(network, loss_of, inputs, targets),
        loss_zeroed=_loss_at(network, loss_of, paddle.zeros_like(inputs), targets),
        output_change=change_without_input(network, x[:BATCH]),
    )
    return trained if val is None or val.y is None else _with_skill(trained, network, val)


def _first(output: Any) -> Any:
    return output[0] if isinstance(output, tuple | list) else output


def _set_mode(network: Any, *, training: bool) -> None:
    """Set the layers to training or evaluation mode; dropout layers are always in evaluation mode."""
    if not isinstance(network, nn.Layer):
        return
    network.train() if training else network.eval()
    for layer in network.sublayers():
        if "Dropout" in type(layer).__name__:
            layer.eval()


def _matched(
    x: NDArray[Any], y: NDArray[Any] | None, kind: LabelKind, network: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the samples whose labels fit the model's head, with labels for its loss. Raises ValueError."""
    labels = None if y is None or kind is LabelKind.OTHER else classes_of(y[: len(x)])
    if labels is None:
        raise ValueError("the labels are not one number per sample")
    _set_mode(network, training=False)
    output, fault = forward(network, x[:2])
    if fault is not None or len(getattr(output, "shape", ())) != 2:
        raise ValueError(f"the model's output is not [batch, units] but {list(getattr(output, 'shape', []))}")
    units = int(output.shape[1])
    good = np.isfinite(labels) & np.isfinite(x.reshape(len(x), -1).astype(np.float64)).all(axis=1)
    if kind is LabelKind.VALUES:
        if units != 1:
            raise ValueError(f"the model's output has {units} units for one target")
        std = labels[good].std() or 1.0
        return x[good], ((labels[good] - labels[good].mean()) / std).astype(np.float32)[:, None]
    places = max(units, 2)
    good &= (labels == np.rint(labels)) & (labels >= 0) & (labels < places)
    if good.sum() < 2:
        raise ValueError("fewer than 2 labels fit the model's head")
    chosen = labels[good]
    return x[good], chosen.astype(np.float32)[:, None] if units == 1 else chosen.astype(np.int64)


def _loss(kind: LabelKind, y: NDArray[Any]) -> Callable[[Any, Any], Any]:
    name = "mse_loss" if kind is LabelKind.VALUES else "cross_entropy"
    loss: Callable[[Any, Any], Any] = getattr(F, name if y.dtype == np.int64 or kind is LabelKind.VALUES else _BINARY)
    return loss


def _loss_at(network: Any, loss_of: Callable[[Any, Any], Any], inputs: Any, targets: Any) -> float | None:
    _set_mode(network, training=False)
    with paddle.no_grad():
        value = float(loss_of(_first(network(inputs)), targets))
    return known(value)


def _with_skill(trained: BriefTraining, network: Any, val: Samples) -> BriefTraining:
    """Return the training with the model's skill on the validation set added (at most TRAINED_ON samples)."""
    labels = None if val.y is None else classes_of(val.y[:TRAINED_ON])
    if labels is None:
        return trained
    _set_mode(network, training=False)
    with paddle.no_grad():
        output = _first(network(as_input(val.x[:TRAINED_ON]))).numpy().astype(np.float64)
    usable = np.isfinite(labels)
    output, labels = output[usable], labels[usable]
    n = len(labels)
    if not n:
        return trained
    if val.kind is LabelKind.VALUES:
        skill = np.corrcoef(output[:, 0], labels)[0, 1] if output[:, 0].std() > 0 and labels.std() > 0 else 0.0
        return replace(trained, skill=float(np.nan_to_num(skill)), chance=0.0, error=float(n**-0.5), val_samples=n)
    guess = output.argmax(axis=1) if output.shape[1] > 1 else (output[:, 0] > 0)
    majority = np.unique(labels, return_counts=True)[1].max() / n
    error = float(np.sqrt(majority * (1 - majority) / n))
    skill = float((guess == labels).mean())
    return replace(trained, skill=skill, chance=float(majority), error=error, val_samples=n)
