"""What a metric's name says about it. Standard library only: a trial process reads this."""


def is_loss(metric: str) -> bool:
    """Return whether a metric is a loss by its name: `loss` is in the last path component (`train/loss`, `ce_loss`)."""
    return "loss" in metric.rpartition("/")[2].lower()
