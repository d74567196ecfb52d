"""Values as strict JSON and back."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from sweep.domain.axis import Cell
from sweep.domain.json_form import KEY, OPTIONAL, Json, from_json, to_json, to_object
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    step: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    name: str
    is_ok: bool = field(metadata={KEY: "ok"})
    points: tuple[Point, ...] = ()
    interval: tuple[float, float] = (0.0, 1.0)
    verdict: Verdict = Verdict.UNDECIDED
    best: Point | None = None
    counts: Mapping[str, int] = field(default_factory=dict, hash=False)
    more: Json = None
    isolate: Point | None = field(default=None, metadata={OPTIONAL: True})


FULL = Document(
    name="a",
    is_ok=True,
    points=(Point(step=1, value=math.inf), Point(step=2, value=0.5)),
    interval=(0.25, 0.75),
    verdict=Verdict.CONVERGED,
    best=Point(step=2, value=0.5),
    counts={"converged": 2},
    more=[1, {"x": None, "y": "NaN"}],
    isolate=Point(step=0, value=1.0),
)


@pytest.mark.parametrize("document", [FULL, Document(name="", is_ok=False)])
def test_a_document_is_read_back_as_it_was_written(document):
    text = json.dumps(to_json(document), allow_nan=False)
    assert from_json(Document, json.loads(text)) == document


def test_keys_come_in_the_order_of_the_fields_under_their_own_names():
    assert list(to_object(FULL))[:3] == ["name", "ok", "points"]


def test_an_optional_field_at_its_default_is_left_out():
    assert "isolate" in to_object(FULL)
    assert "isolate" not in to_object(Document(name="", is_ok=True))


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (np.float64("nan"), "NaN")]
)
def test_numbers_that_are_not_finite_are_named(value, text):
    assert to_json({"x": (value,)}) == {"x": [text]}
    assert math.isnan(from_json(Point, {"step": 1, "value": "NaN"}).value)


def test_numpy_scalars_and_enums_are_plain():
    found = to_json([np.int64(3), np.bool_(True), Verdict.CONVERGED])
    assert found == [3, True, "converged"]
    assert [type(each) for each in found] == [int, bool, str]


def test_keys_of_other_versions_do_no_harm():
    assert from_json(Document, {"name": "a", "ok": True, "unheard_of": 1}) == Document(name="a", is_ok=True)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"ok": True}, "name"),
        ({"name": 1, "ok": True}, "Document.name"),
        ({"name": "", "ok": True, "points": [{"step": "x", "value": 1.0}]}, "Document.points[0].step"),
        ({"name": "", "ok": True, "interval": [1.0]}, "Document.interval"),
        ([], "Document"),
    ],
)
def test_another_shape_is_refused_by_the_name_of_its_key(data, key):
    with pytest.raises(ValueError, match="expected") as caught:
        from_json(Document, data)
    assert key in str(caught.value)


def test_a_cell_is_its_key_and_a_recorded_config_is_what_was_recorded():
    @dataclass(frozen=True)
    class Trial:
        cell: Cell
        config: RecordedConfig

    trial = Trial(cell=Cell.of(["dropout=off", "clip=on"]), config=RecordedConfig({"seeds": [0, 1]}))
    assert to_json(trial) == {"cell": "clip=on,dropout=off", "config": {"seeds": [0, 1]}}
