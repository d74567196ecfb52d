"""What a metric's name says about it. Standard library only: a trial process reads this."""

WATCH = "watch/"
"""Names of the monitor's series (docs/monitor.md) begin with this: none is a metric of the task."""


def is_loss(metric: str) -> bool:
    """Return whether a metric is a loss by its name: `loss` is in the last path component (`train/loss`, `ce_loss`).

    What the monitor has seen of the loss, `watch/loss`, is none: the task's own losses decide.
    """
    return "loss" in metric.rpartition("/")[2].lower() and not metric.startswith(WATCH)
