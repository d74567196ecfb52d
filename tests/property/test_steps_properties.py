"""The step clock loses no value, and leaves steps that only rise exactly as they are, for all ways to log."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sweep.domain.step_clock import StepClock
from sweep.domain.steps import findings_of, findings_text

BUDGETS = st.integers(1, 1000)
NAMES = st.sets(st.sampled_from(["train/loss", "val/acc", "aux"]), max_size=3).map(sorted)


def placed_by(clock, calls):
    """Return (name, value, position) of everything that comes out; values are numbered in the order logged."""
    out, number = [], 0
    for step, names, taken in calls:
        values = {}
        for name in names:
            values[name] = float(number)
            number += 1
        out += [(n, v, at) for at, some in clock.place(step, values, taken) for n, v in some.items()]
    return out + [(n, v, at) for at, some in clock.finish() for n, v in some.items()], number


@given(BUDGETS, st.lists(st.tuples(st.integers(0, 3000), NAMES, st.none() | st.integers(0, 3000))))
def test_every_value_comes_out_once_and_each_series_in_its_order(budget, calls):
    clock = StepClock(budget)
    out, number = placed_by(clock, calls)
    assert Counter(value for _, value, _ in out) == Counter(float(n) for n in range(number))
    for name in {name for name, _, _ in out}:
        values = [value for n, value, _ in out if n == name]
        assert values == sorted(values)
    assert all(at >= 0 for _, _, at in out)


@given(st.lists(st.tuples(st.integers(0, 1000), NAMES)))
def test_steps_that_only_rise_within_the_budget_stay_for_all_series(calls):
    calls = sorted(calls, key=lambda call: call[0])
    clock = StepClock(1000)
    out, _ = placed_by(clock, [(step, names, None) for step, names in calls])
    assert [at for _, _, at in out] == [step for step, names in calls for _ in names]
    assert clock.findings(is_over=True) == ()
    assert clock.is_plain


@given(st.lists(st.tuples(st.integers(0, 1000), NAMES)), st.integers(-10, 1))
def test_a_watched_optimizer_in_step_with_the_log_changes_nothing(calls, ahead):
    calls = sorted(calls, key=lambda call: call[0])
    clock = StepClock(1000)
    out, _ = placed_by(clock, [(step, names, max(step + ahead, 0)) for step, names in calls])
    assert [at for _, _, at in out] == [step for step, names in calls for _ in names]
    assert clock.is_plain


@given(BUDGETS, st.lists(st.tuples(st.integers(0, 3000), NAMES, st.none())))
def test_findings_come_back_from_their_text_in_a_round_trip(budget, calls):
    clock = StepClock(budget)
    placed_by(clock, calls)
    findings = clock.findings(is_over=True)
    assert findings_of(findings_text(findings)) == findings
