"""Range tests: what does not change what is read off a curve, for all curves."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.analysis.checks.lr_curve import read_curve
from sweep.domain.lr_range import Ramp

NAMES = ("valley", "steep", "low", "high", "diverge")


@st.composite
def curves(draw):
    """A range test's rates and losses: flat, a fall, a rise of some kind, noise; now and then cut by NaN."""
    steps = draw(st.integers(20, 200))
    ramp = Ramp(lr_min=1e-7, lr_max=10.0, steps=steps)
    rates = np.array([ramp.rate(i) for i in range(steps)])
    x = np.log10(rates)
    at, width = draw(st.floats(-6.5, 0.5)), draw(st.floats(0.1, 2.0))
    depth, blow = draw(st.floats(0.0, 0.95)), draw(st.floats(-3.0, 1.5))
    noise = draw(st.sampled_from([0.0, 0.01, 0.1])) * np.random.default_rng(draw(st.integers(0, 99))).normal(size=steps)
    losses = 1 - depth / (1 + np.exp(-(x - at) / width)) + np.maximum(0.0, 10 ** (3 * (x - blow)) - 1) + noise
    cut = draw(st.one_of(st.none(), st.integers(0, steps - 1)))
    if cut is not None:
        losses[cut:] = np.nan
    return rates, losses


def found(reading):
    return {name: getattr(reading, name) for name in NAMES}


@settings(max_examples=60, deadline=None)
@given(curves(), st.integers(-3, 3))
def test_multiplying_all_rates_multiplies_all_that_is_read(curve, power):
    rates, losses = curve
    one, other = read_curve(rates, losses), read_curve(rates * 10.0**power, losses)
    assert other.refusal == one.refusal
    for name, value in found(one).items():
        got = getattr(other, name)
        assert (got is None) if value is None else np.isclose(got, value * 10.0**power, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(curves(), st.integers(-20, 20))
def test_multiplying_all_losses_changes_nothing(curve, power):
    rates, losses = curve
    one, other = read_curve(rates, losses), read_curve(rates, losses * 2.0**power)
    assert (other.refusal, other.ending) == (one.refusal, one.ending)
    assert found(other) == found(one)


@settings(max_examples=100, deadline=None)
@given(curves())
def test_what_is_read_lies_in_order_within_the_range_or_is_refused_without_a_number(curve):
    rates, losses = curve
    reading = read_curve(rates, losses)
    if reading.refusal is not None:
        assert set(found(reading).values()) == {None}
        return
    slack = 1 + 1e-9
    assert rates[0] <= reading.low * slack
    assert reading.low <= reading.steep * slack
    assert reading.steep <= reading.high * slack
    assert reading.low <= reading.valley <= reading.high
    assert reading.high <= rates[-1] * slack
    assert reading.diverge is None or reading.high <= reading.diverge * slack


@settings(max_examples=60, deadline=None)
@given(curves(), st.integers(1, 50))
def test_nothing_after_the_first_loss_that_is_no_number_counts(curve, more):
    rates, losses = curve
    bad = np.append(losses, np.nan)
    step = rates[1] / rates[0]
    longer = np.append(rates, rates[-1] * step)
    tail = longer[-1] * step ** np.arange(1, more + 1)
    one = read_curve(longer, bad)
    other = read_curve(np.append(longer, tail), np.append(bad, np.random.default_rng(more).normal(size=more)))
    assert found(other) == found(one)
    assert other.refusal == one.refusal
