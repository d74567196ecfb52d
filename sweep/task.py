"""The part of sweep that a task uses (docs/tasks.md). Standard library only, so importing it is cheap.

A task is a function `train(cfg, run)`; the same module may define `prepare(cfg)`, `data(cfg)` and `model(cfg)`.
"""

from pathlib import Path
from typing import Any, Protocol


class StopTrial(BaseException):
    """Raised by `run.log` when the trial must end here. Not an Exception, so that `except Exception` does not catch
    it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TaskConfig(dict[str, Any]):
    """The resolved `task` section: a dict whose keys are also attributes, nested sections included."""

    def __init__(self, items: dict[str, Any]) -> None:
        super().__init__({k: TaskConfig(v) if isinstance(v, dict) else v for k, v in items.items()})

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"the task config has no key {key!r}; it has: {', '.join(self)}") from None


class Run(Protocol):
    """One run of a trial, as the task sees it."""

    @property
    def seed(self) -> int:
        """The trial's seed. Draw from `stream`, not from this, so that trials of different cells stay paired."""
        ...

    @property
    def dir(self) -> Path:
        """The run's own folder."""
        ...

    def stream(self, name: str) -> int:
        """Return the seed, in [0, 2**31), of a named stream: "init", "order", "augmentation", "dropout", ..."""
        ...

    def log(self, step: int, **metrics: float) -> None:
        """Record scalars at an optimizer step (including NaN and inf): `run.log(10, **{"train/loss": 0.3})`.

        Raises StopTrial when the trial must end: target held, diverged, budget used up, pruned, study stopping. This
        takes effect at the first log of a later step: everything logged at the deciding step is recorded.
        """
        ...

    def describe(self, **facts: float | str) -> None:
        """Record facts about the task before training; they choose the rule if no target is given.

        Used are `label_entropy` (entropy of the label prior, in nats) and `target_variance` (variance of a regression
        target; the loss is then taken as its MSE).
        """
        ...

    def watch(self, model: Any, optimizer: Any) -> None:
        """Record gradient norms, update ratios, learning rate and more of a Paddle model's training (docs/monitor.md).

        Call it once, before the training loop. It does not change the results of the training.
        """
        ...

    def hapi_callback(self) -> Any:
        """Return a callback for `paddle.Model.fit` that logs losses and metrics by `log`, and watches the training.

        `train/<name>` is logged at each optimizer step, `val/<name>` at each evaluation.
        """
        ...

    def artifact(self, name: str) -> Path:
        """Return the path of a file of this run to write to; its folder exists."""
        ...
