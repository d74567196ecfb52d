"""What a metric's name says about it. Standard library only: a trial process reads this."""

import re

WATCH = "watch/"
"""Names of the monitor's series (docs/monitor.md) begin with this: none is a metric of the task."""

_MEASURES_OF_A_LOSS = frozenset(
    {
        *("scale", "scaler", "scaling", "weight", "weights", "coef", "coeff", "coefficient", "lambda", "factor"),
        *("ratio", "rate", "lr", "temperature", "count", "step", "steps", "std", "var", "variance", "norm"),
        *("ms", "sec", "secs", "seconds", "time"),
    }
)
"""Behind the word "loss" these make a name of something else: a loss scale, a loss weight, the milliseconds it took."""
_HELD_OUT = frozenset({"val", "valid", "validation", "test", "testing", "eval", "evaluation", "dev"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case: `val/topK_acc` is val, top, k, acc."""
    return [word.lower() for word in _WORD.findall(name)]


_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts names as a reader expects: `l2` before `l10`, and equal numbers by their text."""
    parts = _DIGITS.split(name)
    return tuple((0, int(part), part) if at % 2 else (1, 0, part) for at, part in enumerate(parts))


def is_loss(metric: str) -> bool:
    """Return whether a metric looks like a loss by its name: `train/loss`, `ce_loss`, `loss_ce`, not `loss_scale`.

    It only suggests: for a default mode, an order, a hint. Which series may end a run is never read off a name like
    this (sweep.domain.roles). What the monitor has seen of the loss, `watch/loss`, is none of the task's.
    """
    if metric.startswith(WATCH):
        return False
    words = _words(metric.rpartition("/")[2])
    at = max((n for n, word in enumerate(words) if word.endswith(("loss", "losses"))), default=None)
    return at is not None and _MEASURES_OF_A_LOSS.isdisjoint(words[at + 1 :])


def is_validation(metric: str) -> bool:
    """Return whether a metric is of held-out data by its name: val, valid, test, eval or dev is one of its words."""
    return not _HELD_OUT.isdisjoint(_words(metric))
