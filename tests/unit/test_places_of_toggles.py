"""Which lines of a script a toggle acts on, and seeds that change nothing."""

import math

from sweep.analysis.places import places
from sweep.analysis.same_curves import same_curves
from sweep.domain.axis import Axis, Level, Toggle
from sweep.domain.metric import Series
from sweep.domain.part import Part


def axis(name, **levels):
    return Axis(name=name, levels=tuple(Level(name=level, overrides=tuple(texts)) for level, texts in levels.items()))


PARTS = [
    Part(knob="dropout", what="Dropout(p=0.95)", where="train.py:23", value=0.95),
    Part(knob="dropout", what="Dropout(p=0)", where="train.py:9", value=0.0),
    Part(knob="optimizer", what="SGD(learning_rate=0.1)", where="train.py:40", value="SGD"),
]


def test_a_toggle_is_at_the_parts_that_it_changes():
    found = places([axis("dropout", off=["task.dropout=0.0"])], PARTS)
    assert found == {Toggle("dropout", "off"): "Dropout(p=0.95) at train.py:23"}


def test_what_is_added_is_at_the_optimizer():
    found = places([axis("clip", on=["task.clip=1.0"])], PARTS)
    assert "train.py:40" in found[Toggle("clip", "on")]


def test_a_toggle_without_parts_has_no_place():
    assert places([axis("amp", off=["task.amp=false"]), axis("mine", big=["task.args=[1]"])], PARTS) == {}


def test_of_many_kinds_of_parts_the_first_are_named():
    many = [Part(knob="dropout", what=f"Dropout(p=0.{n})", where=f"train.py:{n}", value=n / 10) for n in range(1, 6)]
    text = places([axis("dropout", off=["task.dropout=0.0"])], many)[Toggle("dropout", "off")]
    assert "train.py:1" in text
    assert "3 more" in text
    assert "train.py:5" not in text


def curve(*values):
    return Series.of(list(enumerate(values, start=1)))


def test_equal_curves_are_noticed_as_far_as_the_shortest_goes():
    same = [curve(2.0, math.nan, 1.0), curve(2.0, math.nan), curve(2.0, math.nan, 1.0, 0.5)]
    assert "3 seeds" in same_curves(same, "step/loss", keeps_own_seed=False)
    assert "task.seeding" in same_curves(same, "step/loss", keeps_own_seed=True)


def test_curves_that_differ_or_say_nothing_are_not():
    assert same_curves([curve(2.0, 1.0), curve(2.0, 1.1)], "x", keeps_own_seed=False) == ""
    assert same_curves([curve(2.0, 1.0)], "x", keeps_own_seed=False) == ""
    assert same_curves([curve(2.0), curve(2.0)], "x", keeps_own_seed=False) == ""
