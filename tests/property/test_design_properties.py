import math
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.domain.axis import BASE, Axis, Level
from sweep.plan.designs import full_factorial, leave_one_out, one_at_a_time, pairs, plackett_burman


def make_axes(sizes):
    return tuple(
        Axis(
            name=f"a{i}",
            levels=tuple(Level(name=f"l{j}", overrides=(f"task.k{i}={j}",)) for j in range(size)),
        )
        for i, size in enumerate(sizes)
    )


any_axes = st.lists(st.integers(1, 3), max_size=5).map(make_axes)
two_level_axes = st.integers(0, 11).map(lambda k: make_axes([1] * k))
general = pytest.mark.parametrize("design", [one_at_a_time, leave_one_out, full_factorial, pairs])
tries = settings(max_examples=30, deadline=None)


@general
@tries
@given(axes=any_axes)
def test_the_base_comes_first_and_no_cell_twice(design, axes):
    cells = design(axes)
    assert cells[0] == BASE
    assert len(set(cells)) == len(cells)


@general
@tries
@given(axes=any_axes)
def test_the_order_is_always_the_same(design, axes):
    # Equal axes made again: nothing may hang on identity or on the order of a set.
    assert design(make_axes([len(axis.levels) for axis in axes])) == design(axes)


@general
@tries
@given(axes=any_axes)
def test_every_toggle_is_tried(design, axes):
    tried = {toggle for cell in design(axes) for toggle in cell.toggles}
    assert tried == {toggle for axis in axes for toggle in axis.toggles}


@tries
@given(axes=any_axes)
def test_sizes_are_those_of_the_formulas(axes):
    sizes = [len(axis.levels) for axis in axes]
    k, total = len(sizes), sum(sizes)
    assert len(one_at_a_time(axes)) == 1 + total
    assert len(leave_one_out(axes)) == {0: 1, 1: 1 + total}.get(k, 2 + total)
    assert len(pairs(axes)) == 1 + total + sum(a * b for a, b in combinations(sizes, 2))
    assert len(full_factorial(axes)) == math.prod(1 + size for size in sizes)


@tries
@given(axes=any_axes)
def test_pairs_covers_every_pair_of_levels_of_different_axes(axes):
    cells = set(pairs(axes))
    for one, two in combinations(axes, 2):
        for toggles in product(one.toggles, two.toggles):
            assert any(cell.toggles == set(toggles) for cell in cells)
    assert max(len(cell.toggles) for cell in cells) <= 2


@tries
@given(axes=any_axes)
def test_full_factorial_covers_every_combination_small_ones_first(axes):
    cells = full_factorial(axes)
    seen = {tuple(cell.level_of(axis.name) for axis in axes) for cell in cells}
    assert seen == set(product(*(["base", *(level.name for level in axis.levels)] for axis in axes)))
    counts = [len(cell.toggles) for cell in cells]
    assert counts == sorted(counts)


@tries
@given(axes=any_axes.filter(lambda axes: len(axes) > 1))
def test_leave_one_out_takes_each_axis_out_of_all_on(axes):
    cells = set(leave_one_out(axes))
    all_on = {axis.toggles[0] for axis in axes}
    assert any(cell.toggles == all_on for cell in cells)
    for toggle in all_on:
        assert any(cell.toggles == all_on - {toggle} for cell in cells)


@settings(max_examples=12, deadline=None)
@given(axes=two_level_axes)
def test_plackett_burman_columns_are_balanced_and_orthogonal(axes):
    cells = plackett_burman(axes)
    assert cells[0] == BASE
    assert len(set(cells)) == len(cells)
    assert len(cells) == next(n for k, n in ((0, 1), (1, 2), (3, 4), (7, 8), (11, 12)) if len(axes) <= k)
    columns = [[1 if cell.level_of(axis.name) != "base" else -1 for cell in cells] for axis in axes]
    assert all(sum(column) == 0 for column in columns)
    assert all(sum(a * b for a, b in zip(one, two, strict=True)) == 0 for one, two in combinations(columns, 2))
