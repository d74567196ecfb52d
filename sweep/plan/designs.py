"""Designs: rules that make cells from axes. Each gives distinct cells, the base first, always in the same order.

L_i below is the number of levels of axis i other than its baseline, k the number of axes.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product

from sweep.domain.axis import BASE, Axis, Cell, Toggle
from sweep.errors import ConfigError

Design = Callable[[Sequence[Axis]], tuple[Cell, ...]]

MAX_CELLS = 4096
"""Number of cells of the largest full factorial: one hour at one second per trial and one seed."""


def one_at_a_time(axes: Sequence[Axis]) -> tuple[Cell, ...]:
    """Return the base and each toggle alone: 1 + sum(L_i) cells. Shows which single changes suffice."""
    return _distinct([(), *_singles(axes)])


def leave_one_out(axes: Sequence[Axis]) -> tuple[Cell, ...]:
    """Return the base, all axes on, and all but one on: 2 + sum(L_i) cells (1 + L_1 for one axis).

    "On" is an axis's first level. Each further level of an axis is tried instead of its first one, with all other axes
    on, so that every toggle is tried. Shows which changes are needed for all of them together to work.
    """
    all_on = [axis.toggles[0] for axis in axes]
    without = [all_on[:i] + all_on[i + 1 :] for i in range(len(axes))]
    instead = [[*all_on[:i], other, *all_on[i + 1 :]] for i, axis in enumerate(axes) for other in axis.toggles[1:]]
    return _distinct([(), all_on, *without, *instead])


def pairs(axes: Sequence[Axis]) -> tuple[Cell, ...]:
    """Return the base, each toggle alone and each two of different axes: 1 + sum(L_i) + sum over i<j of L_i L_j."""
    doubles = [pair for one, two in combinations(axes, 2) for pair in product(one.toggles, two.toggles)]
    return _distinct([(), *_singles(axes), *doubles])


def full_factorial(axes: Sequence[Axis]) -> tuple[Cell, ...]:
    """Return every combination of levels, those with fewer toggles first: product of (1 + L_i) cells.

    Raises ConfigError above MAX_CELLS, naming smaller designs.
    """
    size = math.prod(1 + len(axis.levels) for axis in axes)
    if size > MAX_CELLS:
        singles = 1 + sum(len(axis.levels) for axis in axes)
        raise ConfigError(
            "driver.design",
            f"{size} cells are too many (at most {MAX_CELLS})",
            value="full_factorial",
            hint=f"one_at_a_time has {singles} cells, leave_one_out {singles + 1}, pairs {len(pairs(axes))}",
        )
    subsets = (subset for count in range(len(axes) + 1) for subset in combinations(axes, count))
    return _distinct(toggles for subset in subsets for toggles in product(*(axis.toggles for axis in subset)))


_FIRST_ROWS = {4: "++-", 8: "+++-+--", 12: "++-+++---+-"}
# Plackett & Burman, "The design of optimum multifactorial experiments", Biometrika 33 (1946), p. 323: the rows are the
# cyclic shifts of the first one, and a last row of minuses.


def plackett_burman(axes: Sequence[Axis]) -> tuple[Cell, ...]:
    """Return a Plackett-Burman screening design of two-level axes: 4, 8 or 12 cells for up to 3, 7 or 11 axes.

    Columns are balanced and pairwise orthogonal (each pair of levels of two axes occurs equally often), so that each
    axis's main effect is estimated from all cells; it is confounded with interactions of the others. The all-minus row
    is the base. One axis takes 2 cells. Raises ConfigError for axes with several levels, or more than 11.
    """
    many = [axis.name for axis in axes if len(axis.levels) != 1]
    if many:
        raise ConfigError(
            "driver.design",
            f"each axis must have exactly one level besides its baseline; these have more: {', '.join(many)}",
            value="plackett_burman",
            hint="remove levels with '~axes.NAME.levels.LEVEL', or use one_at_a_time",
        )
    runs = next((runs for runs in _FIRST_ROWS if len(axes) < runs), None)
    if runs is None:
        raise ConfigError(
            "driver.design", f"at most 11 axes, not {len(axes)}", value="plackett_burman", hint="use one_at_a_time"
        )
    first = _FIRST_ROWS[runs]
    rows = [first[-shift:] + first[:-shift] for shift in range(runs - 1)]
    chosen = [[axis.toggles[0] for axis, sign in zip(axes, row, strict=False) if sign == "+"] for row in rows]
    return _distinct([(), *chosen])


class _Designs(dict[str, Design]):
    def __missing__(self, name: str) -> Design:
        raise ConfigError("driver.design", "unknown design", value=name, allowed=self)


DESIGNS: dict[str, Design] = _Designs(
    one_at_a_time=one_at_a_time,
    leave_one_out=leave_one_out,
    full_factorial=full_factorial,
    pairs=pairs,
    plackett_burman=plackett_burman,
)
"""The designs by their name in `driver.design`. An unknown name raises ConfigError."""


def _singles(axes: Sequence[Axis]) -> list[tuple[Toggle]]:
    return [(toggle,) for axis in axes for toggle in axis.toggles]


def _distinct(cells: Iterable[Iterable[Toggle]]) -> tuple[Cell, ...]:
    """Return the cells in this order without duplicates. The first one given is the base."""
    return tuple(dict.fromkeys([BASE, *(Cell.of(toggles) for toggles in cells)]))
