"""The agreement that is reported of a stretch is what counting its pairs one by one gives, for any set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.domain.data_figures import LabelKind
from sweep.worker.checks.stretches import SHORTEST, Neighbours, measure_stretches

KINDS = st.sampled_from([LabelKind.CLASSES, LabelKind.VALUES])


def neighbours(seed, n, kind):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    labels = np.rint(x[:, 0] * 2) if kind == LabelKind.CLASSES else x[:, 0] + rng.normal(size=n)
    stretch = sorted(rng.integers(0, n, 2))
    labels[slice(*stretch)] = np.roll(labels[slice(*stretch)], int(rng.integers(-3, 4)))
    distance = ((x[:, None] - x) ** 2).sum(axis=2) + np.diag(np.full(n, np.inf))
    rows, nearest = np.arange(n), np.argsort(distance, axis=1)[:, :5]
    return Neighbours(labels=labels, numbers=rows, rows=rows, nearest=nearest, kind=kind)


def counted(near, labels, chosen):
    """Return the mean agreement of the pairs (first, second) that are chosen."""
    first, second = np.repeat(near.rows, near.nearest.shape[1]), near.nearest.reshape(-1)
    pairs = chosen(first, second)
    if near.kind == LabelKind.CLASSES:
        return (labels[first] == labels[second])[pairs].mean()
    return (1 - (labels[first] - labels[second]) ** 2 / 2)[pairs].mean()


def scored(near):
    if near.kind == LabelKind.CLASSES:
        return near.labels
    ranks = np.argsort(np.argsort(near.labels)).astype(float)
    return (ranks - ranks.mean()) / ranks.std()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2 * SHORTEST, 300), kind=KINDS)
def test_the_figures_of_the_moved_stretch_are_those_of_its_pairs(seed, n, kind):
    near = neighbours(seed, n, kind)
    seen = measure_stretches(near).moved
    labels = scored(near)
    first, last = seen.rows
    is_in = (near.rows >= first) & (near.rows <= last)
    all_moved = labels[np.clip(near.rows + seen.move, 0, n - 1)]
    moved = np.where(is_in, all_moved, labels)

    def touching(one, other):
        return is_in[one] | is_in[other]

    def beside(one, other):
        return ~is_in[one] | ~is_in[other]

    assert seen.samples == is_in.sum() >= SHORTEST
    assert seen.rest_samples == n - is_in.sum() >= SHORTEST
    assert seen.before == pytest.approx(counted(near, labels, touching))
    assert seen.after == pytest.approx(counted(near, moved, touching))
    assert seen.rest == pytest.approx(counted(near, moved, beside))
    assert seen.rest_moved == pytest.approx(counted(near, all_moved, beside))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2 * SHORTEST, 300), kind=KINDS)
def test_the_figures_of_the_stretch_apart_are_those_of_its_pairs(seed, n, kind):
    near = neighbours(seed, n, kind)
    seen = measure_stretches(near).apart
    if seen is None:
        return
    labels = scored(near)
    first, last = seen.rows
    is_in = (near.rows >= first) & (near.rows <= last)
    assert seen.across == pytest.approx(counted(near, labels, lambda one, other: is_in[one] != is_in[other]))
    assert seen.outside == pytest.approx(counted(near, labels, lambda one, other: ~is_in[one] & ~is_in[other]))
    inside, outside = labels[is_in], labels[~is_in]
    pairs = (
        inside[:, None] == outside if kind == LabelKind.CLASSES else 1 - (inside[:, None] - outside) ** 2 / 2
    )  # of all with all
    assert seen.chance == pytest.approx(pairs.mean())
