"""For all histories: only finite numbers reach Optuna, and a diverged trial is worse than every finite one."""

import math
import warnings

import making
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState as OptunaState

from sweep.domain.space import FloatRange, Param
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.drivers.optuna import OptunaDriver

SPACE = (Param("task.lr", FloatRange(low=1e-5, high=1.0, log=True)),)
finished_states = st.sampled_from(
    [TrialState.COMPLETED, TrialState.PRUNED, TrialState.TIMED_OUT, TrialState.FAILED, TrialState.LOST]
)
metrics = st.none() | st.floats(allow_nan=True, allow_infinity=True)
endings = st.tuples(finished_states, st.sampled_from(list(Verdict)), metrics, metrics, st.none() | st.integers(0, 99))
histories = st.lists(st.tuples(endings, st.lists(st.floats(), max_size=3)), max_size=12)


def driven(history, mode: Mode, **own: object) -> tuple[OptunaDriver, list[Outcome]]:
    """Return a driver that went through this history of (ending, reported values), and the outcomes it was told."""
    target = Target(metric="m", mode=mode, threshold=None, hold=None, budget_steps=100, stop_early=False)
    told = []
    driver = OptunaDriver({"n_trials": 99, "base_first": False} | own, [], SPACE, target, 0, [0])
    for number, ((state, verdict, best, final, tau), curve) in enumerate(history):
        (proposal,) = driver.ask(1)
        for step, value in enumerate(curve):
            driver.should_prune(proposal, step, value)
        told.append(
            making.outcome(
                number=number,
                cell=proposal.cell,
                state=state,
                verdict=verdict,
                tau=tau,
                steps=50,
                best=best,
                final=final,
            )
        )
        driver.tell(told[-1])
    return driver, told


@settings(deadline=None, max_examples=60)
@given(history=histories, mode=st.sampled_from(list(Mode)), objective=st.sampled_from(["best", "final", "tau"]))
def test_no_nan_and_no_infinity_ever_reaches_optuna(history, mode, objective):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        driver, _ = driven(history, mode, objective=objective, pruner="MedianPruner")
    for trial in driver.study.trials:
        numbers = [*trial.intermediate_values.values(), *(trial.values or ())]
        assert all(math.isfinite(number) for number in numbers)


@settings(deadline=None, max_examples=60)
@given(history=histories, mode=st.sampled_from(list(Mode)), objective=st.sampled_from(["best", "final", "tau"]))
def test_a_diverged_trial_is_told_worse_than_every_finite_one_and_never_dropped(history, mode, objective):
    driver, told = driven(history, mode, objective=objective)
    diverged = [o.verdict is Verdict.DIVERGED for o in told]
    is_least_best = driver.study.direction.name == "MINIMIZE"
    assert [t.state for t, d in zip(driver.study.trials, diverged, strict=True) if d] == [OptunaState.COMPLETE] * sum(
        diverged
    )
    bad = [t.value for t, d in zip(driver.study.trials, diverged, strict=True) if d]
    good = [
        t.value for t, d in zip(driver.study.trials, diverged, strict=True) if not d and t.state is OptunaState.COMPLETE
    ]
    assert all((b > g) if is_least_best else (b < g) for b in bad for g in good)


@settings(deadline=None, max_examples=60)
@given(history=histories, mode=st.sampled_from(list(Mode)))
def test_a_trial_that_is_no_evidence_is_not_counted_as_data(history, mode):
    driver, told = driven(history, mode)
    for o, trial in zip(told, driver.study.trials, strict=True):
        silent = o.verdict is Verdict.UNDECIDED and o.state not in (TrialState.PRUNED, TrialState.TIMED_OUT)
        assert not silent or trial.state is OptunaState.FAIL
