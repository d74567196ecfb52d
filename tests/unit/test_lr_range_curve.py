"""What is read off the curves of range tests, and what is refused with words and no number."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sweep.analysis.checks.lr_curve import Ending, Refusal, read_curve
from sweep.analysis.checks.lr_range import overrides_for, read_check
from sweep.domain.check import Check, CheckName
from sweep.domain.checked import CheckContext, CheckTrial
from sweep.domain.lr_range import LOSSES, RATES, BlowUp, Ramp, RangeFindings
from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target

SETTINGS = {"lr_min": 1e-7, "lr_max": 10.0, "steps": 150}
RAMP = Ramp(lr_min=1e-7, lr_max=10.0, steps=150)
RATE = np.array([RAMP.rate(i) for i in range(150)])


def valley(*, at=1e-2, width=0.5, start=2.3, best=0.5, blow=0.5, noise=0.02, seed=0):
    """Return losses that fall around `at` (a logistic over `width` decades) and shoot up from the rate `blow`."""
    x = np.log10(RATE)
    fall = (start - best) / (1 + np.exp(-(x - math.log10(at)) / (width / 4)))
    losses = start - fall + noise * np.random.default_rng(seed).normal(size=len(x))
    return losses + np.where(blow < RATE, (RATE / blow) ** 4 - 1, 0.0)


def as_run(losses):
    """Return rates and losses as far as the range test itself would have gone."""
    watch = BlowUp()
    for index, loss in enumerate(losses.tolist()):
        if watch.update(loss):
            return RATE[: index + 1], losses[: index + 1]
    return RATE, losses


def trial(losses, *, number=0, findings=None, message="", rates=RATE):
    steps = np.arange(len(losses))
    series = {RATES: Series(steps, rates[: len(losses)]), LOSSES: Series(steps, np.asarray(losses, dtype=float))}
    known = RangeFindings(optimizer="SGD", base_lr=0.02, optimizers=1)
    return CheckTrial(
        number=number,
        seed=number,
        state=TrialState.COMPLETED,
        message=message,
        series=series if len(losses) else {},
        findings=known if findings is None else findings,
        artifacts="trials/0/artifacts",
    )


def read(trials, task=None):
    target = Target(metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=150, stop_early=True)
    context = CheckContext(
        check=Check(name=CheckName.LR_RANGE, settings=SETTINGS),
        task=task or {"lr": 0.02, "lr_scale": 1.0},
        target=target,
    )
    return read_check(trials, context)


def test_the_ramp_rises_exponentially_from_the_first_rate_to_the_last():
    assert RATE[0] == pytest.approx(1e-7)
    assert RATE[-1] == pytest.approx(10.0)
    assert np.ptp(np.diff(np.log(RATE))) < 1e-9


def test_the_point_is_the_middle_of_the_descent():
    reading = read_curve(*as_run(valley(at=1e-2)))
    assert reading.refusal is None
    assert reading.valley == pytest.approx(1e-2, rel=0.4)
    assert reading.low < reading.valley < reading.high < reading.diverge


def test_the_steepest_rate_lies_within_the_descent():
    reading = read_curve(*as_run(valley(at=3e-3)))
    assert reading.low <= reading.steep <= reading.high
    assert reading.steep == pytest.approx(3e-3, rel=0.6)


def test_divergence_is_where_the_loss_is_back_where_it_started():
    reading = read_curve(*as_run(valley(blow=0.5)))
    assert reading.ending in (Ending.LOST, Ending.BLOWN_UP)
    assert 0.5 < reading.diverge < 1.5


def test_divergence_is_where_the_loss_is_no_number():
    losses = valley(blow=100.0)
    losses[RATE > 0.7] = np.nan
    reading = read_curve(*as_run(losses))
    assert reading.ending is Ending.NON_FINITE
    assert reading.diverge == pytest.approx(RATE[RATE > 0.7][0])


def test_a_loss_that_rises_a_little_has_a_point_and_no_divergence():
    losses = valley(at=1e-3, blow=100.0) + np.where(RATE > 0.1, 0.4 * np.log10(RATE / 0.1), 0.0)
    reading = read_curve(*as_run(losses))
    assert (reading.refusal, reading.ending, reading.diverge) == (None, Ending.TURNED, None)


@pytest.mark.parametrize(
    ("losses", "refusal"),
    [
        (np.full(150, np.nan), Refusal.NON_FINITE),
        (np.concatenate([[2.3, 2.3, math.inf], np.ones(147)]), Refusal.NON_FINITE),
        (np.full(150, 2.3), Refusal.FLAT),
        (2.3 + 0.1 * np.random.default_rng(1).normal(size=150), Refusal.FLAT),
        (valley(at=5.0, blow=1e9), Refusal.FALLING),
        (2.3 - 0.01 * np.arange(150.0), Refusal.FALLING),
        (2.3 * 1.5 ** np.arange(150.0), Refusal.BLOWN_UP),
    ],
)
def test_what_cannot_be_read_has_a_reason_and_no_number(losses, refusal):
    reading = read_curve(*as_run(losses))
    assert reading.refusal is refusal
    assert (reading.valley, reading.steep, reading.low, reading.high, reading.diverge) == (None,) * 5


def test_noise_alone_suggests_nothing():
    curves = np.random.default_rng(7).normal(2.3, 0.2, size=(150, 150))
    assert sum(read_curve(RATE, losses).refusal is None for losses in curves) <= 5  # of single curves, up to 3 %
    studies = [[trial(losses, number=i) for i, losses in enumerate(curves[k : k + 3])] for k in range(0, 150, 3)]
    assert [study for study in studies if read(study).section.point is not None] == []


def test_the_test_ends_at_the_first_loss_that_is_no_number():
    watch = BlowUp()
    assert [watch.update(loss) for loss in (2.3, 2.2, math.nan)] == [False, False, True]
    assert BlowUp().update(math.inf)


def test_a_loss_below_zero_has_no_multiple_to_blow_up_to():
    watch = BlowUp()
    assert not any(watch.update(loss) for loss in (-1.0, -5.0, -0.1, 3.0, 9.0))


def test_seeds_are_combined_by_their_median_in_the_logarithm():
    result = read([trial(as_run(valley(at=at, seed=i))[1], number=i) for i, at in enumerate((1e-3, 1e-2, 3e-3))])
    points = sorted(row.valley for row in result.section.trials)
    assert result.section.valley == points[1]
    assert result.section.spread.lowest == points[0]
    assert result.overrides == (f"task.lr={result.section.point:g}",)


def test_seeds_that_disagree_wildly_give_no_point():
    result = read([trial(as_run(valley(at=at))[1], number=i) for i, at in enumerate((1e-5, 1e-3, 5e-2))])
    assert result.section.refusal == "disagree"
    assert "do not agree" in result.answer
    assert (result.section.point, result.overrides) == (None, ())


def test_a_fall_on_one_seed_of_three_is_no_suggestion():
    flat = [trial(np.full(150, 2.3), number=i) for i in (1, 2)]
    result = read([trial(as_run(valley())[1]), *flat])
    assert result.section.point is None
    assert "1 of 3 seeds" in result.answer


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        (np.full(150, np.nan), "NaN or infinite from the start"),
        (np.full(150, 2.3), "does not clearly fall at any rate"),
        (2.3 - 0.01 * np.arange(150.0), "probe.lr_max=1000"),
        (np.full(12, 2.3), "at least 20 are needed"),
    ],
)
def test_a_refusal_says_why_and_names_no_rate(losses, words):
    result = read([trial(as_run(losses)[1], number=i) for i in range(3)])
    assert words in result.answer
    assert result.is_ok
    assert all(getattr(result.section, name) is None for name in ("point", "valley", "steep", "low", "high", "diverge"))
    assert result.overrides == ()


def test_a_task_without_a_paddle_optimizer_is_told_so():
    result = read([trial([], findings=RangeFindings())])
    assert not result.is_ok
    assert "no step of a Paddle optimizer" in result.answer
    assert "+search=tpe" in result.answer


def test_a_seed_that_cannot_be_read_is_left_out_and_named():
    result = read([*(trial(as_run(valley(seed=i))[1], number=i) for i in (0, 1)), trial(np.full(150, 2.3), number=2)])
    assert result.section.point is not None
    assert "seed 2 (flat)" in result.notes[0]


def test_only_the_second_attempt_of_a_task_that_ended_early_is_read():
    losses = as_run(valley(at=1e-2))[1]
    first = trial(np.concatenate([np.full(40, 9.0), losses]), rates=np.concatenate([RATE[:40], RATE]))
    again = CheckTrial(
        number=0,
        seed=0,
        state=first.state,
        message="",
        series=first.series,
        findings=replace(first.findings, first_step=40),
        artifacts="",
    )
    assert read([again]).section.valley == read([trial(losses)]).section.valley


@pytest.mark.parametrize(
    ("task", "base_lr", "expected"),
    [
        ({"lr": 0.02, "lr_scale": 1.0}, 0.02, ("task.lr=0.05",)),
        ({"lr": 0.02}, 0.02, ("task.lr=0.05",)),
        ({"learning_rate": 0.02}, 0.02, ("task.learning_rate=0.05",)),
        ({"lr": 0.02, "lr_scale": 1.0}, 0.001, ("task.lr_scale=50",)),  # Adam has a rate of its own
        ({"lr": 0.02, "lr_scale": 2.0}, 0.04, ("task.lr_scale=2.5",)),
        ({"lr_scale": None}, 0.01, ("task.lr_scale=5",)),
        ({"lr": 0.02}, 0.001, ()),
        ({}, 0.01, ()),
        ({"lr": 0.02, "lr_scale": 1.0}, None, ()),
    ],
)
def test_the_overrides_set_the_rate_that_the_optimizer_has(task, base_lr, expected):
    assert overrides_for(0.05, base_lr, task) == expected


def test_a_task_without_a_key_for_its_rate_gets_the_rate_and_a_note():
    result = read([trial(as_run(valley())[1])], task={"hidden": 3})
    assert result.section.point is not None
    assert result.overrides == ()
    assert "set it in its code" in result.notes[0]


def test_a_curve_that_begins_at_its_lowest_has_no_descent():
    losses = np.ones(len(RATE))
    losses[:3] = (0.5, 0.75, 1.0)
    losses[-10:] = 2.0 ** np.arange(1, 11)
    assert read_curve(RATE, losses).refusal is Refusal.FLAT
