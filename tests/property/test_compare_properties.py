"""Comparing two studies: what differs, and the interval of a difference."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.analysis.compare_studies import differences, typical_interval


@given(st.dictionaries(st.text("ab", min_size=1), st.integers() | st.dictionaries(st.text("ab"), st.integers())))
def test_nothing_differs_from_itself(config):
    assert differences(config, config) == ()


@settings(max_examples=30, deadline=None)  # 4,095 subset means each
@given(st.lists(st.floats(-100, 100), min_size=6, max_size=16), st.floats(-50, 50))
def test_an_interval_holds_the_median_of_the_subset_means_and_moves_with_the_data(values, shift):
    low, high = typical_interval(np.array(values))
    assert low <= np.mean(values) + 1e-9
    assert high >= np.mean(values) - 1e-9
    moved = typical_interval(np.array(values) + shift)
    np.testing.assert_allclose(moved, (low + shift, high + shift), atol=1e-6)
