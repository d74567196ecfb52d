"""What `status` says of trials that are not judged, and of a range test that is to be confirmed."""

import json

import pytest
from recorded_study import end_trial, make_study, make_trial, url_of

from sweep.cli.main import main
from sweep.cli.study_state import read_study_state
from sweep.domain.check import CHECK_REASON
from sweep.domain.states import TrialState
from sweep.domain.verdict import Verdict
from sweep.reading import open_store
from sweep.rundir import StudyDir, StudyLock
from sweep.store import Store

SUGGESTS = {"recommended": {"overrides": ["task.lr=0.03"]}, "answer": "use 0.03"}
FOUND_NONE = {"recommended": {"overrides": []}, "answer": "none"}


@pytest.fixture
def store(tmp_path):
    with Store.open(url_of(tmp_path)) as opened:
        yield opened


def shown(capsys, tmp_path, *words):
    assert main(["status", *words, "--store", url_of(tmp_path)]) == 0
    return capsys.readouterr().out


def add_check(store, folder, name="c", done=2, failed=1):
    study = make_study(store, folder, name, probe={"name": "data"})
    for seed in range(done):
        end_trial(store, make_trial(store, study, seed), Verdict.UNDECIDED)
    for seed in range(failed):
        end_trial(store, make_trial(store, study, 100 + seed), Verdict.UNDECIDED, state=TrialState.FAILED)
    store.update_study(study.id, status="ended", ended=True)


def add_search(store, folder, summary=SUGGESTS, name="r", confirm=True):
    study = make_study(store, folder, name, probe={"name": "lr_range"}, confirm={"seeds": 1} if confirm else None)
    end_trial(store, make_trial(store, study), Verdict.UNDECIDED)
    store.save_summary(study.id, summary)
    store.update_study(study.id, status="ended", ended=True)
    return study


def add_confirmation(store, folder, ended=1, left=3, name="r.confirm"):
    study = make_study(store, folder, name)
    trials = [make_trial(store, study, seed) for seed in range(ended + left)]
    for trial in trials[:ended]:
        end_trial(store, trial, tau=20)
    return study


def lock_of(folder, name):
    lock = StudyLock(StudyDir(folder / "results", name).lock)
    lock.acquire()
    lock.release()  # its orchestrator is gone
    return lock


def test_trials_of_a_check_are_done_or_failed_and_never_undecided(store, tmp_path, capsys):
    add_check(store, tmp_path)
    text = shown(capsys, tmp_path, "c")
    assert "checks    2 done, 1 failed" in text
    assert "undecided" not in text
    assert "verdicts" not in text


def test_a_check_that_has_just_begun_waits_for_no_verdicts(store, tmp_path, capsys):
    make_trial(store, make_study(store, tmp_path, "c", probe={"name": "data"}))
    text = shown(capsys, tmp_path, "c")
    assert "checks    none yet" in text
    assert "verdicts" not in text


def test_json_counts_checks_apart_from_verdicts(store, tmp_path, capsys):
    add_check(store, tmp_path)
    said = json.loads(shown(capsys, tmp_path, "c", "--json"))
    assert (said["checks"], said["verdicts"]) == ({"done": 2, "failed": 1}, {})


def test_a_study_of_stages_counts_its_checks_apart_from_its_verdicts(store, tmp_path, capsys):
    diagnosis = make_study(store, tmp_path, "d", stages=["data", "base"])
    store.update_study(diagnosis.id, status="ended", ended=True)
    add_check(store, tmp_path, "d.data", failed=0)
    end_trial(store, make_trial(store, make_study(store, tmp_path, "d.base")), tau=20)
    text = shown(capsys, tmp_path, "d")
    assert "checks    2 done" in text
    assert "verdicts  1 converged" in text
    assert "d.data: ended, 2 of 2 trials ended (2 done)" in text


def test_a_confirmation_that_was_killed_stands_under_its_search_with_the_way_on(store, tmp_path, capsys):
    add_search(store, tmp_path)
    add_confirmation(store, tmp_path)
    lock_of(tmp_path, "r.confirm")
    text = shown(capsys, tmp_path, "r")
    assert "r  interrupted" in text
    assert "r: ended, 1 of 1 trial ended (1 done)" in text
    assert "r.confirm: interrupted, 1 of 4 trials ended (1 converged)" in text
    assert f"interrupted with 3 trials still to run; `python -m sweep resume r --store {url_of(tmp_path)}`" in text


def test_a_confirmation_at_work_keeps_its_search_running(store, tmp_path):
    add_search(store, tmp_path)
    add_confirmation(store, tmp_path)
    with StudyLock(StudyDir(tmp_path / "results", "r.confirm").lock):
        seen = read_study_state(store, "r", url_of(tmp_path))
    assert seen.study.status == "running"
    assert not seen.is_over


def test_a_range_test_that_is_about_to_be_confirmed_is_not_over(store, tmp_path):
    add_search(store, tmp_path)
    with StudyLock(StudyDir(tmp_path / "results", "r").lock):
        seen = read_study_state(store, "r", url_of(tmp_path))
    assert not seen.is_over
    assert seen.study.status != "interrupted"


def test_a_suggestion_that_nothing_has_confirmed_yet_is_said(store, tmp_path, capsys):
    add_search(store, tmp_path)
    text = shown(capsys, tmp_path, "r")
    assert "r.confirm: not started" in text
    assert "r was interrupted; `python -m sweep resume r" in text


@pytest.mark.parametrize(("summary", "confirm"), [(FOUND_NONE, True), (SUGGESTS, False)])
def test_a_search_without_anything_to_confirm_has_ended(store, tmp_path, capsys, summary, confirm):
    add_search(store, tmp_path, summary, confirm=confirm)
    text = shown(capsys, tmp_path, "r")
    assert "r  ended" in text
    assert "confirm" not in text


def test_a_diagnosis_killed_while_a_rate_is_confirmed_shows_the_confirmation(store, tmp_path, capsys):
    make_study(store, tmp_path, "d", stages=["lr_range"])
    lock_of(tmp_path, "d")
    add_search(store, tmp_path, name="d.lr_range")
    add_confirmation(store, tmp_path, name="d.lr_range.confirm")
    lock_of(tmp_path, "d.lr_range.confirm")
    text = shown(capsys, tmp_path, "d")
    assert "d.lr_range.confirm: interrupted, 1 of 4 trials ended (1 converged)" in text
    assert "d was interrupted with 3 trials still to run; `python -m sweep resume d " in text


def test_a_trial_of_a_check_is_shown_as_not_judged(store, tmp_path, capsys):
    study = make_study(store, tmp_path, "c", probe={"name": "data"})
    end_trial(store, make_trial(store, study), Verdict.UNDECIDED, reason=CHECK_REASON)
    assert main(["show", "0", "--study", "c", "--store", url_of(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "not judged" in text
    assert "undecided" not in text
    with open_store(url_of(tmp_path)) as opened:
        assert repr(opened["c"].trial(0)) == "<Trial 0: base, seed 0: not judged>"
        assert repr(opened["c"].trials()) == "<Trials: 1: 1 not judged>"
