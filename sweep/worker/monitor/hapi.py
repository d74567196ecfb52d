"""The callback of `paddle.Model.fit` that logs to a run."""

from typing import Any

import paddle

from sweep.task import Run


class RunCallback(paddle.callbacks.Callback):  # type: ignore[misc]  # paddle has no types
    """Logs `train/<name>` at each optimizer step and `val/<name>` at each evaluation, and watches the training.

    StopTrial passes through `fit` and ends it between two batches.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._step = 0
        self._batches = 0

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - the signature is Paddle's
        """Watch the network and its optimizer."""
        self._run.watch(self.model.network, self.model._optimizer)

    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> None:  # noqa: ARG002 - the signature is Paddle's
        """Restart the count of batches, which says when an optimizer step is complete."""
        self._batches = 0

    def on_train_batch_end(self, step: Any, logs: Any = None) -> None:  # noqa: ARG002 - the signature is Paddle's
        """Log the loss and metrics of the training if this batch completed an optimizer step."""
        self._batches += 1
        every = getattr(self.model, "_accumulate", 1)
        if self._batches % every == 0 or self._batches == self.params.get("steps"):
            self._step += 1
            self._run.log(self._step, **_scalars("train", logs))

    def on_eval_end(self, logs: Any = None) -> None:
        """Log the loss and metrics of the evaluation at the current step."""
        self._run.log(self._step, **_scalars("val", logs))


def _scalars(part: str, logs: Any) -> dict[str, float]:
    """Return the logs of fit as scalars. Several losses are summed, as fit trains on the sum."""
    left_out = ("step", "batch_size", "steps")
    values = {name: value for name, value in (logs or {}).items() if name not in left_out}
    return {f"{part}/{name}": float(sum(v) if isinstance(v, list | tuple) else v) for name, v in values.items()}
