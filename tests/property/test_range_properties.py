"""A range of floats holds what Python's range would hold, were its numbers whole."""

from hypothesis import given
from hypothesis import strategies as st

from sweep.plan.space import parse_space


def decimal(units: int, places: int) -> str:
    """Return units / 10**places as it is written: 3, 1 is 0.3."""
    digits = f"{abs(units):0{places + 1}d}"
    return f"{'-' * (units < 0)}{digits[:-places]}.{digits[-places:]}"


@given(st.integers(-300, 300), st.integers(-300, 300), st.integers(-50, 50).filter(bool), st.integers(1, 6))
def test_a_range_of_decimals_leaves_out_its_stop_for_all_of_them(start, stop, step, places):
    expected = sorted(range(start, stop, step))
    if not expected:
        return
    text = f"range({decimal(start, places)},{decimal(stop, places)},{decimal(step, places)})"
    (param,) = parse_space({"task.x": text})
    grid = param.distribution
    assert grid.size == len(expected)
    values = [grid.at(index) for index in range(len(expected))]
    assert values == [float(decimal(units, places)) for units in expected]
    assert [float(grid.text(value)) for value in values] == values
    assert [grid.read(grid.text(value)) for value in values] == values
