"""What to say of a study whose trials never logged what the target is judged by."""

from collections.abc import Collection, Sequence

from sweep.domain.names import WATCH, is_loss
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.errors import nearest

NAMED = 8
"""So many of the metrics that were logged are named."""


def unlogged_sentences(outcomes: Sequence[Outcome], target: Target, logged: Collection[str]) -> str:
    """Return that no trial logged the target's metric, what they did log, and the override to paste; mostly empty.

    Empty where one of them logged it, and where no trial ran to its end: then something else is to be said.
    `logged` are the names of all metrics of the study.
    """
    ended = any(o.state is TrialState.COMPLETED and not o.is_evidence for o in outcomes)
    by_metric = target.metric is not None and target.threshold is not None
    is_there = target.metric in logged if by_metric else any(is_loss(name) for name in logged)
    if not ended or is_there:
        return ""
    what = f"'{target.metric}', the target's metric" if by_metric else "a loss, which decides where no target is given"
    first = f"No trial logged {what}: nothing can be judged."
    names = sorted(name for name in logged if not name.startswith(WATCH))
    if not names:
        return f"{first} They logged no metric at all."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{first} They logged {', '.join(names[:NAMED])}{more}. {_way_out(names, target, by_metric=by_metric)}"


def _way_out(names: Sequence[str], target: Target, *, by_metric: bool) -> str:
    """Return the override that judges by a metric that is there: the nearest in name, else one of the right kind."""
    near = nearest(target.metric, names) if target.metric else None
    metric = near or min(names, key=lambda n: (is_loss(n) is not (target.mode is Mode.MIN), not n.startswith("val"), n))
    if not by_metric:
        return f"To judge by one of them, add converge.metric={metric} converge.target=NUMBER to the command."
    which = f"The nearest is {metric}" if near else "To judge by one of them"
    return f"{which}{':' if near else ','} add converge.metric={metric} to the command."
