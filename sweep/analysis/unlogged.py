"""The message for a study whose trials never logged the target's metric."""

from collections.abc import Collection, Sequence

from sweep.domain.metric_names import WATCH, is_loss
from sweep.domain.roles import loss_candidates
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.errors import nearest

NAMED = 8
"""Number of logged metrics that are named."""


def unlogged_sentences(outcomes: Sequence[Outcome], target: Target, logged: Collection[str]) -> str:
    """Return that no trial logged the target's metric, what the trials did log, and the override to paste.

    Empty if a trial logged it, and if no trial ran to its end, which calls for another message. `logged` are the names
    of all metrics of the study.
    """
    ended = any(o.state is TrialState.COMPLETED and not o.is_evidence for o in outcomes)
    by_metric = target.metric is not None and target.threshold is not None
    decider = target.named_decider
    candidates = loss_candidates(target, logged)
    if not ended or (decider in logged if decider is not None else len(candidates) == 1):
        return ""
    names = sorted(name for name in logged if not name.startswith(WATCH))
    if decider is None and candidates:
        return (
            f"Nothing can be judged: without a target the loss decides, and several series could be the loss "
            f"({', '.join(candidates)}). To choose one, add converge.loss={candidates[0]} to the command."
        )
    if not names:
        name = decider or "train/loss"
        wanted = f"'{name}' (converge.metric)" if by_metric else "the loss"
        how = f"Call run.log(step, **{{'{name}': value}}) in the task's training loop."
        return f"No trial logged any metric, so {wanted} cannot be judged. {how}"
    what = f"'{decider}', the target's metric" if by_metric else "a loss, which decides if no target is given"
    first = f"No trial logged {what if decider is None or by_metric else repr(decider)}: nothing can be judged."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{first} They logged {', '.join(names[:NAMED])}{more}. {_way_out(names, target, by_metric=by_metric)}"


def _way_out(names: Sequence[str], target: Target, *, by_metric: bool) -> str:
    """Return the override that judges by a logged metric, preferably one of the target's kind with a similar name.

    If none is of the target's kind (a loss, or not a loss), its threshold and mode would not fit, and the override
    sets both. Without a target it sets which series is the loss.
    """
    losses = [name for name in names if is_loss(name)]
    if not by_metric and losses:
        return f"To judge by one of them, add converge.loss={losses[0]} to the command."
    alike = [name for name in names if is_loss(name) is (target.mode is Mode.MIN)]
    near = nearest(target.metric, alike or names) if target.metric else None
    metric = near or min(alike or names, key=lambda name: (not name.startswith("val"), name))
    words = [f"converge.metric={metric}"]
    if by_metric and not alike:
        words.append(f"converge.mode={Mode.MIN if is_loss(metric) else Mode.MAX}")
    if not (by_metric and alike):
        words.append("converge.target=NUMBER")
    which = f"The nearest is {metric}:" if near and by_metric else "To judge by one of them,"
    return f"{which} add {' '.join(words)} to the command."
