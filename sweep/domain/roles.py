"""Which series of a run is the loss: it may end the run as diverged, and decides if no target is given.

Standard library only: trial processes import it.
"""

from collections.abc import Collection

from sweep.domain.metric_names import WATCH, is_loss, is_validation
from sweep.domain.target import Target
from sweep.errors import nearest

LOSS_NAMES = ("train/loss", "train_loss", "loss")
"""Without `converge.loss`, the loss is the only logged series with exactly one of these names."""


def loss_candidates(target: Target, logged: Collection[str]) -> tuple[str, ...]:
    """Return the logged series that could be the loss; if there is exactly one, it is the loss."""
    named = target.named_loss
    return tuple(name for name in (LOSS_NAMES if named is None else (named,)) if name in logged)


def loss_of(target: Target, logged: Collection[str]) -> str | None:
    """Return the series that is the loss, None if none is or several could be."""
    found = loss_candidates(target, logged)
    return found[0] if len(found) == 1 else None


def training_loss_of(target: Target, logged: Collection[str]) -> str | None:
    """Return the series that shows the optimisation: the loss, or the training loss if the loss is of held-out data."""
    loss = loss_of(target, logged)
    if target.loss is not None or (loss is not None and not is_validation(loss)):
        return loss
    found = [name for name in LOSS_NAMES if name in logged]
    return found[0] if len(found) == 1 else loss


def shown_loss(target: Target, logged: Collection[str]) -> str | None:
    """Return the loss to show, even if several series could be it or none is named as in LOSS_NAMES."""
    named = (training_loss_of(target, logged), *loss_candidates(target, logged), *LOSS_NAMES)
    found = next((name for name in named if name is not None and name in logged), None)
    others = sorted((name for name in logged if is_loss(name)), key=lambda name: (is_validation(name), name))
    return found or next(iter(others), None)


def shown_metric(target: Target, logged: Collection[str]) -> str | None:
    """Return the series to show first: the deciding one, else a candidate for it, else None."""
    if target.named_decider is not None:
        return target.named_decider
    return next(iter(loss_candidates(target, logged)), None)


def loss_note(target: Target, logged: Collection[str]) -> str:
    """Return a note if no loss can end a trial because several could be it or the named one is missing; else "".

    Also empty if no target is given: then no trial can be judged, and the verdict says so.
    """
    found = loss_candidates(target, logged)
    if target.loss is not None and not found and logged and target.loss != target.named_decider:
        near = nearest(target.loss, [name for name in logged if not name.startswith(WATCH)])
        other = f" The nearest logged name is {near}: converge.loss={near}." if near else ""
        return f"No trial logged {target.loss} (converge.loss), so no loss can end a trial as diverged.{other}"
    if len(found) < 2 or target.named_decider is None:
        return ""
    return (
        f"Several series could be the training loss ({', '.join(found)}), so none can end a trial as diverged. "
        f"To name the loss, add converge.loss={found[0]} to the command."
    )
