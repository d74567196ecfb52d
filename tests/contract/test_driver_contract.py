"""What every driver keeps to (the rules in sweep/drivers/protocol.py), asked of each of them in the same way."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.domain.axis import BASE, Axis, Cell, Level
from sweep.domain.space import Categorical, FloatRange, IntRange, Param
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.drivers import DRIVERS, DriverInput, DriverSpec, read_driver
from sweep.drivers.protocol import Driver, Proposal
from sweep.errors import ConfigError

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=100, stop_early=True)
AXES = (
    Axis(name="dropout", levels=(Level(name="off", overrides=("task.dropout=0.0",)),)),
    Axis(
        name="clip",
        levels=(Level(name="on", overrides=("task.clip=1.0",)), Level(name="off", overrides=("task.clip=null",))),
    ),
)
CELLS = (BASE, Cell.of(["dropout=off"]), Cell.of(["clip=on"]), Cell.of(["clip=off"]))
SPACE = (
    Param("task.depth", IntRange(low=1, high=4)),
    Param("task.lr", FloatRange(low=1e-5, high=1.0, log=True)),
    Param("task.norm", Categorical(("batch", "none"))),
)


@dataclass(frozen=True)
class Case:
    """One driver in one setting: how it is made, and which of its answers depend on what came out."""

    read: Callable[[], DriverSpec]
    is_fixed: bool

    def make(self) -> Driver:
        return self.read().build()


def case(
    name: str, *, space: Sequence[Param] = (), is_fixed: bool = False, seeds: Sequence[int] = (0, 1), **own: object
):
    given_ = DriverInput(
        settings=own,
        axes=AXES,
        space=tuple(space),
        target=TARGET,
        seeds=tuple(seeds),
        designs={"these": lambda _: CELLS},
    )
    return Case(lambda: read_driver(name, given_), is_fixed)


CASES = {
    "grid": case("grid", is_fixed=True, seeds=(0, 1, 2), design="these"),
    "optuna over axes": case("optuna", n_trials=50),
    "optuna over axes and params": case("optuna", space=SPACE, n_trials=14, sampler_args={"n_startup_trials": 3}),
    "optuna on two seeds a point": case("optuna", space=SPACE, n_trials=6, seeds_per_point=2),
    "optuna with a pruner": case(
        "optuna", space=SPACE, n_trials=14, pruner="MedianPruner", pruner_args={"n_startup_trials": 2}
    ),
    "optuna by steps to target": case("optuna", space=SPACE, n_trials=14, objective="tau", sampler="QMCSampler"),
}
ENDINGS = {
    "converged": {"verdict": Verdict.CONVERGED, "tau": 40, "best": 0.95, "final": 0.93},
    "not converged": {"verdict": Verdict.NOT_CONVERGED, "best": 0.5, "final": 0.4},
    "diverged with nothing finite": {"verdict": Verdict.DIVERGED},
    "diverged with NaN": {"verdict": Verdict.DIVERGED, "best": 0.3, "final": math.nan},
    "infinite": {"verdict": Verdict.NOT_CONVERGED, "best": math.inf, "final": -math.inf},
    "crashed": {"verdict": Verdict.UNDECIDED, "state": TrialState.FAILED, "failure": FailureClass.CRASH},
    "lost": {"verdict": Verdict.UNDECIDED, "state": TrialState.LOST, "failure": FailureClass.LOST},
    "cancelled": {"verdict": Verdict.UNDECIDED, "state": TrialState.CANCELLED},
    "pruned": {"verdict": Verdict.UNDECIDED, "state": TrialState.PRUNED, "best": 0.2, "final": 0.2},
    "pruned with nothing logged": {"verdict": Verdict.UNDECIDED, "state": TrialState.PRUNED},
    "timed out": {"verdict": Verdict.UNDECIDED, "state": TrialState.TIMED_OUT, "best": 0.4, "final": 0.4},
}


def outcome(number: int, proposal: Proposal, ending: str) -> Outcome:
    known = {"tau": None, "steps": 60} | ENDINGS[ending]
    return making.outcome(number=number, cell=proposal.cell, seed=proposal.seed, **known)


def ending_of(proposal: Proposal) -> str:
    """Return an ending that is the trial's own: the same whenever and by whomever it is run."""
    names = sorted(ENDINGS)
    return names[sum(f"{proposal.cell.key}/{proposal.seed}".encode()) % len(names)]


def run_on(driver: Driver, told: Sequence[Outcome] = (), *, at_most: int = 10_000, slots: int = 1) -> list[Outcome]:
    """Tell what is known, then ask and tell until the driver is done or `at_most` trials are known; return them all."""
    known = list(told)
    for known_outcome in told:
        driver.tell(known_outcome)
    out: list[Proposal] = []
    while len(known) < at_most:
        out.extend(driver.ask(slots - len(out)))
        if not out:
            break
        proposal = out.pop(0)
        known.append(outcome(len(known), proposal, ending_of(proposal)))
        driver.tell(known[-1])
    return known


def values(outcomes: Sequence[Outcome]) -> list[tuple[object, ...]]:
    """Return what outcomes hold, compared as tuples: from Python 3.13 on a dataclass with a NaN differs from itself."""
    return [tuple(getattr(each, field.name) for field in fields(each)) for each in outcomes]


def pairs(outcomes: Sequence[Outcome]) -> list[Proposal]:
    return [Proposal(o.cell, o.seed) for o in outcomes]


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def driver_case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.mark.parametrize("slots", [1, 4])
def test_nothing_is_proposed_twice_and_the_expected_number_is_reached(driver_case: Case, slots: int):
    driver = driver_case.make()
    found = pairs(run_on(driver, slots=slots))
    assert len(set(found)) == len(found) == driver.expected_trials()


