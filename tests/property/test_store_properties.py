"""What holds of the store for all inputs: exact series, strict JSON, idempotent ingestion, consistent histories."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sweep.domain.axis import Cell
from sweep.domain.metric import Series
from sweep.domain.states import FINISHED_STATES, LEGAL_TRANSITIONS, LIVE_STATES, TrialState, is_legal
from sweep.domain.trial import StudyRecord, TrialSpec
from sweep.domain.verdict import Judgement, Verdict
from sweep.errors import TransitionError
from sweep.store import Store, codec, jsontext

INT64 = st.integers(-(2**63), 2**63 - 1)
STEPS = st.one_of(INT64, st.integers(0, 3), st.sampled_from([-(2**63), 2**63 - 1]))
POINTS = st.lists(st.tuples(STEPS, st.floats(width=64) | st.floats(width=32)), max_size=40)
REGULAR = st.builds(
    lambda start, stride, count, value: [(start + stride * i, value) for i in range(count)],
    st.integers(-1000, 1000),
    st.integers(-5, 50),
    st.integers(1, 60),
    st.floats(),
)


def words(series: Series) -> tuple[bytes, bytes]:
    """Return the bits of a series: NaN equals itself only here."""
    return series.steps.tobytes(), series.values.tobytes()


def joined(parts: list[Series]) -> Series:
    return Series(np.concatenate([p.steps for p in parts]), np.concatenate([p.values for p in parts]))


@given(parts=st.lists((POINTS | REGULAR).filter(bool), min_size=1, max_size=4), small=st.booleans())
def test_any_series_survives_in_any_number_of_chunks_bit_by_bit(
    parts: list[list[tuple[int, float]]], small: bool
) -> None:
    series = [Series.of(points) for points in parts]
    back = codec.decode([codec.encode(each, small=small) for each in series])
    assert words(back) == words(joined(series))


@given(parts=st.lists((POINTS | REGULAR).filter(bool), min_size=1, max_size=4), small=st.booleans())
def test_points_read_without_numpy_are_those_of_the_series(parts: list[list[tuple[int, float]]], small: bool) -> None:
    chunks = [codec.encode(Series.of(points), small=small) for points in parts]
    found = codec.points(chunks)
    np.testing.assert_array_equal(Series.of(found).steps, codec.decode(chunks).steps)
    np.testing.assert_array_equal(Series.of(found).values, codec.decode(chunks).values)


@given(bits=hnp.arrays(np.uint64, st.integers(1, 50)))
def test_every_bit_pattern_survives_packing(bits: codec.Words) -> None:
    assert codec.unpack(codec.pack(bits), len(bits)) == bits.tobytes()
    assert len(codec.pack(bits)) <= 8 * len(bits) + 1


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refuse(constant: str) -> None:
    raise AssertionError(f"not strict JSON: {constant}")


@given(value=PLAIN)
@example(value={"caf\udce9": "caf\udce9"})  # as the name of a file that is no UTF-8
def test_any_plain_data_survives_as_strict_json(value: Any) -> None:
    text = jsontext.dumps(value)
    json.loads(text.encode("utf-8"), parse_constant=refuse)
    assert repr(jsontext.loads(text)) == repr(value)


NUMBERED = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store that examples share: each has a study of its own, and statements compile once."""
    is_sqlite = request.param == "sqlite"
    with Store.open("sqlite://" if is_sqlite else request.getfixturevalue("postgres_server").new_schema()) as opened:
        yield opened


def new_study(store: Store) -> StudyRecord:
    return store.create_study(name=f"s{next(NUMBERED)}", task="t", command=[], config={}, provenance={})


def spec(seed: int) -> TrialSpec:
    return TrialSpec(cell=Cell(), seed=seed, overrides=(), task={}, fingerprint=str(seed))


def judged(verdict: Verdict = Verdict.STALLED) -> Judgement:
    return Judgement(verdict=verdict, reason="r", rule="target", tau=None, last_step=1)


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.dictionaries(st.sampled_from("abc"), POINTS, max_size=3), max_size=6), data=st.data())
def test_bytes_delivered_again_and_in_any_order_are_ingested_once(
    store: Store, parts: list[dict[str, list[tuple[int, float]]]], data: st.DataObject
) -> None:
    ends = np.cumsum([0, *(data.draw(st.integers(1, 50)) for _ in parts)]).tolist()
    again = data.draw(st.lists(st.integers(0, max(len(parts) - 1, 0)), max_size=12)) if parts else []
    study = new_study(store)
    (trial,) = store.add_trials(study.id, [spec(0)])
    run = store.begin_run(trial.id, "d")
    taken = 0
    for part in [*again, *range(len(parts))]:
        points = {name: Series.of(each) for name, each in parts[part].items()}
        accepted = store.ingest(run.id, from_byte=ends[part], to_byte=ends[part + 1], points=points)
        assert accepted == (part == taken)
        taken += accepted
    expected = {
        name: joined([Series.of(part[name]) for part in parts if name in part])
        for name in "abc"
        if any(part.get(name) for part in parts)
    }
    assert {name: words(s) for name, s in store.series(trial.id).items()} == {
        name: words(s) for name, s in expected.items()
    }
    store.end_run(run.id, state=TrialState.COMPLETED, judgement=judged())
    assert {name: words(s) for name, s in store.series(trial.id).items()} == {
        name: words(s) for name, s in expected.items()
    }
    assert store.runs(trial.id)[0].ingested_bytes == ends[-1]


