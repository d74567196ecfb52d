"""What a script trains on, as its networks and losses see it: for the data check, as a script has neither data(cfg)
nor model(cfg)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle.nn import functional

from sweep.clock import monotonic_s
from sweep.task import StopTrial
from sweep.worker.hooks import Hooks, around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import STEPS, around_optimizers
from sweep.worker.surgery.loss import CROSS_ENTROPIES, LOSSES

READ_BYTES = 256 * 2**20
"""Maximum size of the inputs that are kept, in bytes."""


@dataclass(slots=True)
class SeenBatches:
    """Inputs and labels of the first batches that a training takes its steps on.

    The inputs are the first argument of the first call of a network since the last step, the labels what the first
    loss function gets; both only if they have the same number of rows. After `limit` samples or `seconds`, or once
    samples come again, the training is ended. If losses of one step get different labels, none are kept. `network` is
    what the inputs were passed to, with its weights as they were before the first step, None if it gets more than the
    inputs.
    """

    limit: int
    seconds: float
    inputs: list[NDArray[Any]] = field(default_factory=list)
    labels: list[NDArray[Any]] = field(default_factory=list)
    network: Any = None
    steps: int = 0
    _weights: Any = None
    _depth: int = 0
    _x: Any = None
    _y: Any = None
    _is_alone: bool = True
    _are_several: bool = False
    _until_s: float = 0.0
    _known: set[bytes] = field(default_factory=set)

    def install(self, hooks: Hooks) -> None:
        """Hook networks, losses and optimizers."""
        self._until_s = monotonic_s() + self.seconds
        hooks.around(paddle.nn.Layer, "__call__", self._make_call)
        for name in (*CROSS_ENTROPIES, *LOSSES):
            around_function(hooks, getattr(functional, name), self._make_loss)
        hooks.around(paddle.nn.MSELoss, "forward", self._make_mse)
        around_optimizers(hooks, STEPS, self._make_step)

    def sets(self) -> tuple[NDArray[Any], NDArray[Any] | None] | None:
        """Return inputs [n, ...] and labels [n, ...] (None without), None if no inputs of one shape were seen."""
        if not self.inputs or len({one.shape[1:] for one in self.inputs}) != 1:
            return None
        x = np.concatenate(self.inputs)[: self.limit]
        if len(self.labels) != len(self.inputs) or len({one.shape[1:] for one in self.labels}) != 1:
            return x, None
        y = np.concatenate(self.labels)[: self.limit]
        # Fractions that are all the same are no labels: a loss against zeros, or "real" and "fake" of a GAN.
        return x, None if np.issubdtype(y.dtype, np.floating) and len(np.unique(y)) == 1 else y

    def first_network(self) -> Any:
        """Return the network with its weights as they were before the first step, None if it cannot be called alone."""
        if self.network is not None and self._weights is not None:
            self.network.set_state_dict(self._weights)
        return self.network

    def _make_call(self, below: Function) -> Function:
        def __call__(layer: Any, *inputs: Any, **named: Any) -> Any:  # noqa: N807 - what it stands for
            if not self._depth and paddle.is_grad_enabled():
                self._enter(layer, inputs, named)
            self._depth += 1
            try:
                return below(layer, *inputs, **named)
            finally:
                self._depth -= 1

        return __call__

    def _enter(self, layer: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Note the inputs of the first call of a network since the last step; a loss layer has no parameters."""
        is_network = isinstance(layer, paddle.nn.Layer) and bool(layer.parameters())
        first = inputs[0] if inputs else next(iter(named.values()), None)
        if not is_network or not isinstance(first, paddle.Tensor) or not len(first.shape) or not first.stop_gradient:
            self._is_alone = self._is_alone and not is_network
            return
        if self._x is not None:
            self._is_alone = False  # several networks, or several calls, make one step
            return
        self._x = np.array(first.numpy())
        if len(inputs) + len(named) != 1 or (self.network is not None and layer is not self.network):
            self._is_alone = False
        if self._weights is None:
            self.network = layer
            self._weights = {name: value.clone() for name, value in layer.state_dict().items()}

    def _make_loss(self, below: Function) -> Function:
        def loss(*args: Any, **named: Any) -> Any:
            label = named.get("label", args[1] if len(args) > 1 else None)
            self._take_label(label)
            return below(*args, **named)

        return loss

    def _make_mse(self, below: Function) -> Function:
        def forward(layer: Any, *args: Any, **named: Any) -> Any:
            self._take_label(named.get("label", args[1] if len(args) > 1 else None))
            return below(layer, *args, **named)

        return forward

    def _take_label(self, label: Any) -> None:
        is_tensor = isinstance(label, paddle.Tensor) and len(label.shape) >= 1 and label.stop_gradient
        if not is_tensor or not paddle.is_grad_enabled():
            return
        given = np.array(label.numpy())
        if self._y is None:
            self._y = given
        elif not np.array_equal(self._y, given):  # which of them are the data's is not known
            self._are_several = True

    def _make_step(self, below: Function) -> Function:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            self._stepped()
            return below(optimizer, *args, **kwargs)

        return step

    def _stepped(self) -> None:
        """Keep the batch of this step. Raises StopTrial once enough was seen."""
        x, y, self._x, self._y = self._x, self._y, None, None
        self.steps += 1
        if not self._is_alone:
            self.network = None
        if self._are_several:
            self.labels.clear()
        if x is not None:
            if self._come_again(x):
                raise StopTrial("the samples come again")
            self.inputs.append(x)
            if y is not None and len(y) == len(x) and not self._are_several:
                self.labels.append(y)
        count, size = sum(map(len, self.inputs)), sum(one.nbytes for one in self.inputs)
        if count >= self.limit or size >= READ_BYTES or monotonic_s() > self._until_s:
            raise StopTrial("enough samples were seen")

    def _come_again(self, x: NDArray[Any]) -> bool:
        """Return whether most rows of a batch were seen in earlier ones: a pass over the data has ended."""
        rows = {np.ascontiguousarray(row).tobytes() for row in x}
        seen = len(rows & self._known)
        self._known |= rows
        return 2 * seen > len(rows)
