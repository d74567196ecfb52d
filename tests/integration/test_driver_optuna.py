"""The optuna driver: what it tells Optuna, when it ends, and that it finds what there is to find."""

import math
from collections.abc import Callable
from statistics import median

import making
import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from sweep.domain.axis import BASE, Axis, Cell, Level
from sweep.domain.space import Categorical, FloatRange, IntRange, Param
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.drivers.optuna import OptunaDriver
from sweep.drivers.optuna_settings import PRUNERS, SAMPLERS, OptunaSettings
from sweep.drivers.protocol import Proposal
from sweep.errors import ConfigError

LOSS = Target(metric="val/loss", mode=Mode.MIN, threshold=0.1, hold=None, budget_steps=100, stop_early=True)
ACC = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=None, budget_steps=100, stop_early=True)
LR = Param("task.lr", FloatRange(low=1e-6, high=10.0, log=True))
DROPOUT = Axis(name="dropout", levels=(Level(name="off", overrides=("task.dropout=0.0",)),))
WEIGHT_DECAY = Axis(name="weight_decay", levels=(Level(name="off", overrides=("task.weight_decay=0.0",)),))


def make(*, axes=(), space=(LR,), target=LOSS, seed=0, seeds=(0,), base_first=False, **settings) -> OptunaDriver:
    return OptunaDriver({"base_first": base_first} | settings, axes, space, target, seed, seeds)


def outcome(proposal: Proposal, value: float | None = None, **own) -> Outcome:
    known = {"verdict": Verdict.NOT_CONVERGED, "tau": None, "best": value, "final": value}
    return making.outcome(cell=proposal.cell, seed=proposal.seed, **(known | own))


def searched(driver: OptunaDriver, value_of: Callable[[Cell], float], slots: int = 1) -> list[float]:
    """Return the values found, in the order told, with `slots` trials out at a time."""
    found, out = [], []
    while out := [*out, *driver.ask(slots - len(out))]:
        proposal = out.pop(0)
        found.append(value_of(proposal.cell))
        driver.tell(outcome(proposal, found[-1]))
    return found


def lr_of(cell: Cell) -> float:
    return float(dict(cell.params)["task.lr"])


def told(driver: OptunaDriver) -> list[tuple[OptunaState, float | None]]:
    return [(t.state, t.value) for t in driver.study.trials]


@pytest.mark.parametrize("slots", [1, 4])
def test_tpe_finds_a_better_learning_rate_than_random_search_does(slots: int):
    def loss(cell: Cell) -> float:
        return (math.log10(lr_of(cell)) + 2.5) ** 2

    def best(sampler: str) -> list[float]:
        return [min(searched(make(sampler=sampler, n_trials=30, seed=seed), loss, slots)) for seed in range(5)]

    assert median(best("TPESampler")) < median(best("RandomSampler")) / 2


def test_a_metric_to_be_raised_is_raised():
    driver = make(target=ACC, n_trials=40)
    found = searched(driver, lambda cell: 1 - abs(math.log10(lr_of(cell)) + 2) / 10)
    assert median(found[25:]) > median(found[:10])


def test_a_space_of_categories_is_tried_once_through_and_then_the_search_ends():
    driver = make(axes=(DROPOUT, WEIGHT_DECAY), space=(Param("task.n", Categorical(("a", "b", "c"))),), n_trials=99)
    assert driver.expected_trials() == 12
    assert len(searched(driver, lambda cell: float(len(cell.toggles)))) == 12


def test_a_continuum_of_one_value_ends_too():
    driver = make(space=(Param("task.lr", FloatRange(low=1.0, high=math.nextafter(1.0, 2))),), n_trials=9)
    assert 1 <= len(searched(driver, lambda cell: 0.0)) <= 2


def test_a_trial_on_record_that_spells_a_grid_value_otherwise_is_that_point():
    grid = Param("task.dropout", FloatRange(low=0.1, high=0.9, step=0.1))
    driver = make(space=(grid,), n_trials=9)
    as_hydra_1_3_has_it = Proposal(Cell(params=(("task.dropout", "0.7000000000000001"),)), 0)
    driver.tell(outcome(as_hydra_1_3_has_it, 0.5))
    found = {dict(proposal.cell.params)["task.dropout"] for proposal in driver.ask(99)}
    assert found == {"0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.8", "0.9"}
    assert told(driver)[0] == (OptunaState.COMPLETE, 0.5)


