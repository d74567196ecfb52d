"""Gradients and weights as one vector each, brought to the host in one transfer, and their statistics per parameter."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

LARGE = 1 << 14
"""Of a tensor with more elements than this the statistics use evenly spaced ones; only a gradient's norm is exact."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """Per parameter, [P]: sums of squares of gradient, weight and update, mean |g|, std of the weight.

    A parameter without a gradient has `has_grad` False and zeros.
    """

    has_grad: NDArray[np.bool_]
    grad_squares: Floats
    weight_squares: Floats
    update_squares: Floats
    grad_abs: Floats
    weight_std: Floats


class Vectors:
    """Flattens the parameters of one optimizer: `before` is taken ahead of a step, `statistics` after it.

    On the CPU arrays are copied one by one, which is what is fastest there; on another device everything is put
    together there first, so that there is one transfer, and one wait, however many tensors there are.
    """

    def __init__(self, parameters: list[Any], *, is_host: bool | None = None) -> None:
        self._parameters = parameters
        self._is_host = all(p.place.is_cpu_place() for p in parameters) if is_host is None else is_host
        self._strides = [-(-p.size // LARGE) for p in parameters]
        taken = [-(-p.size // stride) for p, stride in zip(parameters, self._strides, strict=True)]
        self._taken = np.array(taken, dtype=np.int64)
        self._offsets = np.concatenate([[0], np.cumsum(self._taken)[:-1]])
        self._share = np.array([p.size for p in parameters]) / self._taken
        self._large = [i for i, stride in enumerate(self._strides) if stride > 1]

    def before(self) -> Any:
        """Return gradients, exact squares of the large ones, and weights, as they are ahead of an optimizer step."""
        grads = [gradient_of(p) for p in self._parameters]
        parts = [self._part(g, i) for i, g in enumerate(grads)]
        large = [grads[i] for i in self._large]
        squares = [paddle.zeros([1]) if g is None else g.astype("float32").square().sum().reshape([1]) for g in large]
        weights = [self._part(p, i) for i, p in enumerate(self._parameters)]
        return np.array([g is not None for g in grads]), self._join([*parts, *(map(self._leaf, squares)), *weights])

    def is_finite(self, before: Any) -> bool:
        """Return whether all that was taken ahead of a step is finite. (Sums beyond float32 on a device are not.)"""
        taken = before[1]
        return bool(np.isfinite(np.add.reduce(taken) if self._is_host else taken.sum().item()))

    def statistics(self, before: Any) -> Statistics:
        """Return the statistics of the step that has been made since `before`."""
        has_grad, taken_before = before
        after = self._join([self._part(p, i) for i, p in enumerate(self._parameters)])
        if self._is_host:
            values, new = taken_before, after
        else:
            values = np.asarray(paddle.concat([taken_before, after]).numpy(), dtype=np.float64)
            values, new = values[: -int(self._taken.sum())], values[-int(self._taken.sum()) :]
        n = int(self._taken.sum())
        grads, exact, old = values[:n], values[n : len(values) - n], values[len(values) - n :]
        with np.errstate(all="ignore"):
            grad_squares = self._sums(grads * grads)
            grad_squares[self._large] = exact
            weight_squares = self._sums(new * new)
            mean = self._sums(new) / self._taken
            variance = np.maximum(weight_squares / self._taken - mean * mean, 0.0)
            change = new - old
            return Statistics(
                has_grad=has_grad,
                grad_squares=grad_squares,
                weight_squares=weight_squares * self._share,
                update_squares=self._sums(change * change) * self._share,
                grad_abs=self._sums(np.abs(grads)) / self._taken,
                weight_std=np.sqrt(variance),
            )

    def _sums(self, values: Floats) -> Floats:
        found: Floats = np.add.reduceat(values, self._offsets)
        return found

    def _part(self, tensor: Any, index: int) -> Any:
        """Return a tensor's elements, or every so-manieth of a large one's: on the host, or where they are."""
        if tensor is None:
            shape = [int(self._taken[index])]
            return np.zeros(shape, dtype=np.float32) if self._is_host else paddle.zeros(shape)
        stride = self._strides[index]
        if stride > 1:
            tensor = paddle.strided_slice(tensor.reshape([-1]), [0], [0], [tensor.size], [stride])
        return self._leaf(tensor)

    def _leaf(self, tensor: Any) -> Any:
        if tensor.dtype not in (paddle.float32, paddle.float64):
            tensor = tensor.astype("float32")
        return tensor.numpy().ravel() if self._is_host else tensor.astype("float32").reshape([-1])

    def _join(self, parts: list[Any]) -> Any:
        return np.concatenate(parts, dtype=np.float64) if self._is_host else paddle.concat(parts)


def gradient_of(parameter: Any) -> Any:
    """Return a parameter's gradient as the optimizer will see it, None where it has none or a sparse one."""
    grad = getattr(parameter, "main_grad", None)  # what mixed precision trains with, where it is kept
    grad = parameter.grad if grad is None else grad
    return None if grad is None or parameter.stop_gradient or grad.is_selected_rows() else grad