def test_a_driver_that_is_done_stays_done(driver_case: Case):
    driver = driver_case.make()
    run_on(driver)
    assert [tuple(driver.ask(5)) for _ in range(3)] == [(), (), ()]


def test_no_more_than_asked_for_is_proposed(driver_case: Case):
    driver = driver_case.make()
    assert len(driver.ask(0)) == 0
    assert 1 <= len(driver.ask(3)) <= 3


def test_the_base_comes_first(driver_case: Case):
    assert driver_case.make().ask(1)[0].cell == BASE


def test_the_same_calls_get_the_same_answers(driver_case: Case):
    assert values(run_on(driver_case.make(), slots=3)) == values(run_on(driver_case.make(), slots=3))


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_can_be_told_and_the_search_goes_on(driver_case: Case, ending: str):
    driver = driver_case.make()
    for number in range(5):
        (proposal,) = driver.ask(1)
        driver.should_prune(proposal, 10, 0.1)
        driver.tell(outcome(number, proposal, ending))
    assert len(driver.ask(1)) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_no_reason_to_prune(driver_case: Case, value: float):
    driver = driver_case.make()
    run_on(driver, at_most=5)
    (proposal,) = driver.ask(1)
    assert driver.should_prune(proposal, 10, value) is False


def test_a_told_trial_of_another_study_is_not_proposed_and_does_no_harm(driver_case: Case):
    strange = [Cell.of(["amp=off"]), Cell(params=(("task.lr", "7"),)), Cell(params=(("task.other", "1"),))]
    told = [outcome(n, Proposal(cell, seed=n), "converged") for n, cell in enumerate(strange)]
    found = pairs(run_on(driver_case.make(), told))[3:]
    assert found == pairs(run_on(driver_case.make()))


@settings(deadline=None, max_examples=8)
@given(cut=st.integers(0, 18), slots=st.integers(1, 3))
@pytest.mark.parametrize("name", CASES)
def test_a_run_cut_anywhere_and_resumed_repeats_nothing_and_does_the_rest(name: str, cut: int, slots: int):
    whole = run_on(CASES[name].make(), slots=slots)
    resumed_driver = CASES[name].make()
    resumed = run_on(resumed_driver, whole[:cut], slots=slots)
    assert len(set(pairs(resumed))) == len(resumed) == len(whole) == resumed_driver.expected_trials()
    if CASES[name].is_fixed:
        assert set(pairs(resumed)) == set(pairs(whole))


@settings(deadline=None, max_examples=8)
@given(cut=st.integers(0, 18))
@pytest.mark.parametrize("name", CASES)
def test_with_one_slot_a_resumed_run_goes_on_as_if_it_had_not_been_cut(name: str, cut: int):
    whole = run_on(CASES[name].make())
    assert values(run_on(CASES[name].make(), whole[:cut])) == values(whole)


@settings(deadline=None, max_examples=8)
@given(cut=st.integers(0, 12), out=st.integers(1, 3))
@pytest.mark.parametrize("name", CASES)
def test_what_was_out_when_a_run_was_cut_is_adopted_and_not_proposed_again(name: str, cut: int, out: int):
    first = CASES[name].make()
    known = run_on(first, at_most=cut)
    left_out = first.ask(out)
    resumed = CASES[name].make()
    for one in known:
        resumed.tell(one)
    for proposal in left_out:
        resumed.adopt(proposal)
    new = resumed.ask(2)
    assert not set(new) & {*pairs(known), *left_out}
    rest = [outcome(len(known) + n, p, ending_of(p)) for n, p in enumerate([*left_out, *new])]
    found = pairs(run_on(resumed, rest))
    assert not set(found[len(rest) :]) & {*pairs(known), *left_out}
    assert len(known) + len(set(found)) == resumed.expected_trials()


def test_it_says_before_it_runs_how_many_trials_there_will_be_at_most(driver_case: Case):
    expected = driver_case.read().expected()
    assert expected.summary
    assert expected.trials is None or len(run_on(driver_case.make())) <= expected.trials


def test_every_trial_that_it_proposes_belongs_to_the_question_on_resume(driver_case: Case):
    spec = driver_case.read()
    assert all(spec.accepts(each.cell, each.seed) for each in pairs(run_on(driver_case.make())))


def test_a_trial_with_an_axis_of_another_study_does_not_belong(driver_case: Case):
    assert not driver_case.read().accepts(Cell.of(["amp=off"]), 0)


def test_a_fixed_plan_is_what_the_driver_proposes(driver_case: Case):
    cells = driver_case.read().cells
    assert (cells is not None) == driver_case.is_fixed
    if cells is not None:
        assert {each.cell for each in pairs(run_on(driver_case.make()))} == set(cells)


@pytest.mark.parametrize("name", DRIVERS)
def test_an_unknown_setting_is_refused_with_the_nearest_name(name: str):
    key = {"grid": "desing", "optuna": "n_trails"}[name]
    with pytest.raises(ConfigError) as caught:
        case(name, **{key: 1}).make()
    assert caught.value.key == f"driver.{key}"
    assert "did you mean" in (caught.value.hint or "")


def test_every_driver_is_under_this_contract():
    assert {name.split()[0] for name in CASES} == set(DRIVERS)


def test_an_unknown_driver_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError) as caught:
        case("optna").make()
    assert caught.value.hint == "did you mean 'optuna'?"