def test_a_repeated_suggestion_is_no_second_observation():
    driver = make(axes=(DROPOUT,), space=(Param("task.n", IntRange(low=1, high=3)),), n_trials=6)
    searched(driver, lambda cell: float(len(cell.key)))
    counted = [t for t in driver.study.trials if t.state is OptunaState.COMPLETE]
    assert len(counted) == 6
    assert {t.state for t in driver.study.trials} <= {OptunaState.COMPLETE, OptunaState.FAIL}


def test_the_base_is_run_beside_the_points_where_params_are_searched():
    driver = make(base_first=True, n_trials=3)
    proposals = driver.ask(9)
    assert proposals[0] == Proposal(BASE, 0)
    assert len(proposals) == driver.expected_trials() == 4


def test_the_base_is_one_of_the_points_where_only_axes_are():
    driver = make(base_first=True, axes=(DROPOUT, WEIGHT_DECAY), space=(), n_trials=3)
    proposals = driver.ask(9)
    assert proposals[0] == Proposal(BASE, 0)
    assert len(proposals) == driver.expected_trials() == 3


def test_more_trials_asked_for_later_go_on_from_the_earlier_ones():
    first = make(n_trials=3)
    known = []
    while proposals := first.ask(1):
        known.append(outcome(proposals[0], 1.0))
        first.tell(known[-1])
    second = make(n_trials=5)
    for one in known:
        second.tell(one)
    assert len(second.ask(9)) == 2


def test_a_point_is_told_when_all_its_seeds_are_in_by_their_median():
    driver = make(seeds=(5, 6, 7, 8), seeds_per_point=3, n_trials=1)
    proposals = driver.ask(9)
    assert [p.seed for p in proposals] == [5, 6, 7]
    for proposal, value in zip(proposals[:2], (9.0, 1.0), strict=True):
        driver.tell(outcome(proposal, value))
    assert told(driver) == [(OptunaState.RUNNING, None)]
    driver.tell(outcome(proposals[2], 2.0))
    assert told(driver) == [(OptunaState.COMPLETE, 2.0)]


def test_a_point_cut_off_between_its_seeds_is_finished_first_on_resume():
    (first, second) = make(seeds=(0, 1), seeds_per_point=2, n_trials=1).ask(2)
    resumed = make(seeds=(0, 1), seeds_per_point=2, n_trials=1)
    resumed.tell(outcome(first, 1.0))
    assert resumed.ask(9) == (second,)


def test_crashed_seeds_of_a_point_are_left_out_of_its_value():
    driver = make(seeds=(0, 1), seeds_per_point=2, n_trials=1)
    first, second = driver.ask(2)
    driver.tell(outcome(first, None, state=TrialState.FAILED, verdict=Verdict.UNDECIDED))
    driver.tell(outcome(second, 3.0))
    assert told(driver) == [(OptunaState.COMPLETE, 3.0)]


def test_a_divergence_before_anything_finite_is_placed_once_something_is():
    driver = make(n_trials=4)
    proposals = driver.ask(4)
    driver.tell(outcome(proposals[0], None, verdict=Verdict.DIVERGED))
    driver.tell(outcome(proposals[1], 50.0))
    driver.tell(outcome(proposals[2], 30.0))
    values = [value for _, value in told(driver)]
    assert values[0] == 100.0
    driver.tell(outcome(proposals[3], 400.0))
    values = [value for _, value in told(driver)]
    assert values[0] == 400.0 + (400.0 - 30.0)


def test_by_steps_to_target_a_miss_costs_the_budget_and_a_divergence_twice_that():
    driver = make(objective="tau", n_trials=3)
    proposals = driver.ask(3)
    driver.tell(outcome(proposals[0], 0.05, verdict=Verdict.CONVERGED, tau=40))
    driver.tell(outcome(proposals[1], 0.5))
    driver.tell(outcome(proposals[2], 0.5, verdict=Verdict.DIVERGED))
    assert [value for _, value in told(driver)] == [40.0, 100.0, 200.0]


