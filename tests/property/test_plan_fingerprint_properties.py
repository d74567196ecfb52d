import json

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sweep.domain.target import Mode, Target
from sweep.plan.fingerprint import canonical_json, digest, fingerprint

TARGET = Target(metric="m", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=10, stop_early=True)

words = st.text(max_size=4)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
configs = st.dictionaries(
    words,
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=4
    ),
    max_size=4,
)
tries = settings(max_examples=30, deadline=None)


def reversed_keys(data):
    if isinstance(data, dict):
        return {key: reversed_keys(value) for key, value in reversed(data.items())}
    return [reversed_keys(item) for item in data] if isinstance(data, list) else data


@tries
@given(configs)
def test_the_order_of_keys_does_not_matter(config):
    assert digest(reversed_keys(config)) == digest(config)


@tries
@given(configs)
def test_a_config_that_went_through_a_json_file_has_the_same_fingerprint(config):
    again = json.loads(json.dumps(config))
    assert fingerprint(again, 0, code="c", target=TARGET) == fingerprint(config, 0, code="c", target=TARGET)


@tries
@given(configs, configs)
def test_different_configs_have_different_fingerprints(one, two):
    assume(canonical_json(one) != canonical_json(two))
    assert fingerprint(one, 0, code="c", target=TARGET) != fingerprint(two, 0, code="c", target=TARGET)


@tries
@given(configs, st.integers(0, 2**31), st.integers(0, 2**31))
def test_seeds_have_fingerprints_of_their_own(config, one, two):
    prints = {fingerprint(config, seed, code="c", target=TARGET) for seed in (one, two)}
    assert len(prints) == len({one, two})
