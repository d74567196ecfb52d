"""Ranges that are searched mean the same, and get the same names, whichever Hydra reads them."""

import pytest

from sweep.domain.axis import BASE
from sweep.domain.space import FloatRange, IntRange, Param
from sweep.drivers.points import PointSpace
from sweep.plan.space import parse_space


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int(range(0.5,4.5,1))", IntRange(low=0, high=3)),
        ("float(range(1,4))", FloatRange(low=1.0, high=3.0, step=1.0)),
        ("float(range(1,9,2))", FloatRange(low=1.0, high=7.0, step=2.0)),
        ("tag(log, int(range(1.0,4.0)))", IntRange(low=1, high=3, log=True)),
        ("sort(range(1,4),reverse=true)", IntRange(low=1, high=3)),
        ("sort(range(0.1,0.4,0.1))", FloatRange(low=0.1, high=0.3, step=0.1)),
        ("sort(range(0.1,0.4,0.1),reverse=true)", FloatRange(low=0.1, high=0.3, step=0.1)),
        ("sort(int(range(0.5,4.5,1)),reverse=true)", IntRange(low=0, high=3)),
        ("int(sort(range(4.5,0.5,-1)))", IntRange(low=1, high=4)),
    ],
)
def test_a_range_that_is_cast_or_sorted_means_the_same_in_every_hydra(text: str, expected: FloatRange | IntRange):
    assert parse_space({"task.x": text}) == (Param("task.x", expected),)


def names(text: str) -> list[str]:
    """Return the keys of the cells of a search over this range."""
    space = PointSpace([], parse_space({"task.x": text}))
    return [space.cell(space.at(index)).key for index in range(space.size or 0)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("range(0.1,1.0,0.1)", ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]),
        ("range(0.5,0.1,-0.1)", ["0.2", "0.3", "0.4", "0.5"]),
        ("float(range(1,4))", ["1.0", "2.0", "3.0"]),
        ("range(1e-5,4e-5,1e-5)", ["1e-05", "2e-05", "3e-05"]),
        ("range(1,4)", ["1", "2", "3"]),
    ],
)
def test_the_cells_of_a_range_have_the_names_that_its_decimals_have(text: str, values: list[str]):
    assert names(text) == [f"task.x={value}" for value in values]
    assert BASE.key not in names(text)
