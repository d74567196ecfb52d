"""What the trials around a suggested rate say of it, and how it looks."""

import io
import math
import re
from dataclasses import replace

import making
import pytest
from rich.console import Console

from sweep.analysis.checks.lr_confirm import axis_of, rates_of, read_confirmation
from sweep.domain.axis import BASE, Cell
from sweep.domain.lr_range import Ending, RateRange, RateTest, Refusal
from sweep.domain.states import TrialState
from sweep.domain.verdict import Verdict
from sweep.report.ratechart import rate_chart
from sweep.report.stages import lr_confirm, lr_range

FOUND = RateRange(point=0.03, overrides=("task.lr=0.03",), base_lr=0.02, lr_min=1e-7, lr_max=10.0)
TASK = {"lr": 0.02, "lr_scale": 1.0}
RATES = rates_of(FOUND, TASK)
FIGURES = {"valley": 1e-3, "steep": 1e-3, "low": 1e-5, "high": 1e-2, "diverge": 1e-1}
NOTHING = dict.fromkeys(FIGURES)
TEST = RateTest(
    trial=0,
    seed=0,
    ending=Ending.NON_FINITE,
    rates=(1e-7, 1e-5, 1e-3, 1e-1),
    losses=(2.0, 1.9, 1.0, math.nan),
    smoothed=(2.0, 1.9, 1.1),
    **FIGURES,
)
SECTION = RateRange(
    point=1e-3,
    overrides=("task.lr=0.001",),
    base_lr=0.02,
    optimizer="Adam",
    lr_min=1e-7,
    lr_max=10.0,
    trials=(TEST,),
    **FIGURES,
)


def outcomes(converged, taus=None):
    """Return three seeds of each rate in ascending order, and of the base, of which so many converge."""
    cells = [*(Cell.of([f"lr={rate.level}"]) for rate in RATES), BASE]
    found = []
    for cell, count, tau in zip(cells, converged, taus or (100, 60, 30, 90), strict=True):
        for seed in range(3):
            verdict = Verdict.CONVERGED if seed < count else Verdict.DIVERGED
            found.append(
                making.outcome(
                    number=len(found),
                    cell=cell,
                    seed=seed,
                    verdict=verdict,
                    tau=tau if seed < count else None,
                    steps=400,
                )
            )
    return found


def printed(renderable):
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(renderable)
    return out.getvalue()


def test_the_rates_tried_are_a_third_of_the_point_the_point_and_three_times_it():
    assert [rate.lr for rate in RATES] == [0.01, 0.03, 0.09]
    assert [rate.overrides for rate in RATES] == [("task.lr=0.01",), ("task.lr=0.03",), ("task.lr=0.09",)]
    assert [level.name for level in axis_of(RATES).levels] == ["0.01", "0.03", "0.09"]


@pytest.mark.parametrize(
    ("converged", "recommended", "confirmed"),
    [
        ((3, 3, 3, 0), ("task.lr=0.03",), True),  # the point, though three times it is sooner
        ((3, 0, 0, 0), ("task.lr=0.01",), True),
        ((0, 0, 3, 3), ("task.lr=0.09",), True),
        ((3, 2, 0, 0), ("task.lr=0.01",), True),
        ((0, 2, 0, 1), ("task.lr=0.03",), False),
        ((2, 1, 2, 2), ("task.lr=0.01",), False),
        ((0, 2, 0, 3), (), False),  # the task's own does better
        ((0, 0, 0, 0), (), False),
    ],
)
def test_recommended_is_the_rate_on_which_most_seeds_converge(converged, recommended, confirmed):
    result = read_confirmation(RATES, outcomes(converged), 0.02)
    assert result.overrides == recommended
    assert result.section.confirmed is confirmed


def test_the_rate_that_converges_soonest_is_named():
    result = read_confirmation(RATES, outcomes((3, 3, 3, 3)), 0.02)
    assert result.section.soonest_lr == 0.09
    assert "0.09, after 30 steps" in result.answer


def test_where_no_rate_converges_nothing_is_recommended_and_said_so():
    result = read_confirmation(RATES, outcomes((0, 0, 0, 0)), 0.02)
    assert result.answer.startswith("Not confirmed")
    assert result.section.recommended_lr is None


