"""Whether a stretch of rows has the labels of other rows, by nearest neighbours along the rows of a set.

A pair is a sample and one of its nearest neighbours. Moving the labels of rows [a, b) by some rows changes the
agreement of pairs with a sample in these rows. The sums over a stretch are read from a cumulative table of pairs by
blocks of rows, so that each stretch and each move costs a few additions.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sweep.domain.data_figures import AlongRows, LabelKind, MovedRows, RowsApart
from sweep.worker.checks.measures import known

BLOCKS = 100
"""Maximum number of blocks of rows; stretches consist of blocks, each of at least BLOCK_ROWS samples."""
BLOCK_ROWS = 10
MOVES = tuple(sign * rows for rows in range(1, 11) for sign in (1, -1))
"""Moves of labels to try, in rows, the smallest first."""
SHORTEST = 40
"""Minimum number of samples in a stretch, and outside of it."""
ALIKE = 0.3
"""Maximum total variation distance between the labels of a stretch and of the rest for them to count as alike."""
BINS = 4
"""Number of quantile bins by which values are compared."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """Pairs of samples, and the labels of their set.

    `labels` [m] are those of all usable samples, in order, and `numbers` [m] their rows in the set. `rows` [n],
    ascending, are the indices in `labels` of the compared samples; `nearest` [n, k] has the neighbours of each, as
    indices below n.
    """

    labels: Floats
    numbers: Ints
    rows: Ints
    nearest: Ints
    kind: LabelKind  # CLASSES or VALUES

    def at(self, move: int) -> Floats:
        """Return the labels [n] of the samples `move` rows further down."""
        moved: Floats = self.labels[np.clip(self.rows + move, 0, len(self.labels) - 1)]
        return moved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stretches:
    """All stretches: their first block and the block after the last [s]; `block` [n] is the block of each sample."""

    block: Ints
    begin: Ints
    end: Ints
    size: Ints  # in samples

    @property
    def blocks(self) -> int:
        return int(self.block[-1]) + 1

    def within(self, table: Floats) -> Floats:
        """Return the sum over pairs with both samples in the stretch."""
        begin, end = self.begin, self.end
        sums: Floats = table[end, end] - table[begin, end] - table[end, begin] + table[begin, begin]
        return sums

    def across(self, table: Floats) -> Floats:
        """Return the sum over pairs with only the first sample in the stretch."""
        sums: Floats = table[self.end, -1] - table[self.begin, -1] - self.within(table)
        return sums

    def into(self, table: Floats) -> Floats:
        """Return the sum over pairs with only the second sample in the stretch."""
        return self.across(table.T)

    def outside(self, table: Floats) -> Floats:
        """Return the sum over pairs with no sample in the stretch."""
        sums: Floats = table[-1, -1] - self.within(table) - self.across(table) - self.into(table)
        return sums


def measure_stretches(near: Neighbours) -> AlongRows | None:
    """Return the stretches that stand out: with moved labels, and with labels unlike the rest. None: too few samples.

    For classes, agreement is the share of pairs with equal labels. For values it is 1 - d**2 / 2, where d is the
    difference of the two ranks in standard deviations: 1 if they are equal, 0 on average if they are unrelated.
    """
    if len(near.rows) < 2 * SHORTEST:
        return None
    if near.kind is LabelKind.VALUES:
        near = replace(near, labels=_scores(near.labels))
    stretches = _stretches(len(near.rows))
    return AlongRows(moved=_moved(near, stretches), apart=_apart(near, stretches))


def _stretches(n: int) -> _Stretches:
    blocks = min(BLOCKS, n // BLOCK_ROWS)
    block = np.arange(n) * blocks // n
    bounds = np.searchsorted(block, np.arange(blocks + 1))
    begin, end = np.triu_indices(blocks + 1, 1)
    size = bounds[end] - bounds[begin]
    keep = (size >= SHORTEST) & (n - size >= SHORTEST)
    return _Stretches(block=block, begin=begin[keep], end=end[keep], size=size[keep])


def _scores(targets: Floats) -> Floats:
    ranks = np.unique(targets, return_inverse=True)[1].astype(np.float64)
    scores: Floats = (ranks - ranks.mean()) / (ranks.std() or 1.0)
    return scores


def _match(kind: LabelKind, first: Floats, second: Floats) -> Floats:
    agreement: Floats = (
        (first == second).astype(np.float64) if kind is LabelKind.CLASSES else 1 - (first - second) ** 2 / 2
    )
    return agreement


def _table(near: Neighbours, stretches: _Stretches, weights: Floats | None) -> Floats:
    """Return cumulative sums [blocks + 1, blocks + 1] of the pairs' weights, by blocks of first and second sample."""
    k, blocks = near.nearest.shape[1], stretches.blocks
    cell = np.repeat(stretches.block, k) * blocks + stretches.block[near.nearest.reshape(-1)]
    sums = np.bincount(cell, weights, blocks * blocks).reshape(blocks, blocks)
    return np.pad(sums.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))


