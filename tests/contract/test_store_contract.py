"""What every store does: in a SQLite file, in PostgreSQL, and the fake in memory."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweep.domain.axis import Cell
from sweep.domain.metric import Series
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord, TrialSpec
from sweep.domain.verdict import Judgement, Symptom, Verdict
from sweep.errors import NotFoundError, StoreError, TransitionError
from sweep.store import Store
from sweep.store import store as store_module
from sweep.store import trials as trial_queries


@pytest.fixture(params=["file", "memory", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'new folder' / 'sweep.db'}"
    with Store.open(url) as opened:
        yield opened


def make_study(store: Store, name: str = "s") -> StudyRecord:
    return store.create_study(
        name=name, task="digits", command=["task=digits"], config={"seeds": 2}, provenance={"git_sha": "abc"}
    )


def make_spec(seed: int = 0, *toggles: str, fingerprint: str | None = None) -> TrialSpec:
    return TrialSpec(
        cell=Cell.of(toggles),
        seed=seed,
        overrides=tuple(f"task.{toggle}" for toggle in toggles),
        task={"_target_": "tasks.digits.train", "clip": math.inf, "layers": [8, 8]},
        fingerprint=fingerprint if fingerprint is not None else f"{Cell.of(toggles).key}-{seed}",
    )


def make_judgement(verdict: Verdict = Verdict.CONVERGED, **changes: object) -> Judgement:
    known: dict[str, object] = {
        "reason": "held",
        "rule": "target",
        "tau": 20,
        "last_step": 30,
        "best": 0.9,
        "final": 0.8,
    }
    return Judgement(verdict=verdict, **(known | changes))  # type: ignore[arg-type]


def make_trial(store: Store, study: StudyRecord, seed: int = 0, *toggles: str) -> TrialRecord:
    return store.add_trials(study.id, [make_spec(seed, *toggles)])[0]


def begin(store: Store, trial: TrialRecord, *, running: bool = True) -> RunRecord:
    run = store.begin_run(trial.id, f"trials/{trial.number}")
    store.run_started(run.id, pid=4000, pid_started_at=1.75e9 + 0.25, host="host", device="cpu")
    if running:
        store.mark_running(run.id)
    return run


def complete(store: Store, trial: TrialRecord, judgement: Judgement | None = None) -> RunRecord:
    run = begin(store, trial)
    store.ingest(run.id, from_byte=0, to_byte=10, points={"val/acc": Series.of([(10, 0.1 * trial.number), (20, 0.9)])})
    store.end_run(
        run.id,
        state=TrialState.COMPLETED,
        stop_reason="converged",
        wall_s=1.5,
        last_step=30,
        judgement=judgement or make_judgement(),
    )
    return run


def points_of(series: Series) -> list[tuple[int, float]]:
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


# Studies


def test_a_study_is_found_by_its_name(store: Store) -> None:
    made = make_study(store)
    assert store.study("s") == made == store.find_study("s")
    assert (made.status, made.command, made.config.raw["seeds"], made.ended_at) == (
        "running",
        ("task=digits",),
        2,
        None,
    )
    assert made.created_at.utcoffset() is not None


def test_an_unknown_study_is_an_error_that_names_the_nearest(store: Store) -> None:
    make_study(store, "regularization")
    with pytest.raises(NotFoundError, match=r"(?s)no study 'regularisation'.*did you mean 'regularization'"):
        store.study("regularisation")
    assert store.find_study("regularisation") is None


def test_a_name_is_given_once(store: Store) -> None:
    make_study(store)
    with pytest.raises(StoreError, match="'s' already exists"):
        make_study(store)


def test_the_latest_study_is_the_one_that_was_active_last(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no stud"):
        store.latest_study()
    first, second = make_study(store, "first"), make_study(store, "second")
    assert [study.name for study in store.studies()] == ["second", "first"]
    store.update_study(second.id, provenance={})
    store.update_study(first.id, status="running")
    assert [study.name for study in store.studies()] == ["first", "second"]
    assert store.latest_study().name == "first"


def test_update_changes_only_what_is_given(store: Store) -> None:
    made = make_study(store)
    store.update_study(made.id, status="ended", ended=True)
    ended = store.study("s")
    assert ended.status == "ended"
    assert ended.ended_at is not None
    assert ended.ended_at >= made.created_at
    assert (ended.command, ended.config, ended.provenance) == (made.command, made.config, made.provenance)
    store.update_study(made.id, command=["seeds=3"], config={"seeds": 3})
    assert (store.study("s").command, store.study("s").config.raw) == (("seeds=3",), {"seeds": 3})
    assert store.study("s").ended_at == ended.ended_at


def test_a_study_that_runs_again_has_no_end(store: Store) -> None:
    made = make_study(store)
    store.update_study(made.id, status="interrupted", ended=True)
    store.update_study(made.id, status="running")
    assert store.study("s") == made


def test_a_summary_reads_back_as_it_was_saved_last(store: Store) -> None:
    study = make_study(store)
    assert store.summary(study.id) is None
    store.save_summary(study.id, {"schema": 1, "old": True})
    store.save_summary(study.id, {"schema": 1, "toggles": [{"p_value": None, "value": -math.inf}]})
    assert store.summary(study.id) == {"schema": 1, "toggles": [{"p_value": None, "value": -math.inf}]}


@pytest.mark.parametrize("act", [Store.summary, lambda s, i: s.update_study(i, status="ended"), Store.delete_study])
def test_an_unknown_study_id_is_an_error(store: Store, act: object) -> None:
    with pytest.raises(NotFoundError, match="no study with id 77"):
        act(store, 77)  # type: ignore[operator]


def test_a_deleted_study_takes_its_rows_with_it_and_no_others(store: Store) -> None:
    doomed, kept = make_study(store, "doomed"), make_study(store, "kept")
    gone, stays = make_trial(store, doomed), make_trial(store, kept, 1)
    complete(store, gone)
    complete(store, stays)
    store.delete_study(doomed.id)
    assert [study.name for study in store.studies()] == ["kept"]
    assert (store.trials(doomed.id), store.runs(gone.id), store.events(gone.id)) == ([], [], [])
    assert store.metric_names(doomed.id) == []
    assert store.outcomes(kept.id)[0].converged
    assert list(store.series(stays.id)) == ["val/acc"]


def test_a_study_whose_trials_are_reused_is_not_deleted(store: Store) -> None:
    source, user = make_study(store, "source"), make_study(store, "user")
    done, waits = make_trial(store, source), make_trial(store, user)
    complete(store, done)
    store.reuse(waits.id, done.id)
    with pytest.raises(StoreError, match="'source' cannot be deleted: its trials are reused by user"):
        store.delete_study(source.id)
    store.delete_study(user.id)
    store.delete_study(source.id)
    assert store.studies() == []


# Trials


def test_trials_are_numbered_on_and_read_back_equal(store: Store) -> None:
    study, other = make_study(store), make_study(store, "other")
    store.add_trials(other.id, [make_spec()])
    first = store.add_trials(study.id, [make_spec(0), make_spec(1, "dropout=off")])
    second = store.add_trials(study.id, [make_spec(2, "dropout=off", "init=xavier")])
    assert [trial.number for trial in first + second] == [0, 1, 2]
    assert store.trials(study.id) == first + second
    assert store.trial(study.id, 1) == first[1]
    assert store.add_trials(study.id, []) == []


def test_a_cell_with_searched_values_survives(store: Store) -> None:
    cell = Cell(Cell.of(["init=xavier"]).toggles, (("task.lr", "0.1"), ("task.name", "a=b,c")))
    spec = TrialSpec(cell=cell, seed=0, overrides=(), task={}, fingerprint="f")
    study = make_study(store)
    store.add_trials(study.id, [spec])
    assert store.trial(study.id, 0).cell == cell


def test_trials_are_chosen_by_state(store: Store) -> None:
    study = make_study(store)
    done, waits = store.add_trials(study.id, [make_spec(0), make_spec(1)])
    complete(store, done)
    assert [t.number for t in store.trials(study.id, {TrialState.PENDING, TrialState.LOST})] == [waits.number]
    assert store.trials(study.id, set()) == []


def test_an_unknown_trial_is_an_error(store: Store) -> None:
    study = make_study(store)
    make_trial(store, study)
    with pytest.raises(NotFoundError, match="no trial 7"):
        store.trial(study.id, 7)
    with pytest.raises(NotFoundError, match="no trial with id 99"):
        store.outcome(99)
    with pytest.raises(NotFoundError, match="no trial with id 99"):
        store.save_judgement(99, make_judgement())


def test_counts_are_by_state_and_by_verdict(store: Store) -> None:
    study = make_study(store)
    a, b, _ = store.add_trials(study.id, [make_spec(seed) for seed in range(3)])
    complete(store, a)
    complete(store, b, make_judgement(Verdict.DIVERGED))
    assert store.counts(study.id) == {TrialState.COMPLETED: 2, TrialState.PENDING: 1}
    assert store.verdict_counts(study.id) == {Verdict.CONVERGED: 1, Verdict.DIVERGED: 1}


def test_stopped_trials_have_no_verdict(store: Store) -> None:
    study = make_study(store)
    a, b = store.add_trials(study.id, [make_spec(seed) for seed in range(2)])
    complete(store, a)
    store.transition(b.id, TrialState.CANCELLED)
    store.save_judgement(b.id, make_judgement(Verdict.UNDECIDED))
    assert store.verdict_counts(study.id) == {Verdict.CONVERGED: 1}


def test_retired_trials_are_kept_out_of_what_the_study_says(store: Store) -> None:
    study, other = make_study(store), make_study(store, "other")
    kept, retired = store.add_trials(study.id, [make_spec(seed) for seed in range(2)])
    foreign = make_trial(store, other)
    for trial in (kept, retired, foreign):
        complete(store, trial)
    store.set_current(study.id, [kept.id, foreign.id])
    assert [outcome.number for outcome in store.outcomes(study.id)] == [kept.number]
    assert [trial.id for trial in store.trials(study.id)] == [kept.id]
    assert (store.counts(study.id), store.verdict_counts(study.id)) == (
        {TrialState.COMPLETED: 1},
        {Verdict.CONVERGED: 1},
    )
    assert [number for number, _, _ in store.study_series(study.id, ["val/acc"])] == [kept.number]
    assert len(store.outcomes(other.id)) == 1


def test_a_retired_trial_is_still_there_and_may_come_back(store: Store) -> None:
    study = make_study(store)
    first, second = store.add_trials(study.id, [make_spec(seed) for seed in range(2)])
    complete(store, first)
    store.set_current(study.id, [])
    assert store.metric_names(study.id) == []
    assert [trial.id for trial in store.trials(study.id, retired=True)] == [first.id, second.id]
    assert store.find_finished(["base-0"]) == {"base-0": first.id}
    assert list(store.series(first.id)) == ["val/acc"]
    assert store.add_trials(study.id, [make_spec(2)])[0].number == 2
    store.set_current(study.id, [first.id, second.id])
    assert [trial.number for trial in store.trials(study.id)] == [0, 1]


# Runs and states


def test_beginning_a_run_records_the_intent(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    run = store.begin_run(trial.id, "trials/0")
    assert (run.attempt, run.state, run.dir, run.pid, run.ingested_bytes) == (
        1,
        TrialState.LAUNCHING,
        "trials/0",
        None,
        0,
    )
    assert store.runs(trial.id) == [run] == store.live_runs(trial.study_id)
    assert store.latest_run(trial.id) == run
    assert [(e.old, e.new) for e in store.events(trial.id)] == [(TrialState.PENDING, TrialState.LAUNCHING)]


def test_a_run_is_begun_once(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    store.begin_run(trial.id, "d")
    with pytest.raises(TransitionError, match="expected pending, found launching"):
        store.begin_run(trial.id, "d")
    assert len(store.runs(trial.id)) == len(store.events(trial.id)) == 1


def test_a_started_run_carries_its_process_and_stays_launching(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    begin(store, trial, running=False)
    (run,) = store.runs(trial.id)
    assert (run.pid, run.pid_started_at, run.host, run.device) == (4000, 1.75e9 + 0.25, "host", "cpu")
    assert run.state is TrialState.LAUNCHING is store.trial(trial.study_id, 0).state


def test_each_attempt_has_a_token_of_its_own_which_a_restored_one_keeps(store: Store) -> None:
    study = make_study(store)
    tokens = {store.begin_run(make_trial(store, study, seed).id, "d").token for seed in range(5)}
    assert len(tokens - {None}) == 5
    restored = store.begin_run(make_trial(store, study, 9).id, "d", token="kept")
    assert store.live_runs(study.id)[-1].token == restored.token == "kept"


def test_what_is_learnt_of_a_launched_run_is_added_to_what_is_known(store: Store) -> None:
    study = make_study(store)
    trial = make_trial(store, study)
    run = store.begin_run(trial.id, "d")
    store.run_started(run.id, handle="job 7")
    (queued,) = store.live_runs(study.id)
    assert (queued.handle, queued.pid, queued.host, queued.device) == ("job 7", None, None, None)
    store.run_started(run.id, host="node-2", device="GPU-1")
    store.end_run(run.id, state=TrialState.COMPLETED, judgement=make_judgement(), process={"pid": 11})
    (known,) = store.runs(trial.id)
    assert (known.handle, known.pid, known.host, known.device) == ("job 7", 11, "node-2", "GPU-1")


def test_the_devices_of_a_study_are_those_of_its_runs_and_of_the_runs_it_reuses(store: Store) -> None:
    study = make_study(store)
    first, second, _ = (make_trial(store, study, seed) for seed in range(3))
    for trial, device in ((first, "0"), (second, "GPU-1")):
        run = store.begin_run(trial.id, f"trials/{trial.number}")
        store.run_started(run.id, pid=1, pid_started_at=1.0, host="h", device=device)
        store.end_run(run.id, state=TrialState.COMPLETED, judgement=make_judgement())
    assert store.devices(study.id) == {"0", "GPU-1"}
    store.set_current(study.id, [first.id])
    assert store.devices(study.id) == {"0"}
    other = make_study(store, "other")
    store.reuse(make_trial(store, other).id, second.id)
    assert store.devices(other.id) == {"GPU-1"}


def test_run_and_trial_become_running_together_and_once(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    run = begin(store, trial)
    assert store.runs(trial.id)[0].state is TrialState.RUNNING is store.trial(trial.study_id, 0).state
    with pytest.raises(TransitionError, match="running -> running"):
        store.mark_running(run.id)


def test_ending_a_run_writes_everything_at_once(store: Store) -> None:
    trial = make_trial(store, make_study(store), 3, "dropout=off")
    begun = begin(store, trial)
    store.end_run(
        begun.id,
        state=TrialState.FAILED,
        exit_code=-9,
        failure=FailureClass.OOM,
        message="killed",
        wall_s=2.5,
        last_step=40,
        judgement=None,
    )
    (run,) = store.runs(trial.id)
    assert (run.state, run.exit_code, run.failure, run.message) == (TrialState.FAILED, -9, FailureClass.OOM, "killed")
    assert run.wall_s == 2.5
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.ended_at >= run.started_at
    assert store.live_runs(trial.study_id) == []
    outcome = store.outcome(trial.id)
    assert (outcome.state, outcome.verdict, outcome.failure) == (TrialState.FAILED, Verdict.UNDECIDED, FailureClass.OOM)
    assert (outcome.seed, outcome.steps, outcome.wall_s, outcome.reason) == (3, 40, 2.5, "killed")
    assert store.events(trial.id)[-1].note == "killed"


def test_a_run_ends_once(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    run = complete(store, trial)
    with pytest.raises(TransitionError, match="has ended"):
        store.end_run(run.id, state=TrialState.FAILED, judgement=None)
    assert store.outcome(trial.id).converged


@pytest.mark.parametrize("state", [TrialState.PENDING, TrialState.RUNNING])
def test_a_run_does_not_end_in_a_state_that_ends_nothing(store: Store, state: TrialState) -> None:
    run = begin(store, make_trial(store, make_study(store)))
    with pytest.raises(TransitionError, match=f"cannot end as {state}"):
        store.end_run(run.id, state=state, judgement=None)


@pytest.mark.parametrize("new", [TrialState.LAUNCHING, TrialState.COMPLETED, TrialState.RUNNING, TrialState.LOST])
def test_a_pending_trial_cannot_just_be_moved_on(store: Store, new: TrialState) -> None:
    trial = make_trial(store, make_study(store))
    with pytest.raises(TransitionError):
        store.transition(trial.id, new)
    assert store.trial(trial.study_id, 0).state is TrialState.PENDING
    assert store.events(trial.id) == []


def test_cancelling_a_live_trial_ends_its_run(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    begin(store, trial)
    store.transition(trial.id, TrialState.CANCELLED, "by hand")
    (run,) = store.runs(trial.id)
    assert run.state is TrialState.CANCELLED
    assert run.ended_at is not None
    assert store.live_runs(trial.study_id) == []
    assert store.events(trial.id)[-1].note == "by hand"


def test_a_retry_is_a_new_run_without_the_old_judgement_and_curve(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    first = begin(store, trial)
    store.ingest(first.id, from_byte=0, to_byte=5, points={"loss": Series.of([(0, 1.0)])})
    judged = make_judgement(Verdict.UNDECIDED, symptoms=(Symptom(rule="flat", step=1, value=0.0, threshold=1.0),))
    store.end_run(first.id, state=TrialState.TIMED_OUT, failure=FailureClass.TIMEOUT, judgement=judged)
    assert store.outcome(trial.id).failure is FailureClass.TIMEOUT
    store.transition(trial.id, TrialState.PENDING, "rerun")
    waiting = store.outcome(trial.id)
    assert (waiting.state, waiting.failure, waiting.reason, waiting.symptoms) == (TrialState.PENDING, None, "", ())
    assert store.trial(trial.study_id, 0).judgement is None
    second = begin(store, trial)
    assert second.attempt == 2
    assert store.series(trial.id) == {}
    assert [run.id for run in store.live_runs(trial.study_id)] == [second.id]
    with pytest.raises(TransitionError, match="has ended"):
        store.end_run(first.id, state=TrialState.COMPLETED, judgement=None)


def test_an_unknown_run_is_an_error(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no run with id 5"):
        store.mark_running(5)
    with pytest.raises(NotFoundError, match="no run with id 5"):
        store.run_started(5, pid=1, pid_started_at=1.0, host="h", device="cpu")
    with pytest.raises(NotFoundError, match="no run with id 5"):
        store.ingest(5, from_byte=0, to_byte=1, points={})


# Judgements and outcomes


def test_a_judgement_reads_back_with_nan_and_infinities(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    symptom = Symptom(rule="non_finite", step=7, value=math.inf, threshold=-math.inf, metric="loss", message="m")
    judged = make_judgement(Verdict.DIVERGED, tau=None, best=-math.inf, final=math.inf, symptoms=(symptom,))
    complete(store, trial, judged)
    assert store.trial(trial.study_id, 0).judgement == judged
    store.save_judgement(trial.id, make_judgement(final=math.nan))
    outcome = store.outcome(trial.id)
    assert outcome.final is not None
    assert math.isnan(outcome.final)
    assert (outcome.verdict, outcome.symptoms) == (Verdict.CONVERGED, ())
    assert outcome.state is TrialState.COMPLETED


def test_outcomes_are_the_table_of_the_study(store: Store) -> None:
    study = make_study(store)
    base, off, waits = store.add_trials(study.id, [make_spec(0), make_spec(0, "dropout=off"), make_spec(1)])
    symptom = Symptom(rule="flat", step=7, value=0.5, threshold=1.0)
    complete(store, off)
    complete(store, base, make_judgement(Verdict.STALLED, tau=None, symptoms=(symptom, symptom)))
    outcomes = store.outcomes(study.id)
    assert [(o.number, o.cell.key, o.verdict, o.tau, o.steps) for o in outcomes] == [
        (0, "base", Verdict.STALLED, None, 30),
        (1, "dropout=off", Verdict.CONVERGED, 20, 30),
        (2, "base", Verdict.UNDECIDED, None, 0),
    ]
    assert outcomes[0].symptoms == (symptom, symptom)
    assert outcomes == [store.outcome(trial.id) for trial in (base, off, waits)]


# Reuse


def test_only_completed_and_decided_trials_are_found_again(store: Store) -> None:
    study = make_study(store)
    done, undecided, failed, _ = store.add_trials(study.id, [make_spec(seed) for seed in range(4)])
    complete(store, done, make_judgement(Verdict.DIVERGED))
    complete(store, undecided, make_judgement(Verdict.UNDECIDED))
    run = begin(store, failed)
    store.end_run(run.id, state=TrialState.TIMED_OUT, judgement=make_judgement(Verdict.STALLED))
    assert store.find_finished(f"base-{seed}" for seed in range(5)) == {"base-0": done.id}


def test_the_earliest_finished_trial_is_found_among_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_queries, "IN_LIST", 3)
    first, second = make_study(store, "first"), make_study(store, "second")
    early = make_trial(store, first, 8)
    late = make_trial(store, second, 8)
    complete(store, late)
    complete(store, early)
    wanted = [f"base-{seed}" for seed in range(10)]
    assert store.find_finished(wanted + wanted) == {"base-8": early.id}
    assert store.find_finished([]) == {}


def test_a_reused_trial_has_its_sources_run_verdict_and_curve(store: Store) -> None:
    source, user = make_study(store, "source"), make_study(store, "user")
    done, other, waits = make_trial(store, source), make_trial(store, user, 5), make_trial(store, user)
    symptom = Symptom(rule="flat", step=7, value=0.5, threshold=1.0)
    run = complete(store, done, make_judgement(symptoms=(symptom,)))
    store.reuse(waits.id, done.id)
    reused, original = store.outcome(waits.id), store.outcome(done.id)
    assert (reused.reused, original.reused) == (True, False)
    assert (reused.verdict, reused.tau, reused.steps, reused.wall_s) == (Verdict.CONVERGED, 20, 30, 1.5)
    assert reused.symptoms == (symptom,)
    assert store.runs(waits.id) == []
    latest = store.latest_run(waits.id)
    assert latest is not None
    assert latest.id == run.id
    assert points_of(store.series(waits.id)["val/acc"]) == points_of(store.series(done.id)["val/acc"])
    assert [(n, m) for n, m, _ in store.study_series(user.id, ["val/acc"])] == [(waits.number, "val/acc")]
    assert store.metric_names(user.id) == ["val/acc"]
    assert not store.outcome(other.id).reused


def test_reuse_of_a_reused_trial_goes_to_the_original(store: Store) -> None:
    study = make_study(store)
    a, b, c = store.add_trials(study.id, [make_spec(0, fingerprint="f") for _ in range(3)])
    complete(store, a)
    store.reuse(b.id, a.id)
    store.reuse(c.id, b.id)
    assert store.trial(study.id, c.number).source_trial_id == a.id


def test_a_reused_trial_is_judged_on_its_own(store: Store) -> None:
    study = make_study(store)
    a, b = store.add_trials(study.id, [make_spec(), make_spec()])
    complete(store, a)
    store.reuse(b.id, a.id)
    store.save_judgement(b.id, make_judgement(Verdict.NOT_CONVERGED, tau=None))
    assert [o.verdict for o in store.outcomes(study.id)] == [Verdict.CONVERGED, Verdict.NOT_CONVERGED]


def test_only_a_pending_trial_reuses_and_only_a_completed_one_is_reused(store: Store) -> None:
    study = make_study(store)
    done, waits, other = store.add_trials(study.id, [make_spec(seed) for seed in range(3)])
    complete(store, done)
    with pytest.raises(TransitionError, match="only a completed trial"):
        store.reuse(waits.id, other.id)
    with pytest.raises(TransitionError, match="only a pending trial"):
        store.reuse(done.id, done.id)
    with pytest.raises(NotFoundError):
        store.reuse(waits.id, 999)


# Series


def test_points_are_appended_in_the_order_of_their_bytes(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    run = begin(store, trial)
    assert store.ingest(run.id, from_byte=0, to_byte=9, points={"b": Series.of([(5, 1.0), (3, math.inf)])})
    assert store.ingest(
        run.id, from_byte=9, to_byte=20, points={"b": Series.of([(5, 2.0)]), "a": Series.of([(5, 0.5)])}
    )
    before = {name: points_of(series) for name, series in store.series(trial.id).items()}
    assert before == {"a": [(5, 0.5)], "b": [(5, 1.0), (3, math.inf), (5, 2.0)]}
    store.end_run(run.id, state=TrialState.COMPLETED, judgement=make_judgement())
    after = store.series(trial.id)
    assert {name: points_of(series) for name, series in after.items()} == before
    assert list(after) == ["a", "b"] == store.metric_names(trial.study_id)
    assert list(store.series(trial.id, ["b", "unknown"])) == ["b"]
    assert store.runs(trial.id)[0].ingested_bytes == 20


def test_a_delivery_that_comes_again_or_too_early_changes_nothing(store: Store) -> None:
    trial = make_trial(store, make_study(store))
    run = begin(store, trial)
    points = {"a": Series.of([(1, 1.0)])}
    assert store.ingest(run.id, from_byte=0, to_byte=9, points=points)
    assert not store.ingest(run.id, from_byte=0, to_byte=9, points=points)
    assert not store.ingest(run.id, from_byte=12, to_byte=20, points=points)
    assert points_of(store.series(trial.id)["a"]) == [(1, 1.0)]
    assert store.runs(trial.id)[0].ingested_bytes == 9


def test_points_that_come_whole_read_back_like_those_that_came_in_parts(store: Store) -> None:
    study = make_study(store)
    points = [(step, 1.0 / step if step % 7 else float("nan")) for step in range(1, 60)]
    whole, parts = begin(store, make_trial(store, study, 0)), begin(store, make_trial(store, study, 1))
    store.ingest(whole.id, from_byte=0, to_byte=600, points={"loss": Series.of(points)}, is_whole=True)
    store.end_run(whole.id, state=TrialState.COMPLETED, judgement=make_judgement(), is_whole=True)
    store.ingest(parts.id, from_byte=0, to_byte=300, points={"loss": Series.of(points[:30])})
    store.ingest(parts.id, from_byte=300, to_byte=600, points={"loss": Series.of(points[30:])})
    store.end_run(parts.id, state=TrialState.COMPLETED, judgement=make_judgement())
    at_once, together = (store.series(run.trial_id)["loss"] for run in (whole, parts))
    assert at_once.steps.tolist() == together.steps.tolist() == [step for step, _ in points]
    assert at_once.values.tobytes() == together.values.tobytes()


def test_points_from_no_bytes_are_refused(store: Store) -> None:
    run = begin(store, make_trial(store, make_study(store)))
    for from_byte, to_byte in ((0, 0), (5, 4)):
        with pytest.raises(ValueError, match="bytes"):
            store.ingest(run.id, from_byte=from_byte, to_byte=to_byte, points={"a": Series.of([(1, 1.0)])})
    assert store.ingest(run.id, from_byte=0, to_byte=4, points={"empty": Series.of([])})
    assert store.metric_names(1) == []


def test_metrics_are_sorted_as_python_sorts_them(store: Store) -> None:
    names = ["b", "B", "a/b", "a b", "a_b", "Z", "é", "10", "9"]
    run = begin(store, make_trial(store, make_study(store)))
    store.ingest(run.id, from_byte=0, to_byte=9, points={name: Series.of([(0, 1.0)]) for name in names})
    assert list(store.series(run.trial_id)) == sorted(names) == store.metric_names(1)


def test_a_trial_may_print_any_sign(store: Store) -> None:
    said = "a\0b \x1b[31m \ufeff \U0001f4a5 ' \" \\ % :x"
    trial = make_trial(store, make_study(store))
    run = begin(store, trial)
    store.ingest(run.id, from_byte=0, to_byte=9, points={said: Series.of([(0, 1.0)])})
    symptom = Symptom(rule="r", step=1, value=1.0, threshold=0.0, metric=said, message=said)
    judged = make_judgement(reason=said, symptoms=(symptom,))
    store.end_run(run.id, state=TrialState.FAILED, message=said, stop_reason=said, judgement=judged)
    found = store.outcome(trial.id)
    kept = {
        store.runs(trial.id)[0].message, found.reason, found.symptoms[0].message, store.events(trial.id)[-1].note,
        *store.series(trial.id, [said]), *store.metric_names(1),
    }  # fmt: skip
    assert kept <= {said, said.replace("\0", "\\x00")}  # PostgreSQL has no NUL
    assert len(kept) == 1


def test_the_series_of_a_study_come_by_number_and_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_RUNS_AT_ONCE", 2)
    study = make_study(store)
    trials = store.add_trials(study.id, [make_spec(seed) for seed in range(6)])
    for trial in reversed(trials[:5]):
        run = begin(store, trial)
        curves = {name: Series.of([(trial.number, 0.5)]) for name in ("b", "a", "c")}
        store.ingest(run.id, from_byte=0, to_byte=5, points=curves)
    store.begin_run(trials[5].id, "d")
    got = [(number, name, points_of(series)) for number, name, series in store.study_series(study.id, ["b", "a"])]
    assert got == [(number, name, [(number, 0.5)]) for number in range(5) for name in ("a", "b")]


def test_a_study_can_be_changed_while_its_series_are_read(store: Store) -> None:
    study = make_study(store)
    for trial in store.add_trials(study.id, [make_spec(seed) for seed in range(2)]):
        complete(store, trial)
    for number, _, series in store.study_series(study.id, ["val/acc"]):
        store.save_summary(study.id, {"seen": number, "points": len(series)})
    assert store.summary(study.id) == {"seen": 1, "points": 2}


# Transactions


def test_a_transaction_that_raises_keeps_nothing(store: Store) -> None:
    study = make_study(store)

    def write_and_fail() -> None:
        with store.transaction():
            trial = make_trial(store, study)
            store.begin_run(trial.id, "d")
            assert store.counts(study.id) == {TrialState.LAUNCHING: 1}
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_fail()
    assert store.trials(study.id) == []
    assert store.live_runs(study.id) == []


def test_an_inner_transaction_is_part_of_the_outer_one(store: Store) -> None:
    study = make_study(store)

    def write_and_fail() -> None:
        with store.transaction():
            with store.transaction():
                make_trial(store, study)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_fail()
    assert store.trials(study.id) == []


def test_a_refused_change_leaves_the_rest_of_the_transaction(store: Store) -> None:
    study = make_study(store)
    with store.transaction():
        trial = make_trial(store, study)
        with pytest.raises(TransitionError):
            store.transition(trial.id, TrialState.RUNNING)
        store.begin_run(trial.id, "d")
    assert store.counts(study.id) == {TrialState.LAUNCHING: 1}


# Runs that are paused and continued


def paused(store: Store, trial: TrialRecord, step: int, verdict: Verdict = Verdict.UNDECIDED) -> RunRecord:
    store.run_until(trial.id, step)
    run = begin(store, trial)
    store.pause_run(run.id, step, make_judgement(verdict, tau=None, best=0.4, final=math.nan))
    return run


def parts(store: Store, study: StudyRecord) -> list[tuple[int, TrialState, int]]:
    return [(part.number, part.state, part.steps) for part in store.history(study.id)]


def test_a_paused_trial_is_open_and_has_its_step_on_record(store: Store) -> None:
    study = make_study(store)
    run = paused(store, make_trial(store, study), 10)
    trial = store.trial(study.id, 0)
    assert (trial.state, trial.until_step, trial.judgement) == (TrialState.PAUSED, 10, None)
    assert store.counts(study.id) == {TrialState.PAUSED: 1}
    assert [live.id for live in store.live_runs(study.id)] == [run.id]
    [outcome] = store.outcomes(study.id)
    assert (outcome.is_open, outcome.steps, outcome.verdict) == (True, 10, Verdict.UNDECIDED)


def test_the_end_of_a_slice_reads_back_as_it_was_written(store: Store) -> None:
    study = make_study(store)
    paused(store, make_trial(store, study, 3, "dropout=off"), 10, Verdict.CONVERGED)
    [part] = store.history(study.id)
    assert (part.cell, part.seed, part.state, part.verdict) == (
        Cell.of(["dropout=off"]),
        3,
        TrialState.PAUSED,
        Verdict.CONVERGED,
    )
    assert (part.steps, part.tau, part.best, math.isnan(part.final or 0.0)) == (10, None, 0.4, True)


def test_ends_of_slices_and_of_trials_are_told_in_the_order_on_record(store: Store) -> None:
    study = make_study(store)
    first, second, third = (make_trial(store, study, seed) for seed in range(3))
    run = paused(store, first, 10)
    complete(store, third)
    paused(store, second, 20)
    store.continue_run(run.id, None)
    assert store.trial(study.id, 0).until_step is None
    store.end_run(run.id, state=TrialState.COMPLETED, last_step=30, judgement=make_judgement())
    assert parts(store, study) == [
        (0, TrialState.PAUSED, 10),
        (2, TrialState.COMPLETED, 30),
        (1, TrialState.PAUSED, 20),
        (0, TrialState.COMPLETED, 30),
    ]
    store.set_current(study.id, [first.id])
    assert [number for number, _, _ in parts(store, study)] == [0, 0]


def test_a_trial_that_failed_and_is_pending_again_is_told_with_its_slices_alone(store: Store) -> None:
    study = make_study(store)
    run = paused(store, make_trial(store, study), 10)
    store.continue_run(run.id, 20)
    store.end_run(run.id, state=TrialState.FAILED, failure=FailureClass.KILLED, judgement=None)
    store.transition(store.trial(study.id, 0).id, TrialState.PENDING, "retry")
    assert parts(store, study) == [(0, TrialState.PAUSED, 10)]
    assert store.trial(study.id, 0).until_step == 20


def test_a_paused_trial_whose_process_is_gone_stays_paused_and_can_be_run_again(store: Store) -> None:
    study = make_study(store)
    trial = make_trial(store, study)
    run = paused(store, trial, 10)
    store.end_paused_run(run.id, state=TrialState.LOST, failure=FailureClass.LOST, message="gone")
    assert store.trial(study.id, 0).state is TrialState.PAUSED
    assert store.live_runs(study.id) == []
    again = store.begin_run(trial.id, "trials/0", was=TrialState.PAUSED)
    assert (again.attempt, store.trial(study.id, 0).state) == (2, TrialState.LAUNCHING)


def test_an_abandoned_trial_is_cancelled_without_a_verdict_and_known_as_abandoned(store: Store) -> None:
    study = make_study(store)
    run = paused(store, make_trial(store, study), 10)
    other = make_trial(store, study, 1)
    store.transition(other.id, TrialState.CANCELLED, "stopped")
    store.end_run(run.id, state=TrialState.CANCELLED, last_step=10, judgement=make_judgement(Verdict.UNDECIDED))
    assert store.abandoned(study.id) == {0}
    outcomes = store.outcomes(study.id)
    assert [(each.state, each.verdict) for each in outcomes] == [(TrialState.CANCELLED, Verdict.UNDECIDED)] * 2


@pytest.mark.parametrize("state", [TrialState.RUNNING, TrialState.COMPLETED, TrialState.LAUNCHING, TrialState.PENDING])
def test_a_paused_trial_changes_by_the_verbs_for_it_alone(store: Store, state: TrialState) -> None:
    study = make_study(store)
    trial = make_trial(store, study)
    run = paused(store, trial, 10)
    with pytest.raises(TransitionError):
        store.transition(trial.id, state)
    with pytest.raises(TransitionError):
        store.mark_running(run.id)
    with pytest.raises(TransitionError):
        store.end_run(run.id, state=TrialState.COMPLETED, judgement=None)


def test_only_a_running_run_is_paused_and_only_a_paused_one_continued(store: Store) -> None:
    study = make_study(store)
    run = begin(store, make_trial(store, study), running=False)
    with pytest.raises(TransitionError):
        store.pause_run(run.id, 10, make_judgement())
    store.mark_running(run.id)
    with pytest.raises(TransitionError):
        store.continue_run(run.id, 20)
