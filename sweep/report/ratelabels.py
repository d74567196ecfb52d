"""Where the labels of a few vertical lines stand, so that none covers another and no line runs through one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

CHAR_PX = 8.8
"""Pixels of a label's character, on average: Chromium has 8.0 at most in DejaVu Sans, the widest of the usual fonts."""
BOLD_CHAR_PX = 10.2
"""The same of a bold label, where it has 9.5."""
GAP_PX = 5
"""Between a line and the label beside it."""
APART_PX = 8
"""Between two labels in one row."""
ROWS = 3
"""With as many rows as lines there is always a place: see `places_of`."""
_ROW_COST, _SIDE_COST, _FAULT_COST = 3, 1, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A line at `x` and the words on it: `width` pixels of them."""

    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a label stands: in a row, 0 the topmost, left of its line (-1), centred over it (0), or right of it (1)."""

    row: int
    side: int


def width_of(words: str, *, is_bold: bool = False) -> float:
    """Return how many pixels these words take at most."""
    return len(words) * (BOLD_CHAR_PX if is_bold else CHAR_PX)


def places_of(labels: Sequence[Label], low: float, high: float) -> tuple[Place, ...]:
    """Return a place for each of up to ROWS labels: within low to high, none over another, none crossed by a line.

    A line runs down from the row of its label. For all positions there are such places where three labels fit beside
    each other: labels that hang to the left from the rightmost line in the topmost row, and so on down, are crossed by
    no line, nor are those that hang to the right from the leftmost; lines at both edges hang towards the middle. Of all
    that fit, the ones with the fewest rows are taken, then those with the most labels centred, the first label first.
    """
    options = [Place(row=row, side=side) for row in reversed(range(ROWS)) for side in (0, -1, 1)]
    return min(product(options, repeat=len(labels)), key=lambda places: _cost(labels, places, low, high))


def span_of(label: Label, place: Place) -> tuple[float, float]:
    """Return from where to where a label reaches, in pixels."""
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
