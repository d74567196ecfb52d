"""A search resumed with other params: its trials belong to the space that they were drawn from."""

import pytest

from sweep.config import load_study_config
from sweep.domain.axis import BASE, Cell, Toggle
from sweep.drivers.protocol import Proposal
from sweep.store import Store
from sweep.study.planning import StudyPlan

LR = "+params={task.lr: 'tag(log, interval(1e-4, 0.1))'}"
RATE = (("task.lr", "0.01"),)
POINT = Cell(frozenset(), RATE)
TOGGLED = Cell(frozenset({Toggle("dropout", "zero")}), RATE)
AXIS = "+axes.dropout={levels: {zero: [task.dropout=0.0]}}"


def plan(*overrides):
    words = ["task=digits_mlp", "task.dropout=0.5", "driver=optuna", *overrides]
    return StudyPlan(load_study_config(words))


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/s.db") as opened:
        yield opened


def kept(store, before, cells, after):
    """Return the cells that a search has, which tried these on seeds 0 and 1 and is resumed otherwise."""
    record = store.create_study(name="s", task="digits_mlp", command=(), config={}, provenance={})
    searched = plan(*before)
    store.add_trials(record.id, [searched.compose(Proposal(cell, seed)) for cell in cells for seed in (0, 1)])
    plan(*after).enrol(store, record)
    return [(trial.cell, trial.seed) for trial in store.trials(record.id)]


@pytest.mark.parametrize(
    ("after", "cells"),
    [
        ([LR], [BASE, POINT]),
        (["+params={task.lr: 'interval(0, 1)'}"], [BASE, POINT]),
        (["+params={task.lr: 'interval(0.02, 1)'}"], [BASE]),
        (["+params={task.batch_size: 'choice(16,32)'}"], [BASE]),
        ([LR, AXIS], [BASE, POINT]),
    ],
)
def test_points_outside_the_space_are_retired(store, after, cells):
    assert kept(store, [LR], [BASE, POINT], after) == [(cell, seed) for cell in cells for seed in (0, 1)]


def test_a_point_with_an_axis_that_is_gone_is_retired(store):
    assert kept(store, [LR, AXIS], [POINT, TOGGLED], [LR]) == [(POINT, 0), (POINT, 1)]


def test_trials_of_other_seeds_are_retired(store):
    assert kept(store, [LR], [BASE, POINT], [LR, "seeds=[1,2]"]) == [(BASE, 1), (POINT, 1)]
