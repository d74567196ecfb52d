"""Properties of the ranking that hold for all studies, and its error rate over simulated ones."""

from itertools import combinations

import making
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.analysis import rank
from sweep.domain.axis import Axis, Cell, Level
from sweep.domain.effect import EffectStatus
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Verdict

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
AXES = tuple(Axis(name=n, levels=(Level(name="off", overrides=(f"task.{n}=0",)),)) for n in "abc")
TOGGLES = [a.toggles[0] for a in AXES]
CELLS = [Cell(frozenset(c)) for r in range(4) for c in combinations(TOGGLES, r)]


def outcome(number, cell, seed, verdict, tau):
    tau = tau if verdict is Verdict.CONVERGED else None
    return making.outcome(number=number, cell=cell, seed=seed, verdict=verdict, tau=tau, steps=600)


trials = st.dictionaries(
    st.tuples(st.sampled_from(CELLS), st.integers(0, 7)),
    st.tuples(st.sampled_from([Verdict.CONVERGED, Verdict.STALLED, Verdict.UNDECIDED]), st.integers(1, 600)),
    max_size=64,
).map(lambda d: [outcome(i, cell, seed, *what) for i, ((cell, seed), what) in enumerate(d.items())])


@settings(max_examples=100, deadline=None)
@given(outcomes=trials, data=st.data())
def test_the_order_of_outcomes_does_not_matter(outcomes, data):
    assert rank(outcomes, AXES, TARGET) == rank(data.draw(st.permutations(outcomes)), AXES, TARGET)


@settings(max_examples=150, deadline=None)
@given(outcomes=trials)
def test_restores_always_stands_on_a_passed_test_and_mostly_converged_seeds(outcomes):
    ranking = rank(outcomes, AXES, TARGET)
    for effect in ranking.effects:
        assert effect.sufficiency.low <= effect.sufficiency.mean <= effect.sufficiency.high
        if effect.status is EffectStatus.RESTORES:
            assert effect.p_value <= effect.p_adjusted <= 0.05
            assert 2 * effect.sufficiency.converged > effect.sufficiency.trials
        assert effect.more_seeds is None or effect.status is EffectStatus.UNDECIDED
    ranks = [effect.rank for effect in ranking.effects]
    assert ranks == sorted(ranks)
    assert {e.toggle for e in ranking.effects} == set(TOGGLES)


@settings(max_examples=100, deadline=None)
@given(outcomes=trials)
def test_no_repair_holds_another(outcomes):
    found = [frozenset(repair.toggles) for repair in rank(outcomes, AXES, TARGET).repairs]
    assert not any(one < other for one in found for other in found)


def simulated(rng, cells, rate_of, seeds):
    """One study: seeds share a latent difficulty, so that pairs correlate as real seeds do."""
    found = []
    for seed in range(seeds):
        common, shared = rng.random(), rng.random() < 0.5
        for cell in cells:
            luck = common if shared else rng.random()
            verdict = Verdict.CONVERGED if luck < rate_of(cell) else Verdict.STALLED
            found.append(outcome(len(found), cell, seed, verdict, int(rng.integers(50, 590))))
    return found


def test_restores_is_printed_falsely_in_at_most_five_percent_of_null_studies():
    rng, false = np.random.default_rng(0), 0
    studies = 400
    for _ in range(studies):
        rate = rng.uniform(0.02, 0.7)
        outcomes = simulated(rng, CELLS[:4], lambda cell, rate=rate: rate, seeds=int(rng.choice([5, 8, 12])))
        ranking = rank(outcomes, AXES, TARGET)
        false += bool(ranking.repairs) or any(e.status is EffectStatus.RESTORES for e in ranking.effects)
    assert false <= 0.05 * studies


def test_a_true_repair_is_found_in_most_studies_of_eight_seeds():
    rng, right = np.random.default_rng(1), 0
    for _ in range(100):
        outcomes = simulated(rng, CELLS[:4], lambda cell: 0.95 if TOGGLES[0] in cell.toggles else 0.02, seeds=8)
        ranking = rank(outcomes, AXES, TARGET)
        right += [repair.toggles for repair in ranking.repairs] == [(TOGGLES[0],)]
    assert right >= 90
