"""The statistics behind a ranking, against published figures and brute force."""

import numpy as np
import pytest

from sweep.stats.exact import (
    combination_interval,
    fisher_p,
    holm,
    mcnemar_p,
    median_steps,
    paired_test,
    proportion,
    sign_flip_p,
    split_p,
)


def test_exact_tests_give_the_figures_of_method_3():
    assert fisher_p(3, 0, 3) == pytest.approx(0.10)
    assert mcnemar_p(3, 0) == pytest.approx(0.25)
    assert fisher_p(5, 0, 5) == pytest.approx(0.0079, abs=1e-4)
    assert mcnemar_p(5, 0) == pytest.approx(0.0625)
    assert mcnemar_p(6, 0) == pytest.approx(0.03125)


def test_five_of_five_against_none_of_five_is_licensed():
    p, test = paired_test(0, 5, 0, 0)
    assert (round(p, 4), test) == (0.0079, "Fisher")


def test_pairs_are_used_where_the_reference_seeds_differ():
    assert paired_test(1, 4, 0, 0) == (pytest.approx(0.125), "McNemar")


def test_jeffreys_interval_agrees_with_brown_cai_dasgupta():
    found = proportion(5, 5)
    assert (found.low, found.high) == (pytest.approx(0.6206, abs=1e-4), 1.0)
    assert proportion(0, 5).high == pytest.approx(0.3794, abs=1e-4)
    assert (proportion(0, 0).low, proportion(0, 0).high) == (0.0, 1.0)


def test_holm_agrees_with_its_definition():
    assert holm([0.01, 0.04, 0.03, None]) == [pytest.approx(0.03), pytest.approx(0.06), pytest.approx(0.06), None]


def test_sign_flips_are_enumerated_for_few_pairs():
    assert sign_flip_p(np.array([3.0, 5.0, 2.0, 4.0, 1.0])) == pytest.approx(2 / 32)
    assert sign_flip_p(np.zeros(5)) is None


def test_sign_flips_of_many_pairs_are_drawn_the_same_every_time():
    differences = np.random.default_rng(0).normal(0.4, 1, 30)
    first = sign_flip_p(differences)
    assert first == sign_flip_p(differences)
    assert 1 / 5000 <= first < 0.2


def test_splits_are_enumerated_for_few_cells():
    values = np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    assert split_p(values, values > 0.5) == pytest.approx(2 / 70)


def test_median_steps_is_kaplan_meiers_with_misses_at_the_budget():
    assert median_steps([100, 200, 300, 600, 600], 600) == 300
    assert median_steps([100, 200, 600, 600], 600) == 200
    assert median_steps([100, 600, 600], 600) is None
    assert median_steps([], 600) is None


def test_an_interaction_of_certain_parts_has_their_value_and_a_real_width():
    both, none = proportion(5, 5), proportion(0, 5)
    value, low, high = combination_interval([(1, both), (-1, none), (-1, none), (1, none)])
    assert value == 1.0
    assert low < 0.5 < 1.0 <= high
