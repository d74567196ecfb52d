"""What a logged step means: where each of many ways to count stands in the run, and what is reported of it."""

import random

import pytest

from sweep.domain.step_clock import StepClock
from sweep.domain.steps import CORRECTED, StepKind, findings_of, findings_text

BUDGET = 300


def follow(calls, budget=BUDGET):
    """Log calls of (step, names) or (step, names, optimizer steps); return positions by name, and the findings."""
    clock, at = StepClock(budget), {}
    for step, names, *taken in calls:
        for position, values in clock.place(step, dict.fromkeys(names, 0.0), *taken):
            for name in values:
                at.setdefault(name, []).append(position)
    for position, values in clock.finish():
        for name in values:
            at.setdefault(name, []).append(position)
    return at, clock.findings(is_over=True)


def kinds(findings):
    return {(finding.kind, finding.series) for finding in findings}


def epochs(number=10, length=30):
    return [(epoch, range((epoch - 1) * length + 1, epoch * length + 1)) for epoch in range(1, number + 1)]


def plain_shapes():
    yield "every step", [(s, ["train/loss"]) for s in range(1, 301)]
    yield "from 0", [(s, ["train/loss"]) for s in range(300)]
    yield "every 7th", [(s, ["train/loss"]) for s in range(7, 301, 7)]
    yield (
        "evaluated at the same step",
        [(s, names) for s in range(1, 301) for names in (["train/loss"], ["val/acc"] if s % 30 == 0 else ["lr"])],
    )
    yield "dense at first", [(s, ["train/loss"]) for s in [*range(1, 11), *range(20, 301, 20)]]
    yield (
        "evaluated one step behind",
        [call for s in range(1, 301) for call in [(s, ["a"]), *([(s - 1, ["val/acc"])] if s % 30 == 0 else [])]],
    )
    yield "neighbours swapped", [(s ^ 1, ["train/loss", "val/acc"]) for s in range(1, 300)]
    yield "watched", [(s, ["train/loss"], s) for s in range(1, 301)]
    yield "watched, from 0", [(s, ["train/loss"], s + 1) for s in range(300)]
    yield "watched, four micro-batches a step", [(s, ["train/loss"], s // 4) for s in range(1, 301)]
    yield "watched, five optimizer steps a round", [(s, ["train/loss"], 5 * s) for s in range(1, 61)]
    yield (
        "late results of a long evaluation",
        [call for s in range(1, 301) for call in [(s, ["a"]), *([(s - 45, ["val/acc"])] if s % 50 == 45 < s else [])]],
    )
    yield "all curves after the training", [*((s, ["a"]) for s in range(1, 300)), *((s, ["b"]) for s in range(1, 300))]
    yield (
        "checkpoints evaluated after the training",
        [*((s, ["train/loss"]) for s in range(1, 300)), *((s, ["val/acc"]) for s in range(50, 300, 50))],
    )


@pytest.mark.parametrize("calls", [pytest.param(calls, id=name) for name, calls in plain_shapes()])
def test_steps_that_are_optimizer_steps_stay_as_they_are(calls):
    at, findings = follow(calls)
    for name, positions in at.items():
        assert positions == [step for step, names, *_ in calls if name in names]
    assert findings == ()


def test_a_validation_by_epoch_stands_at_the_step_that_the_training_has_reached():
    calls = [c for epoch, steps in epochs() for c in [*((s, ["train/loss"]) for s in steps), (epoch, ["val/acc"])]]
    at, findings = follow(calls)
    assert at["val/acc"] == list(range(30, 301, 30))
    assert at["train/loss"] == list(range(1, 301))
    [found] = findings
    assert (found.kind, found.series, found.leader) == (StepKind.BEHIND, "val/acc", "train/loss")
    assert (found.first, found.last, found.at_first, found.at_last) == (1, 10, 30, 300)


def test_a_validation_by_epoch_from_0_and_before_the_training_too():
    calls = [(0, ["val/acc"])]
    for epoch, steps in epochs():
        calls += [*((s, ["train/loss"]) for s in steps), (epoch, ["val/acc"])]
    at, findings = follow(calls)
    assert at["val/acc"] == [0, *range(30, 301, 30)]
    assert kinds(findings) == {(StepKind.BEHIND, "val/acc")}


def test_a_training_loss_by_epoch_beside_a_validation_by_step():
    calls = [c for epoch, steps in epochs() for c in [(epoch, ["train/loss"]), (steps[-1], ["val/acc"])]]
    at, findings = follow(calls)
    assert at["val/acc"] == list(range(30, 301, 30))
    assert at["train/loss"] == [1, *range(30, 271, 30)]
    assert kinds(findings) == {(StepKind.BEHIND, "train/loss")}


def test_epochs_are_seen_in_a_long_budget_whose_first_epoch_is_a_small_part_of_it():
    calls = [c for epoch, steps in epochs(100) for c in [*((s, ["a"]) for s in steps), (epoch, ["val/acc"])]]
    at, _ = follow(calls, budget=10_000)
    assert at["val/acc"] == list(range(30, 3001, 30))


@pytest.mark.parametrize("start", [0, 1])
def test_a_counter_that_restarts_in_each_epoch_is_counted_on(start):
    calls = [(s, ["train/loss"]) for _ in range(10) for s in range(start, start + 30)]
    at, findings = follow(calls)
    assert at["train/loss"] == list(range(start, start + 300))
    [found] = findings
    assert (found.kind, found.times) == (StepKind.RESTARTS, 9)


def test_a_restarting_counter_that_is_logged_every_10_steps():
    calls = [(s, ["train/loss"]) for _ in range(10) for s in (10, 20, 30)]
    assert follow(calls)[0]["train/loss"] == list(range(10, 301, 10))


def test_an_evaluation_at_the_last_batch_of_each_epoch_goes_with_the_counter_that_restarts():
    calls = [c for _ in range(10) for c in [*((s, ["train/loss"]) for s in range(1, 31)), (30, ["val/acc"])]]
    at, _ = follow(calls)
    assert at["val/acc"] == list(range(30, 301, 30))


def test_batches_restart_and_the_validation_goes_by_epoch():
    calls = [c for e in range(1, 11) for c in [*((s, ["train/loss"]) for s in range(1, 31)), (e, ["val/acc"])]]
    at, findings = follow(calls)
    assert at["val/acc"] == list(range(30, 301, 30))
    assert kinds(findings) == {(StepKind.RESTARTS, "train/loss"), (StepKind.BEHIND, "val/acc")}


def test_a_second_loop_with_the_same_names_continues_after_the_first():
    calls = [(s, ["train/loss"]) for s in [*range(1, 101), *range(1, 201)]]
    assert follow(calls)[0]["train/loss"] == list(range(1, 301))


@pytest.mark.parametrize("every", [1, 10])
def test_a_resumed_counter_beyond_the_budget_is_counted_from_there(every):
    calls = [(100_000 + s, ["train/loss"]) for s in range(every, 301, every)]
    at, findings = follow(calls)
    assert at["train/loss"] == list(range(every, 301, every))
    [found] = findings
    assert (found.kind, found.first, found.at_first) == (StepKind.RESUMED, 100_000 + every, every)


def test_a_resumed_counter_with_a_validation_by_epoch():
    calls = [c for e, steps in epochs() for c in [*((100_000 + s, ["train/loss"]) for s in steps), (e, ["val/acc"])]]
    at, findings = follow(calls)
    assert at["val/acc"] == list(range(30, 301, 30))
    assert {finding.kind for finding in findings} == {StepKind.RESUMED, StepKind.BEHIND}


@pytest.mark.parametrize("steps", [[1000], [1000, 2000], [500, 1000, 1500]])
def test_a_task_that_logs_less_often_than_its_budget_is_long_has_not_resumed(steps):
    at, findings = follow([(s, ["train/loss"]) for s in steps])
    assert at["train/loss"] == steps
    assert findings == ()


def test_steps_out_of_order_stay_as_logged_and_are_reported():
    steps = list(range(1, 301))
    random.Random(3).shuffle(steps)
    at, findings = follow([(s, ["train/loss"]) for s in steps])
    assert at["train/loss"] == steps
    assert kinds(findings) == {(StepKind.BACK, "train/loss")}


def test_a_best_value_logged_at_its_own_step_in_the_end_is_nothing_to_report():
    calls = [*((s, ["train/loss", "val/acc"]) for s in range(1, 300)), (120, ["val/acc"])]
    at, findings = follow(calls)
    assert at["val/acc"][-1] == 120
    assert findings == ()


@pytest.mark.parametrize("taken", [None, 300])
def test_one_evaluation_at_epoch_1_stands_at_the_step_reached(taken):
    training = [] if taken else [(s, ["train/loss"]) for s in range(1, 301)]
    at, [found] = follow([*training, (1, ["val/acc"], taken)])
    assert at["val/acc"] == [300]
    assert found.kind is (StepKind.BEHIND_OPTIMIZER if taken else StepKind.BEHIND)


@pytest.mark.parametrize("first", [0, 1])
def test_everything_by_epoch_stands_at_the_steps_of_the_watched_optimizer(first):
    calls = [(first + e, ["train/loss", "val/acc"], 30 * (e + 1)) for e in range(10)]
    at, findings = follow(calls)
    assert at["val/acc"] == at["train/loss"] == list(range(30, 301, 30))
    assert {finding.kind for finding in findings} == {StepKind.BEHIND_OPTIMIZER}


def test_always_step_0_stands_at_the_steps_of_the_watched_optimizer():
    at, findings = follow([(0, ["train/loss"], s) for s in range(1, 301)])
    assert at["train/loss"][10:] == list(range(11, 301))
    assert {finding.kind for finding in findings} == {StepKind.BEHIND_OPTIMIZER}


def test_the_epoch_at_every_batch_stands_at_the_steps_of_the_watched_optimizer():
    calls = [(epoch, ["train/loss"], s) for epoch, steps in epochs() for s in steps]
    assert follow(calls)[0]["train/loss"][20:] == list(range(21, 301))


def test_samples_in_place_of_steps_stay_and_are_reported_where_the_optimizer_is_watched():
    calls = [(32 * s, ["train/loss"], s) for s in range(1, 11)]
    at, findings = follow(calls)
    assert at["train/loss"] == list(range(32, 321, 32))
    [found] = findings
    assert (found.kind, found.last, found.at_last) == (StepKind.AHEAD, 320, 10)


def test_without_a_watched_optimizer_epochs_in_all_series_stay_as_they_are():
    at, findings = follow([(e, ["train/loss", "val/acc"]) for e in range(1, 11)])
    assert at["val/acc"] == list(range(1, 11))
    assert findings == ()


def test_findings_come_back_from_their_text_and_other_text_has_none():
    _, findings = follow([(s, ["train/loss"]) for _ in range(10) for s in range(30)])
    assert findings_of(findings_text(findings)) == findings
    assert findings_of("no JSON") == findings_of('[{"kind": "odd"}]') == findings_of(None) == ()
    assert StepKind.BACK not in CORRECTED