def test_a_pruned_trial_keeps_its_curve_and_its_last_value():
    driver = make(pruner="MedianPruner", n_trials=1)
    (proposal,) = driver.ask(1)
    for step, value in ((10, 3.0), (20, math.nan), (30, 2.0)):
        driver.should_prune(proposal, step, value)
    driver.tell(outcome(proposal, 2.5, state=TrialState.PRUNED, verdict=Verdict.UNDECIDED, steps=40))
    (trial,) = driver.study.trials
    assert trial.state is OptunaState.PRUNED
    assert trial.intermediate_values == {10: 3.0, 30: 2.0, 40: 2.5}
    assert trial.value == 2.5


@pytest.mark.parametrize(("objective", "target"), [("best", LOSS), ("best", ACC), ("tau", LOSS), ("tau", ACC)])
def test_the_median_pruner_gives_up_the_worse_trial_and_not_the_better(objective: str, target: Target):
    driver = make(
        objective=objective, target=target, pruner="MedianPruner", pruner_args={"n_startup_trials": 1}, n_trials=3
    )
    known, better, worse = driver.ask(3)
    sign = 1.0 if target.mode is Mode.MAX else -1.0
    driver.should_prune(known, 10, sign * 0.5)
    driver.tell(outcome(known, sign * 0.5))
    assert driver.should_prune(better, 10, sign * 0.7) is False
    assert driver.should_prune(worse, 10, sign * 0.3) is True


def test_several_slots_are_sent_apart_by_default():
    assert OptunaSettings.read({}).build_sampler(0)._constant_liar is True
    assert OptunaSettings.read({"sampler_args": {"constant_liar": False}}).build_sampler(0)._constant_liar is False


@pytest.mark.parametrize("name", [n for n, needs in SAMPLERS.items() if needs is None])
def test_each_sampler_searches(name: str):
    assert len(set(searched(make(sampler=name, n_trials=12, axes=(DROPOUT,)), lr_of))) == 12


@pytest.mark.parametrize("name", PRUNERS)
def test_each_pruner_can_be_asked(name: str):
    args = {"ThresholdPruner": {"upper": 5.0}, "PercentilePruner": {"percentile": 25.0}}
    driver = make(pruner=name, pruner_args=args.get(name, {}), n_trials=4)
    for proposal in driver.ask(4):
        assert driver.should_prune(proposal, 1, 1.0) in (True, False)
        driver.tell(outcome(proposal, 1.0))


@pytest.mark.parametrize(
    ("settings", "says", "hint"),
    [
        ({"sampler": "TPESamplr"}, r"driver\.sampler", "TPESampler"),
        ({"sampler": "GridSampler"}, r"driver\.sampler", None),
        ({"pruner": "MedianPrunner"}, r"driver\.pruner", "MedianPruner"),
        ({"objective": "bets"}, r"driver\.objective", "best"),
        ({"n_trails": 5}, "no such setting", "n_trials"),
        ({"n_trials": 0}, r"driver\.n_trials", None),
        ({"seeds_per_point": 0}, r"driver\.seeds_per_point", None),
        ({"sampler_args": {"n_startup_trial": 5}}, r"driver\.sampler_args", "n_startup_trials"),
        ({"pruner": "PercentilePruner", "pruner_args": {"percentile": 900.0}}, r"driver\.pruner_args", None),
        ({"seeds_per_point": 2, "pruner": "MedianPruner"}, "no one curve", None),
    ],
)
def test_a_wrong_setting_is_refused_with_the_nearest_name(settings: dict, says: str, hint: str | None):
    with pytest.raises(ConfigError, match=says) as caught:
        make(**settings)
    if hint is not None:
        assert hint in (caught.value.hint or "")


def test_a_sampler_that_needs_an_absent_package_says_which(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sweep.drivers.optuna_settings.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the package cmaes"):
        make(sampler="CmaEsSampler")


def test_the_names_offered_are_optunas_own():
    assert all(hasattr(optuna.samplers, name) for name in SAMPLERS)
    assert all(hasattr(optuna.pruners, name) for name in PRUNERS)
