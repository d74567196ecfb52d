"""How long a study has taken if some of its sessions were killed."""

from datetime import datetime, timedelta, timezone

import pytest
from recorded_study import make_study, make_trial

from sweep.domain.states import TrialState
from sweep.store import Store
from sweep.store import store as store_module
from sweep.store.spans import run_spans
from sweep.study.walltime import WallTime, covered_s

START = datetime(2026, 3, 2, 9, 30, tzinfo=timezone.utc)


def at(seconds):
    return START + timedelta(seconds=seconds)


@pytest.fixture
def store():
    with Store.open("sqlite://") as opened:
        yield opened


@pytest.fixture
def add_run(store, monkeypatch):
    def add(study, seed, begun, ended, *, wall_s=None, state=TrialState.COMPLETED):
        monkeypatch.setattr(store_module, "now_utc", lambda: at(begun))
        run = store.begin_run(make_trial(store, study, seed).id, f"trials/{seed}")
        store.mark_running(run.id)
        if ended is not None:
            monkeypatch.setattr(store_module, "now_utc", lambda: at(ended))
            store.end_run(run.id, state=state, wall_s=wall_s, last_step=1, judgement=None)

    return add


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(0, 5)], 5),
        ([(0, 5), (1, 3)], 5),
        ([(0, 5), (1, 7)], 7),
        ([(0, 5), (10, 12)], 7),
        ([(0, 5), (98, 200)], 7),
        ([(120, 130)], 0),
    ],
)
def test_seconds_in_which_several_trials_ran_count_once_and_those_after_the_end_not_at_all(spans, seconds):
    assert covered_s([(at(first), at(last)) for first, last in spans], at(100)) == seconds


def test_a_killed_session_counts_while_its_trials_ran(store, add_run, tmp_path):
    study = make_study(store, tmp_path)
    add_run(study, 0, 0, 20, wall_s=19.5)
    add_run(study, 1, 1, 30, wall_s=29.0)
    assert WallTime(store, study).earlier_s(store) == 30.0


def test_time_on_record_is_not_counted_again(store, add_run, tmp_path):
    study = make_study(store, tmp_path)
    add_run(study, 0, 0, 20, wall_s=20)
    store.save_summary(study.id, {"cost": {"wall_s": 22.0}})
    assert WallTime(store, study).earlier_s(store) == 22.0


def test_a_run_that_outlived_its_orchestrator_counts_up_to_the_next_session(store, add_run, tmp_path):
    study = make_study(store, tmp_path)
    taken = WallTime(store, study)
    far = (taken._began_at - START).total_seconds()
    add_run(study, 0, far - 40, far + 60, wall_s=100)
    assert taken.earlier_s(store) == pytest.approx(40)


def test_a_run_whose_end_was_not_seen_counts_only_if_it_recorded_its_duration(store, add_run, tmp_path):
    study = make_study(store, tmp_path)
    add_run(study, 0, 0, 86_400, state=TrialState.LOST)
    add_run(study, 1, 0, 86_400, wall_s=5.0, state=TrialState.COMPLETED)
    add_run(study, 2, 10, 12, state=TrialState.TIMED_OUT)
    add_run(study, 3, 20, None)
    assert run_spans(store, ["s"]) == [(at(0), at(5)), (at(10), at(12))]


def test_a_study_of_stages_counts_the_trials_of_all_of_them(store, add_run, tmp_path):
    diagnosis = make_study(store, tmp_path, "d", stages=["base", "lr_range"])
    add_run(make_study(store, tmp_path, "d.base"), 0, 0, 10, wall_s=10)
    add_run(make_study(store, tmp_path, "d.lr_range"), 0, 10, 15, wall_s=5)
    add_run(make_study(store, tmp_path, "d.lr_range.confirm"), 0, 20, 27, wall_s=7)
    add_run(make_study(store, tmp_path, "other"), 0, 30, 99, wall_s=69)
    assert WallTime(store, diagnosis).earlier_s(store) == 22.0
