"""Traces the first training step: the order in which layers run, the functions called, the inputs and the labels.

Calls of functions are seen through `sys.setprofile`, from the model's first forward to the first backward. This works
under any name by which a task has imported `cross_entropy`, and replaces nothing in paddle.
"""

import json
import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from sweep.domain.ignored import IGNORED
from sweep.worker.monitor.layers import leaves

LOSSES, ACTIVATIONS, COMMON, TENSOR_METHODS = (
    "nn/functional/loss.py",
    "nn/functional/activation.py",
    "nn/functional/common.py",
    "base/dygraph/generated_tensor_methods_patch.py",
)
"""Files in which paddle defines the traced functions; the last one has sigmoid, tanh and gelu as `_sigmoid`, ..."""

LOSS_LAYERS = "nn/layer/loss.py"
"""Loss layers call a function of LOSSES, except MSELoss, which computes the loss itself."""

TRACED_FILES = (LOSSES, ACTIVATIONS, COMMON, TENSOR_METHODS, LOSS_LAYERS)

TYPES = {
    "softmax": "Softmax", "log_softmax": "LogSoftmax", "relu": "ReLU", "relu_": "ReLU", "sigmoid": "Sigmoid",
    "tanh": "Tanh", "gelu": "GELU", "leaky_relu": "LeakyReLU", "elu": "ELU", "silu": "Silu", "swish": "Swish",
    "relu6": "ReLU6",
}  # fmt: skip
"""The layer type that corresponds to each function."""

LABELS = ("label", "labels", "target")
MOST_LAYERS_TEXT = 400


