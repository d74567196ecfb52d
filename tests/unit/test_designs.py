import pytest

from sweep.domain.axis import Axis, Level
from sweep.errors import ConfigError
from sweep.plan.designs import DESIGNS, MAX_CELLS, full_factorial, leave_one_out, pairs, plackett_burman


def axis(name, *levels):
    return Axis(name=name, levels=tuple(Level(name=level, overrides=(f"task.{name}={level}",)) for level in levels))


THREE = (axis("dropout", "off"), axis("clip", "on"), axis("init", "xavier", "kaiming"))


def keys(cells):
    return [cell.key for cell in cells]


def test_leave_one_out_of_axes_with_several_levels():
    assert keys(leave_one_out(THREE)) == [
        "base",
        "clip=on,dropout=off,init=xavier",
        "clip=on,init=xavier",
        "dropout=off,init=xavier",
        "clip=on,dropout=off",
        "clip=on,dropout=off,init=kaiming",
    ]


def test_pairs_never_puts_two_levels_of_one_axis_together():
    assert keys(pairs(THREE))[-5:] == [
        "clip=on,dropout=off",
        "dropout=off,init=xavier",
        "dropout=off,init=kaiming",
        "clip=on,init=xavier",
        "clip=on,init=kaiming",
    ]


def test_a_full_factorial_that_is_too_large_names_smaller_designs():
    axes = [axis(f"a{i}", "x") for i in range(13)]
    with pytest.raises(ConfigError) as caught:
        full_factorial(axes)
    text = str(caught.value)
    assert caught.value.key == "driver.design"
    assert f"8192 cells are too many (at most {MAX_CELLS})" in text
    for name, size in (("one_at_a_time", 14), ("leave_one_out", 15), ("pairs", 92)):
        assert f"{name} {'has ' if name == 'one_at_a_time' else ''}{size}" in text
        assert len(DESIGNS[name](axes)) == size


def test_the_largest_full_factorial_is_allowed():
    assert len(full_factorial([axis(f"a{i}", "x") for i in range(12)])) == MAX_CELLS


def test_plackett_burman_refuses_axes_with_several_levels_by_name():
    with pytest.raises(ConfigError, match=r"init") as caught:
        plackett_burman(THREE)
    assert "dropout" not in str(caught.value)


def test_plackett_burman_refuses_more_than_eleven_axes():
    with pytest.raises(ConfigError, match="at most 11 axes, not 12"):
        plackett_burman([axis(f"a{i}", "x") for i in range(12)])


def test_an_unknown_design_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'full_factorial'"):
        DESIGNS["full_factoriel"]