def _moved(near: Neighbours, stretches: _Stretches) -> MovedRows:
    def table(first: Floats, second: Floats) -> Floats:
        k = near.nearest.shape[1]
        return _table(near, stretches, _match(near.kind, np.repeat(first, k), second[near.nearest].reshape(-1)))

    own = near.at(0)
    plain, pairs = table(own, own), _table(near, stretches, None)
    outside = stretches.outside(plain)

    def tables(move: int) -> tuple[Floats, Floats]:
        """Return the table with all labels moved, and for each stretch the sum of agreements if it alone is moved."""
        other = near.at(move)
        both = table(other, other)
        across = stretches.across(table(other, own) + table(own, other).T)
        return both, outside + across + stretches.within(both)

    best = max(MOVES, key=lambda move: float(tables(move)[1].max()))  # the smallest move of equal ones
    both, total = tables(best)
    at = int(total.argmax())
    touching = pairs[-1, -1] - stretches.outside(pairs)[at]
    rest = pairs[-1, -1] - stretches.within(pairs)[at]
    return MovedRows(
        rows=_rows(near, stretches, at),
        samples=int(stretches.size[at]),
        rest_samples=len(near.rows) - int(stretches.size[at]),
        move=best,
        before=float((plain[-1, -1] - outside[at]) / touching),
        after=float((total[at] - outside[at]) / touching),
        rest=float((total[at] - stretches.within(both)[at]) / rest),
        rest_moved=float((both[-1, -1] - stretches.within(both)[at]) / rest),
    )


def _rows(near: Neighbours, stretches: _Stretches, at: int) -> tuple[int, int]:
    first = int(np.searchsorted(stretches.block, stretches.begin[at]))
    after = int(np.searchsorted(stretches.block, stretches.end[at]))
    last = len(near.labels) - 1 if after == len(near.rows) else int(near.rows[after]) - 1
    return int(near.numbers[near.rows[first]]), int(near.numbers[last])


def _apart(near: Neighbours, stretches: _Stretches) -> RowsApart | None:
    own, k = near.at(0), near.nearest.shape[1]
    plain = _table(near, stretches, _match(near.kind, np.repeat(own, k), own[near.nearest].reshape(-1)))
    pairs = _table(near, stretches, None)
    inside_share, outside_share = _shares(own, near.kind, stretches)
    is_alike = np.abs(inside_share - outside_share).sum(axis=1) / 2 <= ALIKE
    crossing = stretches.across(pairs) + stretches.into(pairs)
    usable = is_alike & (crossing >= SHORTEST * k / 2) & (stretches.outside(pairs) >= SHORTEST * k / 2)
    if not usable.any():
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        across = (stretches.across(plain) + stretches.into(plain)) / crossing
        outside = stretches.outside(plain) / stretches.outside(pairs)
        within = stretches.within(plain) / stretches.within(pairs)
        lack = np.where(usable, (outside - across) * np.sqrt(crossing), -np.inf)
    at = int(lack.argmax())
    chance = float((inside_share[at] * outside_share[at]).sum())
    if near.kind is LabelKind.VALUES:
        is_inside = (stretches.block >= stretches.begin[at]) & (stretches.block < stretches.end[at])
        chance = _unrelated(own[is_inside], own[~is_inside])
    return RowsApart(
        rows=_rows(near, stretches, at),
        samples=int(stretches.size[at]),
        across_samples=float(crossing[at] / k),
        outside_samples=float(stretches.outside(pairs)[at] / k),
        across=float(across[at]),
        within=known(within[at]),
        outside=float(outside[at]),
        chance=chance,
    )


def _unrelated(first: Floats, second: Floats) -> float:
    """Return the mean agreement over all pairs of a target of the one and a target of the other."""
    return float(1 - (first.var() + second.var() + (first.mean() - second.mean()) ** 2) / 2)


def _shares(own: Floats, kind: LabelKind, stretches: _Stretches) -> tuple[Floats, Floats]:
    """Return the share of each class (for values: quantile bin) [s, classes] in each stretch, and outside of it."""
    if kind is LabelKind.CLASSES:
        number = np.unique(own, return_inverse=True)[1]
    else:
        number = np.searchsorted(np.quantile(own, np.arange(1, BINS) / BINS), own)
    classes = int(number.max()) + 1
    counts = np.bincount(stretches.block * classes + number, minlength=stretches.blocks * classes)
    total = np.pad(counts.reshape(stretches.blocks, classes).cumsum(axis=0), ((1, 0), (0, 0))).astype(np.float64)
    inside = total[stretches.end] - total[stretches.begin]
    outside = total[-1] - inside
    return inside / inside.sum(axis=1, keepdims=True), outside / outside.sum(axis=1, keepdims=True)