class FirstStep:
    """Traces a model from its first training forward to the first backward; `facts` returns what was seen.

    `guarded` wraps a hook so that it never raises. `functional` maps the name of a leaf layer to the activation
    function ("ReLU", ...) applied to its output.
    """

    def __init__(self, model: Any, guarded: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self.order: list[tuple[str, str]] = []
        self.functional: dict[str, str] = {}
        self.is_over = False
        self._model = model
        self._losses: list[str] = []
        self._dropout = 0.0
        self._inputs: str | None = None
        self._targets: str | None = None
        self._out_features: int | None = None
        self._head_type: str | None = None
        self._last: str | None = None
        self._inside: Any = None  # the leaf layer, or the frame of the function, that is running
        self._has_started = self._is_profiling = False
        self._guarded_call = guarded(self._called)
        self._hooks = [model.register_forward_pre_hook(guarded(self._start))]
        for name, layer in leaves(model):
            if type(layer).__module__.endswith("layer.loss"):
                continue  # the model computes its loss: the function that the loss layer calls is traced instead
            self._hooks.append(layer.register_forward_pre_hook(guarded(self._enter)))
            self._hooks.append(layer.register_forward_post_hook(guarded(self._leave(name))))

    def close(self) -> None:
        """Stop watching."""
        self.is_over = True
        if self._is_profiling:
            self._is_profiling = False
            sys.setprofile(None)
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def facts(self) -> dict[str, float | str]:
        """Return what was seen, under the names of docs/monitor.md. What was not seen is absent."""
        found: dict[str, float | str] = {"watch/layers": json.dumps(self.order[:MOST_LAYERS_TEXT])}
        texts = {"watch/inputs": self._inputs, "watch/targets": self._targets, "watch/head": self._head_type}
        found.update({name: text for name, text in texts.items() if text is not None})
        if self._out_features is not None:
            found["watch/head_units"] = float(self._out_features)
        if self._losses:
            found["watch/losses"] = ",".join(dict.fromkeys(self._losses))
        if self._dropout > 0:
            found["watch/dropout"] = self._dropout
        return found

    def _start(self, layer: Any, inputs: Any) -> None:
        if not layer.training or self.is_over or self._has_started:
            return
        self._has_started = True
        first = next((x for x in inputs if hasattr(x, "numpy")), None)
        self._inputs = None if first is None else describe(first)
        if sys.getprofile() is None:
            self._is_profiling = True
            sys.setprofile(self._profile)

    def _enter(self, layer: Any, inputs: Any) -> None:  # noqa: ARG002 - the hook's signature
        if self._inside is None and self._has_started:
            self._inside = layer

    def _leave(self, name: str) -> Callable[[Any, Any, Any], None]:
        def hook(layer: Any, inputs: Any, outputs: Any) -> None:  # noqa: ARG001 - the hook's signature
            if self._inside is layer:
                self._inside = None
                kind = type(layer).__name__
                if (name, kind) not in self.order:
                    self.order.append((name, kind))
                self._saw(kind)
                self._last = name
                if not self._losses and hasattr(outputs, "shape") and len(outputs.shape) > 1:
                    self._out_features = int(outputs.shape[1 if len(outputs.shape) > 3 else -1])

        return hook

    def _saw(self, kind: str) -> None:
        if not self._losses:  # what runs after the loss is not the head
            self._head_type = kind

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:  # noqa: ARG002 - the signature is Python's
        if event == "call":
            if frame.f_code.co_filename.endswith(TRACED_FILES):  # a few of several hundred calls
                self._guarded_call(frame)
        elif event == "return" and frame is self._inside:
            self._inside = None

    def _called(self, frame: FrameType) -> None:
        code = frame.f_code
        if "paddle" not in code.co_filename:
            return
        name = code.co_name
        if code.co_filename.endswith(COMMON) and name == "dropout":
            p = frame.f_locals.get("p")
            self._dropout = max(self._dropout, float(p)) if isinstance(p, float | int) else self._dropout
        elif self._inside is not None:
            return
        elif code.co_filename.endswith(LOSSES) and not name.startswith("_"):
            self._inside = frame
            self._loss(name, frame.f_locals)
        elif name == "forward" and code.co_filename.endswith(LOSS_LAYERS) and _is_mse(frame.f_locals.get("self")):
            self._inside = frame
            self._loss("mse_loss", frame.f_locals)
        elif code.co_filename.endswith((ACTIVATIONS, TENSOR_METHODS)) and name.lstrip("_") in TYPES:
            kind = TYPES[name.lstrip("_")]
            self._inside = frame
            self._saw(kind)
            if self._last is not None and not self._losses:
                self.functional.setdefault(self._last, kind)

    def _loss(self, name: str, arguments: dict[str, Any]) -> None:
        softmax = arguments.get("use_softmax")
        self._losses.append(name if softmax is None else f"{name}(use_softmax={softmax})")
        label = next((arguments[key] for key in LABELS if key in arguments), None)
        if self._targets is None and hasattr(label, "numpy"):
            self._targets = describe(label, left_out=arguments.get("ignore_index"), are_labels=True)


def _is_mse(layer: Any) -> bool:
    return type(layer).__name__ == "MSELoss"


def describe(tensor: Any, *, left_out: Any = None, are_labels: bool = False) -> str:
    """Return JSON of a tensor's shape, dtype, min, max, mean, std (of finite elements) and number of NaN and inf.

    Elements equal to `left_out` (a loss's `ignore_index`) do not count, unless all are. For rows of features, [n,
    features] of floats, the smallest and the largest std of a feature are included. With `are_labels`, `ignored` is a
    value that may mean "ignored", and `rest_max` the largest of the other labels.
    """
    given = tensor.detach()
    if given.dtype == paddle.bfloat16:  # NumPy has no such type
        given = given.astype("float32")
    values = given.numpy().astype(np.float64)
    finite = values[np.isfinite(values)]
    if isinstance(left_out, int) and (finite != left_out).any():
        finite = finite[finite != left_out]
    with np.errstate(all="ignore"):
        seen: dict[str, Any] = {
            "shape": list(values.shape),
            "dtype": str(tensor.dtype).rpartition(".")[2],
            "nan": int(np.isnan(values).sum()),
            "inf": int(np.isinf(values).sum()),
        }
        if finite.size:
            figures = {"min": finite.min(), "max": finite.max(), "mean": finite.mean(), "std": finite.std()}
            if values.ndim == 2 and values.shape[0] > 1 and "float" in seen["dtype"]:
                spread = values.std(axis=0)
                figures |= {"feature_std_min": spread.min(), "feature_std_max": spread.max()}
            figures |= _apart(finite) if are_labels else {}
            seen.update({name: float(x) for name, x in figures.items() if math.isfinite(x)})
    return json.dumps(seen)


def _apart(labels: NDArray[np.float64]) -> dict[str, float]:
    """Return the value of IGNORED that is the smallest or the largest label, and the largest of the other labels.

    Empty if there is none, or if the other labels are not classes (whole numbers from 0, at least two different ones).
    """
    for value in IGNORED:
        if value not in (labels.min(), labels.max()):
            continue
        rest = labels[labels != value]
        if rest.size and 0 <= rest.min() < rest.max() and (rest == np.rint(rest)).all():
            return {"ignored": float(value), "rest_max": float(rest.max())}
    return {}