TRIALS = 3
NUMBERS = st.integers(0, TRIALS - 1)


class Histories(RuleBasedStateMachine):
    """Any calls in any order, against a model that only knows the table of legal transitions."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    @initialize()
    def start(self) -> None:
        self.study = new_study(self.store)
        self.trials = self.store.add_trials(self.study.id, [spec(seed) for seed in range(TRIALS)])
        self.states = [TrialState.PENDING] * TRIALS
        self.changes = [0] * TRIALS
        self.live: dict[int, int] = {}

    def expect(self, number: int, new: TrialState, legal: bool, act: Any) -> None:
        try:
            act()
        except TransitionError:
            assert not legal
            return
        assert legal
        self.states[number] = new
        self.changes[number] += 1
        if new not in LIVE_STATES:
            self.live.pop(number, None)

    @rule(number=NUMBERS)
    def begin(self, number: int) -> None:
        def act() -> None:
            self.live[number] = self.store.begin_run(self.trials[number].id, "d").id

        self.expect(number, TrialState.LAUNCHING, self.states[number] is TrialState.PENDING, act)

    @precondition(lambda self: self.live)
    @rule(number=NUMBERS)
    def mark_running(self, number: int) -> None:
        run = self.live.get(number)
        if run is not None:
            legal = self.states[number] is TrialState.LAUNCHING
            self.expect(number, TrialState.RUNNING, legal, lambda: self.store.mark_running(run))

    @precondition(lambda self: self.live)
    @rule(number=NUMBERS, state=st.sampled_from(TrialState), verdict=st.none() | st.sampled_from(Verdict))
    def end(self, number: int, state: TrialState, verdict: Verdict | None) -> None:
        run = self.live.get(number)
        if run is not None:
            judgement = None if verdict is None else judged(verdict)
            self.expect(
                number,
                state,
                state in FINISHED_STATES,
                lambda: self.store.end_run(run, state=state, judgement=judgement),
            )

    @rule(number=NUMBERS, state=st.sampled_from(TrialState))
    def transition(self, number: int, state: TrialState) -> None:
        old = self.states[number]
        bare = old is TrialState.PENDING and state in (TrialState.LAUNCHING, TrialState.COMPLETED)
        self.expect(
            number,
            state,
            is_legal(old, state) and not bare,
            lambda: self.store.transition(self.trials[number].id, state),
        )

    @rule(number=NUMBERS, source=NUMBERS)
    def reuse(self, number: int, source: int) -> None:
        legal = self.states[number] is TrialState.PENDING and self.states[source] is TrialState.COMPLETED
        ids = self.trials[number].id, self.trials[source].id
        self.expect(number, TrialState.COMPLETED, legal, lambda: self.store.reuse(*ids))

    @invariant()
    def histories_are_consistent(self) -> None:
        for trial, state, changes in zip(self.trials, self.states, self.changes, strict=True):
            events = self.store.events(trial.id)
            path = [TrialState.PENDING, *(event.new for event in events)]
            assert [event.old for event in events] == path[:-1]
            assert path[-1] is state is self.store.trial(self.study.id, trial.number).state
            assert len(events) == changes
            assert all(event.new in LEGAL_TRANSITIONS[event.old] for event in events)

    @invariant()
    def a_trial_is_live_exactly_while_its_last_run_is(self) -> None:
        assert {run.id for run in self.store.live_runs(self.study.id)} == set(self.live.values())
        for trial, state in zip(self.trials, self.states, strict=True):
            states = [run.state for run in self.store.runs(trial.id)]
            assert all(earlier in FINISHED_STATES for earlier in states[:-1])
            assert (state in LIVE_STATES) == (bool(states) and states[-1] in LIVE_STATES)
            assert state not in LIVE_STATES or states[-1] is state

    @invariant()
    def counts_add_up(self) -> None:
        assert self.store.counts(self.study.id) == Counter(self.states)


def test_any_interleaving_leaves_consistent_histories(store: Store) -> None:
    is_sqlite = store.transactions.conn.dialect.name == "sqlite"
    rounds = settings(max_examples=15 if is_sqlite else 5, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(lambda: Histories(store), settings=rounds)
