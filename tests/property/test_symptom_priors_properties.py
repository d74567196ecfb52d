"""What symptoms say of axes stays within its bounds, for all sets of rules."""

from hypothesis import given
from hypothesis import strategies as st

from sweep.domain.symptom_entry import MAX_FACTOR
from sweep.domain.symptoms import KINDS, SYMPTOMS
from sweep.stats.priors import axes_for, toggle_factors

RULE_SETS = st.lists(st.sampled_from([*sorted(SYMPTOMS), *sorted(KINDS), "no_such_rule"]), max_size=6)


@given(RULE_SETS)
def test_for_all_rules_factors_lie_above_1_up_to_the_bound_and_never_rise(rules):
    factors = list(toggle_factors(rules).values())
    assert all(1.0 < factor <= MAX_FACTOR for factor in factors)
    assert factors == sorted(factors, reverse=True)


@given(RULE_SETS)
def test_for_all_rules_each_axis_is_named_once(rules):
    axes = [axis for axis, _ in axes_for(rules)]
    assert len(axes) == len(set(axes))
