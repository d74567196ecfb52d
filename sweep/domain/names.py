"""What a metric's name says about it. Standard library only: a trial process reads this."""

WATCH = "watch/"
"""What the names of the monitor's own series and facts begin with."""


def is_loss(metric: str) -> bool:
    """Return whether a metric is a loss by its name: `loss` is in the last path component (`train/loss`, `ce_loss`).

    What the monitor records beside the task's own metrics is none: whether a run is watched decides nothing.
    """
    return "loss" in metric.rpartition("/")[2].lower() and not metric.startswith(WATCH)
