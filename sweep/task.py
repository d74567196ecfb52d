"""What a task sees of sweep (docs/tasks.md). Standard library only: importing this costs a task nothing.

A task is a function `train(cfg, run)`; it may come with `prepare(cfg)`, `data(cfg)` and `model(cfg)` beside it.
"""

from pathlib import Path
from typing import Any, Protocol


class StopTrial(BaseException):
    """Raised by `run.log` when the trial is to end here. Not an Exception, so that `except Exception` lets it pass."""

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
        """Record scalars at an optimizer step (NaN and inf included): `run.log(10, **{"train/loss": 0.3})`.

        Raises StopTrial when the trial is to end: target held, diverged, budget used up, pruned, study stopping. That
        takes effect at the first log of a later step: all that is logged at the deciding step is recorded.
        """
        ...

    def describe(self, **facts: float | str) -> None:
        """Record what is known of the task before training, which decides the rule where no target is given.

        Read: `label_entropy` (entropy of the label prior, in nats), `target_variance` (variance of a regression
        target; the loss is then taken as its MSE).
        """
        ...

    def watch(self, model: Any, optimizer: Any) -> None:
        """Record gradient norms, update ratios, learning rate and more of a Paddle model's training (docs/monitor.md).

        Called once, before the loop, which needs no change; the training computes what it computes without it.
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
