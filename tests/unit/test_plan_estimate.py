"""What a plan says it will take: the trials' own time over the slots, and what starting and judging each adds."""

import io
from types import SimpleNamespace

import pytest
from launched_runs import launcher_config
from recorded_study import end_trial, make_study, make_trial, url_of
from rich.console import Console

from sweep.domain.target import Mode, Target
from sweep.report.plans import render_plan
from sweep.store import Store
from sweep.study.planning import COLD_START_S, WARM_TRIAL_S, estimate, trial_overhead_s

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=100, stop_early=True)


def plan_of(trials, *, composed_s=0.0):
    """Return as much of a study's plan as an estimate looks at."""
    launcher = launcher_config(slots=2)
    driver = SimpleNamespace(settings={})
    config = SimpleNamespace(driver=driver, reuse=False, task_name="digits", target=TARGET, launcher=launcher)
    fixed = SimpleNamespace(trials=[SimpleNamespace(fingerprint="f")] * trials)
    return SimpleNamespace(config=config, fixed=fixed, composed_s=composed_s)


def test_a_trial_that_takes_no_time_still_takes_its_turn():
    found = estimate(plan_of(10_000), None)
    assert found["overhead_s"] == pytest.approx(10_000 * WARM_TRIAL_S)
    assert found["wall_s"] is None


def test_the_estimate_is_the_trials_time_over_the_slots_and_what_each_costs_beside(tmp_path):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path)
        end_trial(store, make_trial(store, study), tau=30)  # recorded as 1.5 s
        found = estimate(plan_of(1000, composed_s=4.0), store)
    assert found["slots"] == 2
    assert found["wall_s"] == pytest.approx(4.0 + 1000 * WARM_TRIAL_S + 1000 * 1.5 / 2)


def test_a_large_study_of_the_task_tells_what_a_trial_costs_here(tmp_path):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path)
        for seed in range(100):
            end_trial(store, make_trial(store, study, seed), tau=30)
        store.save_summary(study.id, {"cost": {"wall_s": 100 * (1.5 / 2 + 0.25)}})
        found = estimate(plan_of(1000), store)
    assert found["wall_s"] == pytest.approx(1000 * (1.5 / 2 + 0.25))


def test_interpreters_start_side_by_side_up_to_one_for_each_core(monkeypatch):
    monkeypatch.setattr("sweep.study.planning.usable_cores", lambda: 4)
    alone, *others = [trial_overhead_s(False, slots) for slots in (1, 4, 16)]
    assert (alone, others) == (COLD_START_S, [COLD_START_S / 4] * 2)
    assert trial_overhead_s(True, 1) == trial_overhead_s(True, 16) == WARM_TRIAL_S


def test_a_plan_of_a_task_never_run_names_what_starting_a_million_trials_takes():
    plan = {
        "cells": [{"cell": "base", "overrides": []}], "duplicates": [], "inert": [], "seeds": [0],
        "trials": [*range(10**6)], "slots": 2, "reused": 0, "wall_s": None, "overhead_s": 10**6 * WARM_TRIAL_S,
    }  # fmt: skip
    console = Console(file=io.StringIO(), width=200)
    console.print(render_plan(plan))
    assert "at least 3 h 13 min" in console.file.getvalue()
