"""Whether a stretch of rows has the labels of other rows, by nearest neighbours along the rows of a set.

A pair is a sample and one of its nearest neighbours. Moving the labels of rows [a, b) by some rows changes how far the
pairs that touch these rows agree; the sums over all stretches come from tables of pairs by block of rows, so that every
stretch and every move costs a few additions.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sweep.domain.data_figures import AlongRows, LabelKind, MovedRows, RowsApart
from sweep.worker.checks.measures import known

BLOCKS = 100
"""Number of blocks of rows at which stretches begin and end, each of BLOCK_ROWS samples at least."""
BLOCK_ROWS = 10
MOVES = tuple(sign * rows for rows in range(1, 11) for sign in (1, -1))
"""Moves of labels that are tried, the smallest first."""
SHORTEST = 40
"""Number of samples of a stretch, and of what is left beside it, at least."""
ALIKE = 0.3
"""Total variation up to which the labels of a stretch are distributed as those of the rest."""
BINS = 4
"""Number of quantiles by which targets of a regression are compared."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """Pairs of samples, and the labels of the set they are from.

    `labels` [m] of all usable samples in their order, `numbers` [m] which of the set these are; `rows` [n], ascending,
    those of them looked at; `nearest` [n, k] for each its neighbours, as numbers below n.
    """

    labels: Floats
    numbers: Ints
    rows: Ints
    nearest: Ints
    kind: LabelKind  # CLASSES or VALUES

    def at(self, move: int) -> Floats:
        """Return the labels [n] that stand `move` rows further down."""
        moved: Floats = self.labels[np.clip(self.rows + move, 0, len(self.labels) - 1)]
        return moved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stretches:
    """Every stretch of blocks, as where it begins [s] and ends [s]; `block` [n] is that of each sample."""

    block: Ints
    begin: Ints
    end: Ints
    size: Ints  # samples

    @property
    def blocks(self) -> int:
        return int(self.block[-1]) + 1

    def within(self, table: Floats) -> Floats:
        """Return the sum over pairs of which both are in the stretch."""
        begin, end = self.begin, self.end
        sums: Floats = table[end, end] - table[begin, end] - table[end, begin] + table[begin, begin]
        return sums

    def across(self, table: Floats) -> Floats:
        """Return the sum over pairs of which the first is in the stretch and the second is not."""
        sums: Floats = table[self.end, -1] - table[self.begin, -1] - self.within(table)
        return sums

    def into(self, table: Floats) -> Floats:
        """Return the sum over pairs of which the second is in the stretch and the first is not."""
        return self.across(table.T)

    def outside(self, table: Floats) -> Floats:
        """Return the sum over pairs of which neither is in the stretch."""
        sums: Floats = table[-1, -1] - self.within(table) - self.across(table) - self.into(table)
        return sums


def measure_stretches(near: Neighbours) -> AlongRows | None:
    """Return what stands out along the rows; None if there are too few samples to say.

    Agreement is a share of pairs; of a regression 1 - d**2 / 2, d the difference of two targets' ranks in standard
    deviations: 1 if they are equal, 0 on average if they have nothing to do with each other.
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
    """Return sums [blocks + 1, blocks + 1] of the pairs' weights up to a block of the first and one of the second."""
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
        """Return the table with everything moved, and the agreement of all pairs with only each stretch moved."""
        other = near.at(move)
        both = table(other, other)
        across = stretches.across(table(other, own) + table(own, other).T)
        return both, outside + across + stretches.within(both)

    best = max(MOVES, key=lambda move: float(tables(move)[1].max()))  # the first, of those with as many
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
    """Return the mean agreement of all pairs of targets of one and the other."""
    return float(1 - (first.var() + second.var() + (first.mean() - second.mean()) ** 2) / 2)


def _shares(own: Floats, kind: LabelKind, stretches: _Stretches) -> tuple[Floats, Floats]:
    """Return the share of each class [s, classes] in every stretch and outside of it; of targets that of quantiles."""
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
