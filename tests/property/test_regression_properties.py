import sys
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

from regression_samples import HERE, baseline_of, drawn, night_of, run

from sweep.analysis.regression import judge_task, suspects
from sweep.analysis.regression.changepoints import change_points
from sweep.analysis.regression.cusum import Figures, Watch, advance, fewer_p, held
from sweep.analysis.regression.reference import night_score, reference_of, slower_p, threshold_of, with_nights
from sweep.domain.regression import FAILURES, RegressionSettings, TaskVerdict

SETTINGS = RegressionSettings(tasks=20)
BASE = tuple(np.random.default_rng(1).normal(log(200), 0.1, 15).tolist())
REFERENCE = reference_of(BASE, [False] * 15, 0.03)
steps = st.integers(20, 1200)
logs = st.floats(log(20), log(1200))
groups = st.lists(logs, min_size=1, max_size=5)
taus = st.one_of(st.none(), steps)
nights_of_taus = st.lists(st.lists(taus, min_size=0, max_size=4), min_size=1, max_size=8)


def night_from(number, found, order=None):
    runs = [run(100 * number + i, tau) for i, tau in enumerate(found)]
    return night_of(number, [runs[i] for i in order] if order else runs)


def baseline():
    return baseline_of(drawn(np.random.default_rng(2), range(12)))


@given(nights_of_taus, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_seeds_and_of_nights_does_not_matter(found, random):
    orders = [random.sample(range(len(night)), len(night)) for night in found]
    plain = [night_from(n, night) for n, night in enumerate(found, 1)]
    mixed = [night_from(n, night, order) for n, (night, order) in enumerate(zip(found, orders, strict=True), 1)]
    random.shuffle(mixed)
    assert judge_task("t", baseline(), mixed, SETTINGS) == judge_task("t", baseline(), plain, SETTINGS)


@given(nights_of_taus)
@settings(max_examples=40, deadline=None)
def test_no_alarm_is_called_without_fresh_seeds(found):
    nights = [night_from(n, night) for n, night in enumerate(found, 1)]
    report = judge_task("t", baseline(), nights, SETTINGS)
    assert report.verdict not in FAILURES
    assert report.needs_confirmation == (report.alarm is not None)


@given(nights_of_taus)
@settings(max_examples=40, deadline=None)
def test_without_a_baseline_nothing_fails(found):
    nights = [night_from(n, night) for n, night in enumerate(found, 1)]
    assert judge_task("t", None, nights, SETTINGS).verdict in (TaskVerdict.NO_BASELINE, TaskVerdict.NOT_RUN)


@given(groups, st.floats(0, 1), st.floats(0, 20), st.floats(0, 20))
def test_the_upper_side_rises_with_the_steps_and_with_what_it_was(values, more, upper, higher):
    start, above = Watch(upper=min(upper, higher)), Watch(upper=max(upper, higher))
    night, slower = (Figures(values=tuple(v + by for v in values), missed=0) for by in (0.0, more))
    assert advance(start, night, REFERENCE, SETTINGS).peak <= advance(start, slower, REFERENCE, SETTINGS).peak
    assert advance(start, night, REFERENCE, SETTINGS).peak <= advance(above, night, REFERENCE, SETTINGS).peak


@given(st.lists(groups, min_size=1, max_size=12))
@settings(deadline=None)
def test_neither_side_is_ever_below_zero_and_the_first_night_starts_from_it(found):
    watch = Watch()
    for values in found:
        watch = advance(watch, Figures(values=tuple(values), missed=0), REFERENCE, SETTINGS)
        assert watch.upper >= 0
        assert watch.lower >= 0
    first = advance(Watch(), Figures(values=tuple(found[0]), missed=0), REFERENCE, SETTINGS)
    assert first.peak == max(0.0, first.z - first.slack)


@given(groups)
def test_a_night_that_says_nothing_moves_neither_side(values):
    watch = advance(Watch(), Figures(values=tuple(values), missed=0), REFERENCE, SETTINGS)
    assert (held(watch).upper, held(watch).lower, held(watch).nights) == (watch.upper, watch.lower, 2)


@given(groups, st.floats(-5, 5))
def test_steps_in_another_unit_give_the_same_score(values, unit):
    moved = reference_of([value + unit for value in BASE], [False] * len(BASE), 0.03)
    assert np.isclose(night_score([value + unit for value in values], moved), night_score(values, REFERENCE), atol=1e-6)


@given(groups, st.floats(0, 1))
def test_the_p_of_fresh_seeds_is_a_probability_that_falls_as_they_get_slower(values, more):
    slower = slower_p([value + more for value in values], REFERENCE)
    assert 0 <= slower <= slower_p(values, REFERENCE) <= 1


@given(st.floats(0, 3), st.integers(1, 200))
def test_nights_never_move_the_baselines_mean(squares, df):
    assert with_nights(REFERENCE, squares, df).center == REFERENCE.center


@given(st.integers(1, 6), st.integers(1, 60), st.data())
def test_more_misses_are_never_less_unusual(runs, accepted, data):
    missed = data.draw(st.integers(0, accepted))
    p = [fewer_p(k, runs, missed, accepted) for k in range(runs + 1)]
    assert p[0] == 1.0
    assert p == sorted(p, reverse=True)


@given(st.integers(1, 5), st.integers(10, 200), st.integers(1, 200))
def test_more_tasks_never_lower_the_threshold(runs, accepted, tasks):
    few, many = (threshold_of(runs, accepted, RegressionSettings(tasks=n)) for n in (tasks, 2 * tasks))
    assert 0 < few <= many


@given(st.lists(logs, max_size=25))
@settings(max_examples=30, deadline=None)
def test_change_points_lie_within_the_series_and_are_in_order(values):
    found = [at for at, _, _ in change_points(values)]
    assert found == sorted(set(found))
    assert all(2 <= at <= len(values) - 2 for at in found)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"])), st.text(max_size=5))
def test_an_environment_has_no_suspects_against_itself_and_differences_are_named(packages, driver):
    now = replace(HERE, packages=tuple(sorted(packages.items())), driver=driver)
    assert suspects(now, now) == ()
    told = {suspect.name for suspect in suspects(HERE, now)}
    before = dict(HERE.packages)
    assert {name for name in {*before, *packages} if before.get(name) != packages.get(name)} <= told
