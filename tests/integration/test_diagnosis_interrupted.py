"""A study of stages that is interrupted in the middle of one."""

import re

import pytest
from recorded_study import end_trial, make_study, make_trial

from sweep.config import load_study_config
from sweep.domain.states import TrialState
from sweep.domain.verdict import Verdict
from sweep.report.progress import LiveProgress
from sweep.store import Store
from sweep.study.diagnosis import run_stages
from sweep.study.results import leave_reports
from sweep.study.session import StudyEnd


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """Return the document of a diagnosis of these stages that was interrupted when one base trial had converged."""
    monkeypatch.chdir(tmp_path)

    def run_job(loaded, **_):
        with Store.open(loaded.study.store_url) as store:
            study = make_study(store, tmp_path, loaded.study.name, axes={})
            end_trial(store, make_trial(store, study), tau=20)
            make_trial(store, study, seed=1)
            return StudyEnd(
                status="interrupted",
                message="",
                reported=leave_reports(store, study, wall_s=1.0),
                folder=tmp_path / "results" / study.name,
            )

    def run(*stages):
        loaded = load_study_config(("task=digits_mlp", "+diagnose=full", f"stages=[{','.join(stages)}]"))
        return run_stages(loaded, progress=LiveProgress(), run_job=run_job).reported.document

    return run


def test_what_a_stage_that_was_cut_short_shows_is_no_finding(interrupted):
    shown = interrupted("base", "overfit", "ablation")
    assert re.fullmatch(r".*\bbase\b.*: overfit, ablation\.", shown.answer)
    assert shown.notes == ()
    assert [stage.answer for stage in shown.stages] == ["The base converges (1 of 1 seed)."]


def test_a_diagnosis_whose_base_has_no_verdict_ends_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    begun = []

    def run_job(loaded, **_):
        begun.append(loaded.study.name.rpartition(".")[2])
        with Store.open(loaded.study.store_url) as store:
            study = make_study(store, tmp_path, loaded.study.name, axes={})
            end_trial(store, make_trial(store, study), Verdict.UNDECIDED, state=TrialState.TIMED_OUT)
            reported = leave_reports(store, study, wall_s=1.0)
        return StudyEnd(status="ended", message="", reported=reported, folder=tmp_path / "results" / study.name)

    loaded = load_study_config(("task=digits_mlp", "+diagnose=full", "stages=[base,overfit,lr_range,ablation]"))
    end = run_stages(loaded, progress=LiveProgress(), run_job=run_job)
    assert begun == ["base"]
    assert (end.status, end.is_ok, end.reported.document.ok) == ("ended", False, False)
    assert "without a verdict" in end.result.answer
    (note,) = end.result.notes
    assert "overfit, lr_range, ablation" in note


def test_the_last_stage_leaves_none_to_run(interrupted):
    assert interrupted("base").answer == "Interrupted in stage base."
