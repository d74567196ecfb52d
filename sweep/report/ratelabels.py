"""Places for the labels of a few vertical lines, so that no label covers another and no line crosses one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

CHAR_PX = 8.8
"""Pixels per character of a label, on average; Chromium needs at most 8.0 in DejaVu Sans, the widest usual font."""
BOLD_CHAR_PX = 10.2
"""The same for a bold label; Chromium needs at most 9.5."""
GAP_PX = 5
"""Pixels between a line and the label beside it."""
APART_PX = 8
"""Pixels between two labels in one row."""
ROWS = 3
"""Number of rows. With as many rows as lines there is always a place: see `places_of`."""
_ROW_COST, _SIDE_COST, _FAULT_COST = 3, 1, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The label of a line at `x`, `width` pixels wide."""

    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a label: its row (0 is the top) and its side: left of its line (-1), centred (0), or right (1)."""

    row: int
    side: int


def width_of(words: str, *, is_bold: bool = False) -> float:
    """Return the largest width of these words in pixels."""
    return len(words) * (BOLD_CHAR_PX if is_bold else CHAR_PX)


def places_of(labels: Sequence[Label], low: float, high: float) -> tuple[Place, ...]:
    """Return a place for each of up to ROWS labels: within low to high, none over another, none crossed by a line.

    A line runs down from the row of its label. Such places exist for all positions if three labels fit side by side.
    With the rightmost line's label in the top row and the others below, from right to left, labels to the left of their
    lines are crossed by no line; the mirror image holds for labels to the right. At the edges, labels go towards the
    middle. Of all places that fit, those with the fewest rows are taken, then those with the most labels centred, the
    first label first.
    """
    options = [Place(row=row, side=side) for row in reversed(range(ROWS)) for side in (0, -1, 1)]
    return min(product(options, repeat=len(labels)), key=lambda places: _cost(labels, places, low, high))


def span_of(label: Label, place: Place) -> tuple[float, float]:
    """Return the left and the right end of a label, in pixels."""
    if place.side == 0:
        return label.x - label.width / 2, label.x + label.width / 2
    near, far = label.x + place.side * GAP_PX, label.x + place.side * (GAP_PX + label.width)
    return min(near, far), max(near, far)


def _cost(labels: Sequence[Label], places: Sequence[Place], low: float, high: float) -> tuple[int, int]:
    cost, order = 0, 0
    spans = [span_of(label, place) for label, place in zip(labels, places, strict=True)]
    for i, (place, (left, right)) in enumerate(zip(places, spans, strict=True)):
        cost += _ROW_COST * (ROWS - 1 - place.row) + _SIDE_COST * (place.side != 0)
        order += (len(places) - i) * (place.side != 0)
        cost += _FAULT_COST * (left < low or right > high)
        for j, (other, (begin, end)) in enumerate(zip(places, spans, strict=True)):
            if i == j:
                continue
            is_over = place.row == other.row and left < end + APART_PX and begin < right + APART_PX
            is_crossed = other.row <= place.row and left - 1 < labels[j].x < right + 1
            cost += _FAULT_COST * (is_over + is_crossed)
    return cost, order
