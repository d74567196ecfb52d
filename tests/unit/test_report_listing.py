import io
import math
from dataclasses import replace
from datetime import datetime, timezone

import making
import numpy as np
import pytest
from rich.console import Console

from sweep.domain.axis import Cell
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Judgement, Symptom, Verdict
from sweep.report.listing import render_studies
from sweep.report.plans import render_plan
from sweep.report.sparkline import sparkline
from sweep.report.study_status import render_status
from sweep.report.trial import render_trial

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=timezone.utc)
TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
STUDY = making.study_record(name="[red]mine", created_at=NOW, ended_at=None, status="running")


def printed(renderable, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable, crop=False)
    return console.file.getvalue()


def trial(**changes):
    values = {
        "id": 7, "number": 3, "cell": Cell.of(["dropout=off"]), "overrides": ("task.dropout=0.0",),
        "judgement": Judgement(
            verdict=Verdict.DIVERGED, reason="train/loss is not finite at step 40", rule="target", tau=None,
            last_step=40, best=0.3, final=0.1,
            symptoms=(Symptom(rule="non_finite", step=40, value=math.nan, threshold=math.inf, metric="train/loss"),),
        ),
    }  # fmt: skip
    return making.trial_record(**{**values, **changes})


def run(**changes):
    values = {
        "trial_id": 7, "dir": "results/mine/trials/3", "state": TrialState.FAILED, "exit_code": 1,
        "failure": FailureClass.CRASH, "message": "ValueError: [bold]no[/bold]", "stop_reason": None,
        "started_at": NOW, "ended_at": NOW,
    }  # fmt: skip
    return making.run_record(**{**values, **changes})


def test_ls_shows_trials_done_of_all_and_the_answer():
    text = printed(render_studies([(STUDY, {"completed": 3, "running": 1, "pending": 2}, "clip=on restores it")]))
    assert "[red]mine" in text
    assert "3/6" in text
    assert "clip=on restores it" in text


@pytest.mark.parametrize("width", [40, 80, 100, 200])
@pytest.mark.parametrize("length", [10, 38, 60, 100])
def test_ls_keeps_names_whole_whatever_the_width(length, width):
    name = ("digits_cnn-regularization.lr_range-" * 3)[:length]
    rows = [(replace(STUDY, name=name), {"completed": 40}, "dropout=off alone restores convergence " * 3)]
    lines = printed(render_studies(rows), width).splitlines()
    assert sum(name in line for line in lines) == 1
    assert all(len(line.rstrip()) <= width for line in lines if name not in line)
    assert "dropout=off alone" in " ".join(" ".join(lines).split())


def test_ls_puts_facts_and_answer_below_a_name_that_leaves_them_no_room():
    rows = [(replace(STUDY, name="n" * 60, status="ended"), {"completed": 3}, "clip=on restores it")]
    assert printed(render_studies(rows)).splitlines() == [
        "n" * 60,
        "  ended  3/3  2026-03-02 09:30  clip=on restores it",
    ]


def test_ls_of_an_empty_store_says_so():
    assert printed(render_studies([])).strip() == "no studies yet"


def test_status_shows_states_verdicts_and_why_trials_failed():
    failed = [(trial(state=TrialState.FAILED), run())]
    text = printed(render_status(STUDY, {"failed": 1}, {"diverged": 2}, failed=failed))
    assert "1 failed" in text
    assert "2 diverged" in text
    assert "crash: ValueError: [bold]no[/bold]" in text


def test_show_says_all_that_is_known_of_a_trial():
    curves = {
        "train/loss": [(step, math.nan if step > 40 else 1.0) for step in range(50)],
        "val/acc": [(step, step / 100.0) for step in range(50)],
    }
    text = printed(render_trial(STUDY, trial(), [run()], curves, TARGET))
    for part in ("task.dropout=0.0", "diverged", "train/loss is not finite at step 40", "non_finite", "∞", "crash"):
        assert part in text
    assert text.index("val/acc", text.index("points")) < text.index("train/loss", text.index("points"))
    assert "results/mine/trials/3" in text


def test_show_of_a_trial_that_has_not_run_is_short():
    text = printed(render_trial(STUDY, trial(state=TrialState.PENDING, judgement=None), [], {}, TARGET))
    assert "pending" in text
    assert "metric" not in text


def test_a_sparkline_goes_from_low_to_high_and_crosses_what_is_not_finite():
    assert sparkline(np.array([0.0, 1.0, np.nan])) == "▁█x"
    assert sparkline([math.nan, math.inf]) == "xx"


@pytest.mark.parametrize(
    ("values", "line"), [([], ""), ([1.0], "▁"), ([2.0, 2.0], "▁▁"), ([0.0, 1.0], "▁█"), ([3.0, 2.0, 1.0], "█▅▁")]
)
def test_a_sparkline_is_drawn_over_the_range_of_its_values(values, line):
    assert sparkline(values) == line


def test_a_long_curve_is_drawn_in_the_width_there_is():
    assert len(sparkline(np.arange(1000.0), width=48)) == 48


def test_a_plan_shows_cells_duplicates_inert_toggles_and_its_size():
    plan = {
        "cells": [
            {"cell": "base", "overrides": []},
            {"cell": "a=x,b=y", "overrides": ["task.a=1", "task.b=2"]},
            {"cell": "b=y", "overrides": ["task.b=2"]},
        ],
        "duplicates": [["a=x,b=y", "b=y"]],
        "inert": [{"toggle": "amp=off", "reason": "the task has no amp"}],
        "seeds": [0, 1],
        "trials": [{}] * 6,
        "reused": 2,
        "wall_s": 90.0,
    }
    text = printed(render_plan(plan), 100)
    assert "a=x + b=y" in text
    assert "same as a=x,b=y" in text
    assert "amp=off: the task has no amp" in text
    assert "3 cells × 2 seeds (0, 1) = 6 trials · 2 already run · about 90 s" in text
    finished = printed(render_plan({**plan, "reused": 6, "wall_s": 0.0}), 100)
    assert "6 already run · nothing left to run" in finished
    assert "about" not in finished
