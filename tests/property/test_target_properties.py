"""Properties of the target tracker that hold for all series."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.domain.target import Mode, Target
from sweep.domain.tracker import TargetTracker

METRICS = ("val/acc", "train/loss", "loss", "val/loss", "odd_loss", "grad_norm")
values = st.one_of(
    st.floats(0.0, 3.0),
    st.sampled_from([0.95, 0.99, math.nan, math.inf, -math.inf, 1e6]),
)
# Points in the order logged: (step, metric, value), steps not decreasing, a metric at most once per step.
logs = st.dictionaries(
    st.tuples(st.integers(1, 60), st.sampled_from(METRICS)), st.one_of(st.floats(0.0, 3.0), values), max_size=80
).map(lambda d: [(step, metric, value) for (step, metric), value in sorted(d.items(), key=lambda kv: kv[0][0])])
targets = st.builds(
    Target,
    metric=st.sampled_from([None, "val/acc", "val/loss", "loss"]),
    loss=st.sampled_from([None, None, "train/loss", "odd_loss"]),
    mode=st.sampled_from(Mode),
    threshold=st.sampled_from([None, 0.5, 0.9, 1.5]),
    hold=st.sampled_from([None, 1, 2, 4]),
    budget_steps=st.sampled_from([20, 60]),
    stop_early=st.booleans(),
)
facts = st.sampled_from([{}, {"label_entropy": 2.3}, {"target_variance": 1.0}])


def run(target, points, known, *, merged):
    tracker = TargetTracker(target, known)
    if merged:
        for step in sorted({s for s, _, _ in points}):
            tracker.update(step, {m: v for s, m, v in points if s == step})
    else:
        for step, metric, value in points:
            tracker.update(step, {metric: value})
    return tracker


def plain(state):
    return repr(state)  # NaN equals itself here


@settings(max_examples=200, deadline=None)
@given(target=targets, points=logs, known=facts, data=st.data())
def test_state_is_the_same_for_every_interleaving_of_metrics(target, points, known, data):
    shuffled = sorted(data.draw(st.permutations(points)), key=lambda p: p[0])
    online = run(target, shuffled, known, merged=False)
    replayed = run(target, points, known, merged=True)
    assert plain(online.state()) == plain(replayed.state())


@settings(max_examples=100, deadline=None)
@given(target=targets, points=logs, known=facts)
def test_a_decision_stands(target, points, known):
    tracker, decided = TargetTracker(target, known), None
    for step in sorted({s for s, _, _ in points}):
        answer = tracker.update(step, {m: v for s, m, v in points if s == step})
        assert decided is None or answer is decided
        decided = answer


@settings(max_examples=200, deadline=None)
@given(target=targets, points=logs, known=facts, data=st.data())
def test_the_decision_falls_at_the_same_step_for_every_order_of_logging(target, points, known, data):
    taken = []
    for order in (points, sorted(data.draw(st.permutations(points)), key=lambda p: p[0])):
        tracker, open_step, pending = TargetTracker(target, known), None, None
        for step, metric, value in order:
            if pending is not None and step != open_step:
                break
            pending, open_step = tracker.update(step, {metric: value}), step
        taken.append((pending, open_step if pending else None, plain(tracker.state())))
    assert taken[0] == taken[1]


@settings(max_examples=200, deadline=None)
@given(target=targets, points=logs, known=facts, name=st.sampled_from(["aux/loss", "loss_scale", "kl_loss"]))
def test_a_series_without_a_role_changes_nothing(target, points, known, name):
    noise = [(step, name, value) for step, _, value in points]
    beside = sorted([*points, *noise], key=lambda p: p[0])
    without = run(target, points, known, merged=False).state()
    assert plain(run(target, beside, known, merged=False).state()) == plain(without)


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.floats(0.0, 1.0), max_size=40),
    low=st.floats(0.0, 1.0),
    high=st.floats(0.0, 1.0),
    hold=st.sampled_from([None, 1, 2, 3]),
)
def test_a_harder_threshold_is_never_reached_earlier(values, low, high, hold):
    low, high = sorted((low, high))
    taus = []
    for threshold in (low, high):
        target = Target(
            metric="m", mode=Mode.MAX, threshold=threshold, hold=hold, budget_steps=40, stop_early=False
        )  # fmt: skip
        tau = run(target, [(i, "m", v) for i, v in enumerate(values)], {}, merged=False).state().tau
        taus.append(math.inf if tau is None else tau)
    assert taus[0] <= taus[1]


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.floats(0.0, 1.0), max_size=40), hold=st.integers(1, 5))
def test_a_longer_hold_is_never_reached_earlier(values, hold):
    taus = []
    for h in (hold, hold + 1):
        target = Target(metric="m", mode=Mode.MAX, threshold=0.5, hold=h, budget_steps=40, stop_early=False)
        tau = run(target, [(i, "m", v) for i, v in enumerate(values)], {}, merged=False).state().tau
        taus.append(math.inf if tau is None else tau)
    assert taus[0] <= taus[1]


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.floats(0.01, 0.99), max_size=40))
def test_maximising_is_minimising_the_negative(values):
    states = []
    for sign, mode in ((1, Mode.MAX), (-1, Mode.MIN)):
        target = Target(metric="m", mode=mode, threshold=sign * 0.5, hold=2, budget_steps=40, stop_early=False)
        state = run(target, [(i, "m", sign * v) for i, v in enumerate(values)], {}, merged=False).state()
        states.append((state.tau, state.held_at, state.lost_at, None if state.best is None else sign * state.best))
    assert states[0] == states[1]


@given(target=targets)
def test_a_target_survives_the_round_trip_through_spec_json(target):
    assert Target.from_mapping(target.to_mapping()) == target
