"""What every driver that pauses trials keeps to (the rules in sweep/drivers/protocol.py)."""

from collections.abc import Callable, Sequence

import making
import pytest
from adaptive_driver import Racing
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.domain.axis import Axis, Level
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.drivers import Abandon, Driver, DriverInput, DriverSpec, Proposal, Question

BUDGET = 8
TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=1, budget_steps=BUDGET, stop_early=True)
AXES = (
    Axis(name="x", levels=tuple(Level(name=name, overrides=()) for name in ("a", "b", "c"))),
    Axis(name="y", levels=(Level(name="on", overrides=()),)),
)
MOST = 200
"""Questions after which a driver that asks on is taken to have no end."""


def input_(*, can_pause: bool = True, **own: object) -> DriverInput:
    return DriverInput(settings=own, axes=AXES, space=(), target=TARGET, seeds=(0,), designs={}, can_pause=can_pause)


CASES: dict[str, Callable[[bool], DriverSpec]] = {
    "racing": lambda can_pause: Racing(input_(can_pause=can_pause, fresh=2)),
}


class World:
    """Runs with an outcome of their own each: the same whenever and in whichever slices they are run."""

    def __init__(self, salt: int = 0) -> None:
        self.salt = salt
        self.numbers: dict[tuple[str, int], int] = {}

    def answer(self, asked: Proposal) -> Outcome:
        key = asked.cell.key, asked.seed
        luck = sum(f"{asked.cell.key}/{self.salt}".encode()) % 11
        ends = {0: 1, 1: 3}.get(luck, BUDGET)  # some diverge early
        number = self.numbers.setdefault(key, len(self.numbers))
        if asked.until_step is not None and asked.until_step < ends:
            best = luck / 20 * asked.until_step / BUDGET
            return self._outcome(number, asked, TrialState.PAUSED, Verdict.UNDECIDED, asked.until_step, best)
        verdict = Verdict.DIVERGED if ends < BUDGET else Verdict.CONVERGED if luck > 6 else Verdict.NOT_CONVERGED
        return self._outcome(number, asked, TrialState.COMPLETED, verdict, ends, luck / 10)

    def cancelled(self, asked: Abandon) -> Outcome:
        number = self.numbers[asked.cell.key, asked.seed]
        return self._outcome(number, asked, TrialState.CANCELLED, Verdict.UNDECIDED, 1, None)

    def _outcome(
        self, number: int, asked: Question, state: TrialState, verdict: Verdict, steps: int, best: float | None
    ) -> Outcome:
        tau = steps if verdict is Verdict.CONVERGED else None
        about = {"number": number, "cell": asked.cell, "seed": asked.seed, "state": state, "verdict": verdict}
        return making.outcome(**about, tau=tau, steps=steps, wall_s=0.0, best=best, final=best)


def run_on(
    driver: Driver, world: World, known: Sequence[Outcome] = (), *, slots: int = 1, at_most: int = MOST
) -> tuple[list[Question], list[Outcome], list[Question]]:
    """Tell what is known, then ask and answer, first asked first answered, until it is done or `at_most` are told.

    Returns (questions asked, all told, what is still out).
    """
    asked: list[Question] = []
    told = list(known)
    out: list[Question] = []
    for outcome in known:
        world.numbers.setdefault((outcome.cell.key, outcome.seed), len(world.numbers))
        driver.tell(outcome)
    while len(told) < at_most:
        new = driver.ask(slots - sum(isinstance(each, Proposal) for each in out))
        asked += new
        out += new
        if not out:
            break
        question = out.pop(0)
        told.append(world.cancelled(question) if isinstance(question, Abandon) else world.answer(question))
        driver.tell(told[-1])
    assert len(told) < MOST, "it has no end"
    return asked, told, out


@pytest.fixture(params=CASES)
def make(request: pytest.FixtureRequest) -> Callable[[bool], DriverSpec]:
    return CASES[request.param]


@settings(deadline=None, max_examples=20)
@given(slots=st.integers(1, 4), salt=st.integers(0, 10))
@pytest.mark.parametrize("name", CASES)
def test_what_is_out_or_has_ended_is_not_asked_and_what_is_paused_is_asked_further(name: str, slots: int, salt: int):
    driver, world = CASES[name](True).build(), World(salt)
    out: set[tuple[str, int]] = set()
    ended: set[tuple[str, int]] = set()
    reached: dict[tuple[str, int], int] = {}
    queue: list[Question] = []
    for _ in range(MOST):
        for question in driver.ask(slots - sum(isinstance(each, Proposal) for each in queue)):
            key = question.cell.key, question.seed
            assert key not in out | ended
            if isinstance(question, Abandon):
                assert key in reached
            elif question.until_step is not None:
                assert question.until_step > reached.get(key, 0)
            out.add(key)
            queue.append(question)
        if not queue:
            return
        question = queue.pop(0)
        key = question.cell.key, question.seed
        outcome = world.cancelled(question) if isinstance(question, Abandon) else world.answer(question)
        out.remove(key)
        if outcome.state is TrialState.PAUSED:
            reached[key] = outcome.steps
        else:
            ended.add(key)
        driver.tell(outcome)
    raise AssertionError("it has no end")


@settings(deadline=None, max_examples=20)
@given(cut=st.integers(0, 40), salt=st.integers(0, 10))
@pytest.mark.parametrize("name", CASES)
def test_a_study_cut_anywhere_asks_on_as_if_it_had_not_been(name: str, cut: int, salt: int):
    _, whole, _ = run_on(CASES[name](True).build(), World(salt))
    _, resumed, _ = run_on(CASES[name](True).build(), World(salt), whole[:cut])
    assert resumed == whole


@settings(deadline=None, max_examples=20)
@given(cut=st.integers(1, 40), slots=st.integers(1, 4), salt=st.integers(0, 10))
@pytest.mark.parametrize("name", CASES)
def test_the_next_question_is_a_function_of_what_was_told_and_is_out(name: str, cut: int, slots: int, salt: int):
    first = CASES[name](True).build()
    _, told, out = run_on(first, World(salt), slots=slots, at_most=cut)
    resumed = CASES[name](True).build()
    for outcome in told:
        resumed.tell(outcome)
    for question in out:
        if isinstance(question, Proposal):
            resumed.adopt(question)
    abandoned_again = [each for each in out if isinstance(each, Abandon)]  # not on record: it is paused there
    assert set(resumed.ask(slots)) == {*first.ask(slots), *abandoned_again}


def test_a_driver_that_is_done_stays_done(make: Callable[[bool], DriverSpec]):
    driver = make(True).build()
    run_on(driver, World())
    assert [tuple(driver.ask(5)) for _ in range(3)] == [(), (), ()]


def test_no_more_than_asked_for_is_proposed(make: Callable[[bool], DriverSpec]):
    driver = make(True).build()
    assert [each for each in driver.ask(0) if isinstance(each, Proposal)] == []
    assert 1 <= len(driver.ask(2)) <= 2


def test_where_runs_cannot_be_paused_all_trials_are_whole(make: Callable[[bool], DriverSpec]):
    driver = make(False).build()
    asked, told, _ = run_on(driver, World())
    assert not driver.pauses
    assert all(isinstance(each, Proposal) and each.until_step is None for each in asked)
    assert len(told) > len(AXES)


@pytest.mark.parametrize("can_pause", [False, True])
def test_all_that_it_proposes_belongs_to_its_study(make: Callable[[bool], DriverSpec], can_pause: bool):
    spec = make(can_pause)
    asked, _, _ = run_on(spec.build(), World())
    assert all(spec.accepts(each.cell, each.seed) for each in asked)
