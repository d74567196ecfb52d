"""What a distribution holds is read back from its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.domain.space import Categorical, FloatRange, IntRange

distributions = st.one_of(
    st.lists(st.text("abc", min_size=1), min_size=1, unique=True).map(lambda c: Categorical(tuple(c))),
    st.builds(
        lambda low, steps, step: IntRange(low=low, high=low + steps * step, step=step),
        st.integers(-50, 50),
        st.integers(0, 20),
        st.integers(1, 7),
    ),
    st.builds(
        lambda low, steps, step: FloatRange(low=low / 10, high=low / 10 + steps * step / 100, step=step / 100),
        st.integers(-50, 50),
        st.integers(0, 20),
        st.integers(1, 500),
    ),
)


@given(distributions)
def test_every_value_of_a_grid_is_read_back_from_its_text(distribution):
    values = [distribution.at(i) for i in range(distribution.size)]
    read = [distribution.read(distribution.text(v)) for v in values]
    assert read == pytest.approx(values)
    assert len({distribution.text(v) for v in values}) == distribution.size


@given(st.floats(1e-5, 10.0))
def test_a_value_of_a_continuum_is_read_back_exactly(value: float):
    distribution = FloatRange(low=1e-5, high=10.0, log=True)
    assert distribution.read(distribution.text(value)) == value