@pytest.mark.parametrize("state", [TrialState.PENDING, TrialState.RUNNING, TrialState.CANCELLED])
@pytest.mark.parametrize("converged", [(3, 0, 0, 0), (0, 3, 0, 0), (0, 0, 0, 3)])
def test_while_trials_are_to_run_nothing_is_confirmed_or_ruled_out(converged, state):
    *judged, last = outcomes(converged)
    result = read_confirmation(RATES, [*judged, replace(last, state=state, verdict=Verdict.UNDECIDED, tau=None)], 0.02)
    assert result.answer.startswith("Not confirmed yet: 0.01 (")
    assert (result.overrides, result.section.recommended_lr, result.section.confirmed) == ((), None, False)


def test_one_seed_is_said_to_converge_in_the_singular():
    seed = [outcome for outcome in outcomes((3, 3, 3, 3), (50, 30, 60, 90)) if outcome.seed == 0]
    answer = read_confirmation(RATES, seed, 0.02).answer
    assert answer.startswith("Confirmed")
    assert "0.03, 1 of 1 seed converges after 30 steps" in answer


def test_crashed_trials_are_no_evidence():
    crashed = [
        making.outcome(
            number=i, cell=Cell.of(["lr=0.03"]), seed=i, state=TrialState.FAILED, verdict=Verdict.UNDECIDED, steps=0
        )
        for i in range(3)
    ]
    row = read_confirmation(RATES, crashed, 0.02).section.rates[1]
    assert (row.trials, row.converged) == (0, 0)


def test_a_rate_that_no_key_sets_is_not_tried():
    assert rates_of(replace(FOUND, overrides=()), {}) == ()


def test_a_terminal_shows_curve_range_and_point():
    text = printed(lr_range.terminal(SECTION))
    assert "seed 0" in text
    assert "▲" in text
    assert "✕" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_curve_that_says_nothing_is_drawn_without_marks():
    row = replace(TEST, refusal=Refusal.FALLING, **NOTHING)
    section = replace(SECTION, refusal=Refusal.FALLING, point=None, trials=(row,), **NOTHING)
    assert "▲" not in printed(lr_range.terminal(section))
    assert "still falls" in lr_range.markdown(section)
    chart = str(rate_chart(section))
    assert "suggested" not in chart
    assert "blows up" not in chart


def test_the_chart_marks_range_point_divergence_and_the_task():
    chart = str(rate_chart(SECTION))
    for words in ("suggested 0.001", "blows up at 0.1", "the task has 0.02", 'class="range"'):
        assert words in chart
    assert "nan" not in chart.lower()


@pytest.mark.parametrize(("own", "diverge"), [(0.1, 0.12), (0.12, 0.1)])
def test_labels_of_lines_near_each_other_stand_away_from_each_other(own, diverge):
    chart = str(rate_chart(replace(SECTION, point=0.001, base_lr=own, diverge=diverge)))
    anchors = dict(re.findall(r'class="l-(own|diverge)"[^>]*text-anchor="(\w+)"', chart))
    assert anchors == ({"own": "end", "diverge": "start"} if own < diverge else {"own": "start", "diverge": "end"})


def test_a_study_without_a_finite_loss_has_no_chart():
    row = replace(TEST, refusal=Refusal.NON_FINITE, rates=(1e-7,), losses=(math.nan,), smoothed=(), **NOTHING)
    section = replace(SECTION, refusal=Refusal.NON_FINITE, point=None, trials=(row,), **NOTHING)
    assert rate_chart(section) == ""
    assert printed(lr_range.terminal(section)).strip() == ""


def test_the_table_of_trials_says_what_is_recommended(tmp_path):
    section = read_confirmation(RATES, outcomes((3, 3, 0, 1)), 0.02).section
    assert "suggested, recommended" in printed(lr_confirm.terminal(section))
    assert "| 0.01 | 1/3 x suggested | 3/3 | 100 |" in lr_confirm.markdown(section)
    assert "the task&#39;s own" in lr_confirm.html(section, tmp_path)
