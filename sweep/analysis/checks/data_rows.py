"""Whether a stretch of rows has wrong labels: shifted, permuted, or numbered differently."""

from collections.abc import Iterator

from sweep.domain.data_check import DataCheck
from sweep.domain.data_figures import DataFindings, LabelKind, MovedRows, NeighbourFigures, RowsApart

NAME = "labels along the rows"
ALLOWED = "labels match inputs in every stretch of rows as well as in the rest"
FIXED = 4.0
"""Gain, in standard errors, from which shifting a stretch back fixes it; healthy sets stay below 3.3 (docs/checks.md).
"""
APART = 5.0
"""Lack, in standard errors, from which a stretch at or below GONE differs from the rest; healthy sets stay below 4.3.
"""
NOTHING = 3.0
"""Agreement within this many standard errors of chance leaves nothing to compare a stretch with."""
SAME = 0.5
"""Least agreement of labels shifted back, as a share of the agreement of the rest (both above chance)."""
GONE = 0.25
"""Largest agreement of a stretch with the rest, as a share of the agreement within the rest (both above chance)."""


def row_checks(found: DataFindings, near: NeighbourFigures) -> Iterator[DataCheck]:
    """Yield the check of labels along the rows; `near` are the neighbours of `found`."""
    along = near.along_rows
    if along is None:  # too few samples, or measured by an earlier version
        return
    train = found.readable().get("train")
    of = " of those read" if train is not None and train.read != train.total else ""
    yield _moved(near, along.moved, of) or _apart(near, along.apart, of) or _nothing(near)


def _nothing(near: NeighbourFigures) -> DataCheck:
    if near.agreement <= near.chance + NOTHING * near.error:
        return DataCheck.skipped(NAME, "neighbours agree no more than by chance, so no stretch can stand out")
    return DataCheck.ok(NAME, "no stretch of rows stands out", ALLOWED)


def _moved(near: NeighbourFigures, seen: MovedRows, of: str) -> DataCheck | None:
    """Return the finding if shifting the labels of a stretch fixes it, and shifting the others would harm them."""
    chance = near.chance
    gain = _errors(near, seen.after, seen.before, seen.samples)
    loss = _errors(near, seen.rest, seen.rest_moved, seen.rest_samples)
    if min(gain, loss) < FIXED or seen.after - chance < SAME * (seen.rest - chance):
        return None
    rows, move = _rows(seen), abs(seen.move)
    words = f"{'one row' if move == 1 else f'{move} rows'} {'down' if seen.move > 0 else 'up'}"
    said = (
        f"labels of about rows {rows}{of} seem shifted {words}: neighbours agree {_level(near, seen.before)}, "
        f"shifted back {_level(near, seen.after)}"
    )
    return DataCheck.broken(NAME, said, ALLOWED, f"check where inputs and labels of these rows{of} are combined")


def _apart(near: NeighbourFigures, seen: RowsApart | None, of: str) -> DataCheck | None:
    """Return the finding if labels of a stretch do not match those of the rest, while the rest's match each other."""
    if seen is None:
        return None
    chance = seen.chance
    lack = _errors(near, seen.outside, seen.across, min(seen.across_samples, seen.outside_samples))
    usual = seen.outside - chance
    if lack < APART or seen.across - chance > GONE * usual:
        return None
    why, own = "as if they were permuted", seen.within
    if own is not None and own - chance >= SAME * usual and near.kind is LabelKind.CLASSES:
        why = f"among themselves they do ({_level(near, own)}), as if classes were numbered differently"
    said = (
        f"labels of about rows {_rows(seen)}{of} do not match those of the rest: neighbours agree "
        f"{_level(near, seen.across)} across ({_level(near, chance)} by chance), elsewhere "
        f"{_level(near, seen.outside)}; {why}"
    )
    return DataCheck.warning(NAME, said, ALLOWED, "look at these rows and their labels: where do they come from?")


def _errors(near: NeighbourFigures, high: float, low: float, samples: float) -> float:
    """Return the number of standard errors by which one agreement, over this number of samples, exceeds the other.

    Pairs of one sample count as one, since they are not independent. The error is at least that of an agreement by
    chance.
    """
    variance = 1.0  # of the mean product of scores over five neighbours, 0.2 to 0.5 each if nothing is related
    if near.kind is LabelKind.CLASSES:
        least = 2 * near.chance * (1 - near.chance)
        variance = max(least, high * (1 - high) + low * (1 - low))
    return float((high - low) / (variance / samples) ** 0.5) if variance else 0.0


def _rows(seen: MovedRows | RowsApart) -> str:
    return f"{seen.rows[0]:,} to {seen.rows[1]:,}"


def _level(near: NeighbourFigures, agreement: float) -> str:
    return f"in {agreement:.0%}" if near.kind is LabelKind.CLASSES else f"by {agreement:.2f}"
