import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sweep.domain.json_form import to_json
from sweep.domain.metric import Series
from sweep.report.charts import Curve, panel, scale_of
from sweep.report.thinning import finite_part, thin

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)
FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@given(st.lists(FINITE, min_size=1, max_size=400), st.integers(4, 80))
def test_thinning_keeps_the_range_and_both_ends_and_invents_nothing(values, points):
    steps, kept = thin(np.arange(len(values), dtype=np.float64), np.array(values), points)
    assert len(kept) <= max(points, 4)
    assert (kept.min(), kept.max()) == (min(values), max(values))
    assert (kept[0], kept[-1]) == (values[0], values[-1])
    assert (np.diff(steps) > 0).all()
    assert all(values[int(step)] == value for step, value in zip(steps, kept, strict=True))


@given(st.lists(st.tuples(st.integers(0, 10**9), FLOATS), max_size=60))
def test_the_finite_part_is_in_step_order_and_loses_no_finite_point(points):
    steps, values, bad_step = finite_part(Series.of(points))
    finite = [(step, value) for step, value in points if np.isfinite(value)]
    assert (np.diff(steps) >= 0).all()
    assert sorted(zip(steps.astype(int).tolist(), values.tolist(), strict=True)) == sorted(finite)
    others = [step for step, value in points if not np.isfinite(value)]
    assert bad_step == (min(others) if others else None)


@given(
    st.lists(st.lists(FLOATS, max_size=40), max_size=4),
    st.sampled_from(["loss", "acc"]),
    st.one_of(st.none(), FINITE),
    st.booleans(),
)
def test_any_curves_can_be_drawn(runs, metric, threshold, is_many):
    curves = []
    for values in runs:
        steps, finite, bad = finite_part(Series.of(list(enumerate(values))))
        curves.append(Curve(steps=steps, values=finite, bad_step=bad, word="diverged", label="seed", tau=None))
    svg = panel(curves, scale_of(metric, curves, threshold), 40, threshold=threshold, is_many=is_many)
    assert svg.startswith("<svg")
    assert "nan" not in svg.lower()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_strict_values_make_the_round_trip_through_strict_json(value):
    plain = to_json(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert to_json(plain) == plain
