"""`loss`: softmax applied once (`single_softmax`), or the mean over the batch in place of the sum (`mean`).

`single_softmax`: where the result of a softmax goes into a cross entropy that applies one itself, that gets the logits.
If the result was reshaped in between, it gets its logarithm: softmax(log p) = p, so loss and gradient are the same.

`mean`: a loss of `paddle.nn` with the reduction `sum` gets the gradient of the mean. Its value stays the sum, so that
the numbers that a program reports can be compared between trials.

Sums that the program makes itself, and losses that it computes itself, are not reached.
"""

from types import FrameType
from typing import Any

import paddle
from paddle.nn import functional

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.calls import Argument, Once, program_frame
from sweep.worker.surgery.graph import behind_views, operation
from sweep.worker.surgery.values import choice

CROSS_ENTROPIES = ("cross_entropy", "softmax_with_cross_entropy")
LOSSES = (
    *("nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "sigmoid_focal_loss"),
    *("mse_loss", "l1_loss", "smooth_l1_loss", "gaussian_nll_loss", "poisson_nll_loss", "ctc_loss", "rnnt_loss"),
    *("cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "soft_margin_loss"),
    *("multi_label_margin_loss", "multi_label_soft_margin_loss", "multi_margin_loss", "margin_cross_entropy"),
    *("triplet_margin_loss", "triplet_margin_with_distance_loss"),
)
"""Functionals with an argument `reduction`. Paddle's layers call them, but for MSELoss."""

SMALLEST = 1e-30
"""Smallest probability whose logarithm is taken."""

ORIGIN = "logits_and_axis_of_softmax"
"""Attribute of the result of a softmax."""

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def install(surgery: Surgery, value: object | None) -> None:
    """Record the losses that are called with a gradient; with a name, change them. Raises ValueError for others."""
    change = None if value is None else choice("loss", value, ("single_softmax", "mean"))
    losses = _Losses(surgery, change)
    for name in (*CROSS_ENTROPIES, *LOSSES):
        losses.hook(getattr(functional, name))
    surgery.hooks.around(paddle.nn.MSELoss, "forward", losses.make_mse)
    if change == "single_softmax":
        for function in {functional.softmax, paddle.softmax}:
            around_function(surgery.hooks, function, _make_softmax)
        surgery.hooks.around(paddle.Tensor, "softmax", _make_softmax)


class _Losses:
    def __init__(self, surgery: Surgery, change: str | None) -> None:
        self._hooks, self._book, self._change = surgery.hooks, surgery.book, change
        self._found, self._changed = Once(), Once()
        self._is_inside = False  # some call others

    def hook(self, function: Function) -> None:
        name = function.__name__
        reduction = Argument.of(function, "reduction")
        inputs = _Inputs(function) if name in CROSS_ENTROPIES else None

        def make(below: Function) -> Function:
            def loss(*args: Any, **kwargs: Any) -> Any:
                if self._is_inside:
                    return below(*args, **kwargs)
                self._is_inside = True
                try:
                    if inputs is not None and self._change == "single_softmax":
                        args, kwargs = self._with_logits(name, inputs, args, kwargs)
                    result = below(*args, **kwargs)
                    if not _has_gradient(result):
                        return result
                    is_sum = reduction is not None and reduction.get(args, kwargs) == "sum"
                    is_doubled = inputs is not None and inputs.are_softmax(args, kwargs)
                    self._find(name, is_sum=is_sum, is_doubled=is_doubled)
                    if not is_sum or reduction is None or self._change != "mean":
                        return result
                    args, kwargs = reduction.put(args, kwargs, "mean")
                    return self._as_mean(name, result, below(*args, **kwargs))
                finally:
                    self._is_inside = False

            return loss

        around_function(self._hooks, function, make)

    def make_mse(self, below: Function) -> Function:
        """Hook the layer that does not call the functional."""

        def forward(layer: Any, *args: Any, **kwargs: Any) -> Any:
            result = below(layer, *args, **kwargs)
            if not _has_gradient(result):
                return result
            is_sum = layer.reduction == "sum"
            self._find("mse_loss", is_sum=is_sum)
            if not is_sum or self._change != "mean":
                return result
            layer.reduction = "mean"
            try:
                return self._as_mean("mse_loss", result, below(layer, *args, **kwargs))
            finally:
                layer.reduction = "sum"

        return forward

    def _with_logits(self, name: str, inputs: "_Inputs", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        if not inputs.are_softmax(args, kwargs):
            return args, kwargs
        given = inputs.given.get(args, kwargs)
        if not given.stop_gradient:
            frame = program_frame()
            if self._changed.is_first(frame):
                self._find(name, is_doubled=True)
                self._record(frame, self._book.changed, *_doubled(name))
        logits, axis = getattr(given, ORIGIN, (None, None))
        if axis != inputs.axis_in(args, kwargs):  # it has another form than the result of the softmax
            logits = given.clip(min=SMALLEST).log()
        return inputs.given.put(args, kwargs, logits)

    def _as_mean(self, name: str, total: Any, mean: Any) -> Any:
        frame = program_frame()
        if self._changed.is_first(frame):
            self._record(frame, self._book.changed, *_sum(name))
        return mean + (total - mean).detach()

    def _find(self, name: str, *, is_sum: bool = False, is_doubled: bool = False) -> None:
        frame = program_frame()
        if not self._found.is_first(frame):
            return
        if is_doubled:
            self._record(frame, self._book.found, *_doubled(name))
        if is_sum:
            self._record(frame, self._book.found, *_sum(name))
        if not is_sum and not is_doubled:
            self._record(frame, self._book.found, name, name)

    def _record(self, frame: FrameType, record: Any, what: str, value: str) -> None:
        record("loss", what, value=value, where=self._book.sites.above(frame))


class _Inputs:
    """What a cross entropy gets as the scores of the classes."""

    def __init__(self, function: Function) -> None:
        self.given = Argument.of(function, "input") or Argument(function, "logits")
        self._axis = Argument(function, "axis")
        self._use_softmax = Argument.of(function, "use_softmax")

    def axis_in(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Return the axis of the classes in a call, from 0."""
        axis: int = self._axis.get(args, kwargs) % self.given.get(args, kwargs).ndim
        return axis

    def are_softmax(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Return whether they are the result of a softmax over the classes, and get one more."""
        if self._use_softmax is not None and not self._use_softmax.get(args, kwargs):
            return False
        given, axis = self.given.get(args, kwargs), self.axis_in(args, kwargs)
        if getattr(given, ORIGIN, (None, None))[1] == axis:
            return True
        node = behind_views(given)
        if node is None or operation(node) != "Softmax":
            return False
        return bool(((given.detach().astype("float32").sum(axis) - 1).abs() < 1e-2).all())  # it was over this axis


def _make_softmax(below: Function) -> Function:
    axis = Argument.of(below, "axis") or Argument.of(below, "dim") or Argument(functional.softmax, "axis")

    def softmax(x: Any, *args: Any, **kwargs: Any) -> Any:
        result = below(x, *args, **kwargs)
        at = axis.get((x, *args), kwargs)
        if paddle.in_dynamic_mode() and at is not None:
            setattr(result, ORIGIN, (x, at % result.ndim))
        return result

    return softmax


def _has_gradient(result: Any) -> bool:
    return isinstance(result, paddle.Tensor) and not result.stop_gradient


def _doubled(name: str) -> tuple[str, str]:
    return f"{name} of a softmax", "softmax"


def _sum(name: str) -> tuple[str, str]:
    return f"{name}(reduction='sum')", "sum"
