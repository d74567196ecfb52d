"""Reading `params:`, and what the distributions hold."""

import pytest

from sweep.domain.axis import BASE, Axis, Cell, Level
from sweep.domain.space import Categorical, FloatRange, IntRange, Param
from sweep.drivers.points import PointSpace
from sweep.errors import ConfigError
from sweep.plan.space import parse_space


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("choice(a,b)", Categorical(("a", "b"))),
        ("a,b", Categorical(("a", "b"))),
        ("choice(1.0e-3,[1,2],true)", Categorical(("0.001", "[1,2]", "True"))),
        ("choice(a,a,b)", Categorical(("a", "b"))),
        ("range(1,10,2)", IntRange(low=1, high=9, step=2)),
        ("range(4)", IntRange(low=0, high=3)),
        ("range(10,1,-3)", IntRange(low=4, high=10, step=3)),
        ("range(0,1,0.25)", FloatRange(low=0.0, high=0.75, step=0.25)),
        ("interval(1e-4,1)", FloatRange(low=1e-4, high=1.0)),
        ("tag(log, interval(1e-4,1))", FloatRange(low=1e-4, high=1.0, log=True)),
        ("int(interval(1,10))", IntRange(low=1, high=10)),
        ("tag(log, int(interval(1,100)))", IntRange(low=1, high=100, log=True)),
        ("int(tag(log, interval(1,100)))", IntRange(low=1, high=100, log=True)),
    ],
)
def test_sweep_syntax_is_read_as_the_hydra_sweeper_read_it(text: str, expected: object):
    assert parse_space({"task.x": text}) == (Param("task.x", expected),)


STOPS = ["0.1,0.4,0.1", "0.01,0.05,0.01", "0.01,0.07,0.01", "0.3,0.9,0.1", "1.0,1.6,0.1", "0.1,0.5,0.1", "0,1,0.1"]


@pytest.mark.parametrize("text", STOPS)
def test_a_range_of_floats_leaves_out_its_stop(text: str):
    start, stop, step = map(float, text.split(","))
    (param,) = parse_space({"task.x": f"range({text})"})
    assert param.distribution.size == round((stop - start) / step)
    assert float(param.distribution.text(param.distribution.at(param.distribution.size - 1))) == pytest.approx(
        stop - step
    )


@pytest.mark.parametrize(
    "text",
    [
        "0.1",
        "range(0,1,0)",
        "range(0,inf)",
        "range(nan,1)",
        "range(1,10,-1)",
        "str(range(1,3))",
        "interval(0,1",
        "interval(1,0)",
        "tag(log, interval(0,1))",
        "tag(lgo, interval(1,2))",
        "tag(log, choice(1,2))",
        "tag(log, range(1,9,2))",
        "shuffle(a,b)",
        "range(3,1)",
        "glob(*)",
    ],
)
def test_what_cannot_be_searched_is_refused_by_its_key(text: str):
    with pytest.raises(ConfigError, match=r"params\.task\.x") as caught:
        parse_space({"task.x": text})
    assert caught.value.exit_code == 2
    assert caught.value.allowed


def test_params_come_by_key_whatever_the_order_in_the_config():
    texts = {"task.b": "interval(0,1)", "task.a": "choice(1,2)"}
    assert parse_space(texts) == parse_space(dict(reversed(texts.items())))


def test_a_grid_of_floats_is_written_without_float_dust():
    distribution = FloatRange(low=0.0, high=0.9, step=0.1)
    assert distribution.text(distribution.at(3)) == "0.3"


AXES = (
    Axis(name="clip", levels=(Level(name="on", overrides=("task.clip=1.0",)), Level(name="off", overrides=()))),
    Axis(name="dropout", levels=(Level(name="off", overrides=("task.dropout=0.0",)),)),
)


def test_each_index_of_a_space_is_a_cell_of_its_own_that_leads_back_to_it():
    space = PointSpace(AXES, [Param("task.depth", IntRange(low=1, high=3))])
    points = [space.at(i) for i in range(space.size or 0)]
    cells = [space.cell(p) for p in points]
    assert len(set(cells)) == space.size == 3 * 2 * 3
    assert [space.point(c) for c in cells] == points


def test_a_continuum_has_no_size():
    assert PointSpace(AXES, [Param("task.lr", FloatRange(low=0.0, high=1.0))]).size is None


def test_the_base_is_a_point_only_where_no_params_are_searched():
    assert PointSpace(AXES, []).point(BASE) == {"clip": "base", "dropout": "base"}
    assert PointSpace(AXES, [Param("task.depth", IntRange(low=1, high=3))]).point(BASE) is None


@pytest.mark.parametrize(
    "cell",
    [
        Cell.of(["clip=loose"]),
        Cell.of(["amp=off"]),
        Cell(params=(("task.depth", "9"),)),
        Cell(params=(("task.depth", "deep"),)),
        Cell(params=(("task.width", "1"),)),
    ],
)
def test_a_cell_outside_the_space_is_no_point_of_it(cell: Cell):
    assert PointSpace(AXES, [Param("task.depth", IntRange(low=1, high=3))]).point(cell) is None


def test_an_axis_and_a_param_cannot_both_set_one_key():
    with pytest.raises(ConfigError, match=r"params\.task\.dropout: is set by the axis dropout too"):
        PointSpace(AXES, [Param("task.dropout", FloatRange(low=0.0, high=0.9))])


def test_a_search_over_nothing_is_refused():
    with pytest.raises(ConfigError, match="nothing to search"):
        PointSpace([], [])
