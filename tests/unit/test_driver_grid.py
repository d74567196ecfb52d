"""The grid driver: its order, and what it skips on resume."""

import making

from sweep.domain.axis import BASE, Cell
from sweep.domain.trial import Outcome
from sweep.drivers.grid import GridDriver
from sweep.drivers.protocol import Proposal

OFF = Cell.of(["dropout=off"])
CLIP = Cell.of(["clip=on"])


def told(cell: Cell, seed: int) -> Outcome:
    return making.outcome(cell=cell, seed=seed)


def test_base_comes_first_over_all_seeds_then_cells_seed_by_seed():
    driver = GridDriver([OFF, BASE, CLIP], [7, 8])
    assert driver.ask(100) == tuple(
        Proposal(cell, seed) for cell, seed in [(BASE, 7), (BASE, 8), (OFF, 7), (CLIP, 7), (OFF, 8), (CLIP, 8)]
    )


def test_a_plan_without_the_base_is_not_given_one():
    assert {p.cell for p in GridDriver([OFF], [0, 1]).ask(9)} == {OFF}


def test_cells_and_seeds_named_twice_count_once():
    driver = GridDriver([BASE, OFF, OFF], [0, 0])
    assert driver.expected_trials() == 2
    assert len(driver.ask(9)) == 2


def test_told_outcomes_are_skipped_and_do_not_use_up_the_count():
    driver = GridDriver([BASE, OFF, CLIP], [0])
    driver.tell(told(BASE, 0))
    driver.tell(told(CLIP, 0))
    assert driver.ask(1) == (Proposal(OFF, 0),)
    assert driver.ask(1) == ()
    assert driver.expected_trials() == 3


def test_an_outcome_outside_the_plan_changes_nothing():
    driver = GridDriver([BASE], [0])
    driver.tell(told(OFF, 0))
    driver.tell(told(BASE, 5))
    assert driver.ask(5) == (Proposal(BASE, 0),)


def test_a_fixed_design_never_prunes():
    driver = GridDriver([BASE], [0])
    (proposal,) = driver.ask(1)
    assert driver.should_prune(proposal, 10, float("nan")) is False
