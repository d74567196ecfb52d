"""How many steps a study's budget is, by the inventory of its program; when a budget must be given."""

import math

import pytest

from sweep.domain.budget import Announced, Budget, budget_steps, estimate_text
from sweep.domain.inventory import Inventory, InventoryReport, LossSite, ProgramEnd, ReportedMetric
from sweep.errors import ConfigError

SITE = LossSite(series="step/loss", where="train.py:9", calls=300)


def report(*, ended=ProgramEnd.OWN, steps=300, epochs=None, wall_s=12.0, metrics=(), message=""):
    inventory = Inventory(losses=(SITE,), ended=ended, steps=steps, epochs=epochs, wall_s=wall_s)
    return InventoryReport(inventory=inventory, metrics=tuple(metrics), message=message)


def refused(budget, known, **more):
    with pytest.raises(ConfigError) as caught:
        budget_steps(budget, known, metric=more.pop("metric", None), **more)
    return caught.value


@pytest.mark.parametrize(
    ("budget", "steps"),
    [
        (Budget(), 300),
        (Budget(steps=90), 90),
        (Budget(epochs=1), 100),
        (Budget(epochs=0.5), 50),
        (Budget(epochs=7), 700),
        (Budget(seconds=6.0), 150),
        (Budget(seconds=1e-6), 1),
    ],
)
def test_a_budget_becomes_steps(budget, steps):
    assert budget_steps(budget, report(epochs=3), metric=None) == steps


@pytest.mark.parametrize("ended", [ProgramEnd.CUT, ProgramEnd.CRASHED, ProgramEnd.UNKNOWN])
def test_a_program_that_did_not_come_to_its_end_has_no_length(ended):
    error = refused(Budget(), report(ended=ended, message="KeyError: 'x'"))
    assert error.key == "converge.budget_steps"
    assert "300 steps" in str(error)
    assert budget_steps(Budget(steps=90), report(ended=ended), metric=None) == 90
    assert budget_steps(Budget(seconds=1), report(ended=ended), metric=None) == 25


def test_a_program_that_stops_on_nan_has_no_length_and_one_that_goes_on_has():
    def with_bad(bad_from):
        return report(metrics=[ReportedMetric(name="step/loss", values=300, last=math.nan, bad_from=bad_from)])

    assert "298" in str(refused(Budget(), with_bad(298)))
    assert budget_steps(Budget(), with_bad(40), metric=None) == 300
    assert budget_steps(Budget(), with_bad(298), metric=None, announced=Announced(epoch=9, epochs=9)) == 300


@pytest.mark.parametrize(
    ("announced", "is_whole"),
    [
        (Announced(epoch=10, epochs=10), True),
        (Announced(epoch=9, epochs=10), True),  # it counts from 0
        (Announced(epoch=90, epochs=100, stride=10), True),
        (Announced(epoch=40, epochs=100, stride=10), False),
        (Announced(epoch=4, epochs=10), False),
    ],
)
def test_a_program_that_ended_before_its_last_epoch_ended_early(announced, is_whole):
    if is_whole:
        assert budget_steps(Budget(), report(), metric=None, announced=announced) == 300
    else:
        assert f"of {announced.epochs}" in str(refused(Budget(), report(), announced=announced))


def test_the_estimate_of_a_long_program_is_by_the_epochs_that_it_prints():
    text = estimate_text(report(ended=ProgramEnd.CUT, wall_s=600.0).inventory, Announced(epoch=3, epochs=50))
    assert "about 6,000 steps" in text
    assert "3.3 h" in text


def test_epochs_need_a_loader():
    assert refused(Budget(epochs=2), report()).key == "converge.budget_epochs"


@pytest.mark.parametrize("budget", [Budget(), Budget(steps=5), Budget(seconds=5)])
def test_a_program_without_a_step_is_refused(budget):
    error = refused(budget, report(steps=0))
    assert error.key == "task.path"
    assert "train.py:9" in str(error)


def test_a_metric_that_comes_once_at_the_end_needs_the_whole_program():
    once = report(metrics=[ReportedMetric(name="val/acc", values=1, last=0.9)])
    assert refused(Budget(steps=299), once, metric="val/acc").key == "converge.budget_steps"
    assert refused(Budget(seconds=1), once, metric="val/acc").key == "converge.budget_s"
    for budget in (Budget(), Budget(steps=300), Budget(steps=400)):
        assert budget_steps(budget, once, metric="val/acc") >= 300
    assert budget_steps(Budget(steps=9), once, metric="other") == 9


def test_a_program_that_fails_before_its_first_step_is_said_to_fail():
    error = refused(Budget(), report(ended=ProgramEnd.CRASHED, steps=0, message="KeyError: 'x'"))
    assert error.key == "task.path"
    assert "failed" in str(error)
    assert "KeyError: 'x'" in str(error)


def test_what_is_said_of_a_program_without_a_step_is_said_once():
    told = "the program ended without a step of a Paddle optimizer: it is static-graph only"
    error = refused(Budget(), report(ended=ProgramEnd.CRASHED, steps=0, message=f"NoStepError: {told}"))
    assert str(error).count("step") == 1
    assert told in str(error)
