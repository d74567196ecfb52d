"""What a metric's name says about it. Standard library only: trial processes import it."""

import re

WATCH = "watch/"
"""Prefix of the monitor's series (docs/monitor.md), which are not metrics of the task."""

_MEASURES_OF_A_LOSS = frozenset(
    {
        *("scale", "scaler", "scaling", "weight", "weights", "coef", "coeff", "coefficient", "lambda", "factor"),
        *("ratio", "rate", "lr", "temperature", "count", "step", "steps", "std", "var", "variance", "norm"),
        *("ms", "sec", "secs", "seconds", "time"),
    }
)
"""After the word "loss" these name something else: a loss scale, a loss weight, the time it took."""
_HELD_OUT = frozenset({"val", "valid", "validation", "test", "testing", "eval", "evaluation", "dev"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _words(name: str) -> list[str]:
    """Return the lower-case words of a name: `val/topK_acc` gives val, top, k, acc."""
    return [word.lower() for word in _WORD.findall(name)]


_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key for natural order: `l2` before `l10`; equal numbers are ordered by their text."""
    parts = _DIGITS.split(name)
    return tuple((0, int(part), part) if at % 2 else (1, 0, part) for at, part in enumerate(parts))


def is_loss(metric: str) -> bool:
    """Return whether a metric looks like a loss by its name: `train/loss`, `ce_loss`, `loss_ce`, not `loss_scale`.

    This is only a hint, for a default mode, an order or a message. Which series may end a run is never decided by such
    a name (sweep.domain.roles). The monitor's `watch/loss` is not a loss of the task.
    """
    if metric.startswith(WATCH):
        return False
    words = _words(metric.rpartition("/")[2])
    at = max((n for n, word in enumerate(words) if word.endswith(("loss", "losses"))), default=None)
    return at is not None and _MEASURES_OF_A_LOSS.isdisjoint(words[at + 1 :])


def is_validation(metric: str) -> bool:
    """Return whether a metric is of held-out data by its name: one of its words is val, valid, test, eval or dev."""
    return not _HELD_OUT.isdisjoint(_words(metric))
