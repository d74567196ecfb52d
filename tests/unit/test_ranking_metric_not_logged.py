"""A target whose metric no trial logged: what is wrong, what there is, and what to add, before anything else."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples
from recorded_study import TARGET, end_trial, make_study, make_trial, url_of

from sweep.analysis import rank
from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.target import Mode
from sweep.domain.verdict import Verdict
from sweep.report import build_document
from sweep.report.terminal import render_ranking
from sweep.store import Store
from sweep.study.results import report_data

LOGGED = ("train/loss", "val/acc", "val/loss", "watch/grad_norm", "watch/lr")


def ranking_of(metric="nonsense", logged=LOGGED, *, first=Verdict.UNDECIDED, **target):
    """Return the ranking of a study in which no trial logged the target's metric; `first` is trial 0's verdict."""
    data = samples.everything("stalled")
    outcomes = [replace(o, verdict=Verdict.UNDECIDED, reason="never logged") for o in data.outcomes]
    outcomes[0] = replace(outcomes[0], verdict=first)
    return rank(outcomes, data.axes, replace(samples.TARGET, metric=metric, **target), logged=logged)


def test_the_answer_names_the_metric_what_is_there_and_the_override():
    assert ranking_of().answer == (
        "No trial logged 'nonsense', the target's metric: nothing can be judged. "
        "They logged train/loss, val/acc, val/loss. "
        "To judge by one of them, add converge.metric=val/acc to the command."
    )


def test_a_slip_of_the_pen_is_given_the_nearest_name():
    assert ranking_of("val/accuracy").answer.endswith(
        "The nearest is val/acc: add converge.metric=val/acc to the command."
    )


def test_a_target_that_is_to_fall_is_offered_a_loss():
    assert "converge.metric=val/loss " in ranking_of(mode=Mode.MIN).answer


@pytest.mark.parametrize(
    ("metric", "mode", "logged", "override"),
    [
        ("val/acc", Mode.MAX, ("val/loss",), "converge.metric=val/loss converge.mode=min converge.target=NUMBER"),
        ("val/loss", Mode.MIN, ("val/acc",), "converge.metric=val/acc converge.mode=max converge.target=NUMBER"),
        ("val/acc", Mode.MAX, ("val/loss", "train/score"), "converge.metric=train/score"),
    ],
)
def test_a_threshold_is_not_carried_over_to_a_metric_of_the_other_kind(metric, mode, logged, override):
    assert ranking_of(metric, logged, mode=mode).answer.endswith(f"add {override} to the command.")


def test_without_a_target_it_is_the_loss_that_is_missing():
    answer = ranking_of(None, ("val/acc", "watch/loss"), threshold=None).answer
    assert answer.startswith("No trial logged a loss, which decides if no target is given: nothing can be judged.")
    assert answer.endswith("add converge.metric=val/acc converge.target=NUMBER to the command.")


def test_trials_that_logged_nothing_are_said_to_have_logged_nothing():
    answer = ranking_of(logged=()).answer
    assert answer.startswith("No trial logged any metric")
    assert "run.log(step, **{'nonsense': value})" in answer


def test_many_metrics_are_not_all_named():
    answer = ranking_of(logged=[f"m{i:02}" for i in range(20)]).answer
    assert "m07 and 12 more." in answer
    assert "m08" not in answer


def test_a_trial_that_diverged_all_the_same_is_counted_after_it():
    answer = ranking_of(first=Verdict.DIVERGED).answer
    assert answer.startswith("No trial logged 'nonsense'")
    assert answer.endswith(" 1 of 12 trials diverged.")


def test_a_metric_that_was_logged_is_not_said_to_be_missing():
    assert "No trial logged" not in ranking_of("val/acc").answer


def test_trials_that_crashed_before_they_logged_it_are_reported_as_crashes():
    data = samples.everything("crash")
    assert {o.state for o in data.outcomes} == {TrialState.FAILED}
    answer = rank(data.outcomes, data.axes, data.target, logged=()).answer
    assert answer.startswith("No trial reached a verdict: 12 crash")


def test_seeds_are_not_said_to_be_too_few_where_nothing_was_judged():
    assert [note for note in ranking_of().notes if "seeds no exact test" in note] == []


@pytest.mark.parametrize("width", [80, 120])
def test_it_is_the_first_thing_in_the_terminal(width):
    data = replace(samples.everything("stalled"), ranking=ranking_of())
    console = Console(file=io.StringIO(), width=width)
    console.print(render_ranking(build_document(data)))
    assert console.file.getvalue().startswith("No trial logged 'nonsense', the target's metric")


@pytest.mark.parametrize(("metric", "is_missing"), [("val/accuracy", True), ("val/acc", False)])
def test_what_was_logged_is_read_from_the_store(tmp_path, metric, is_missing):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path, converge={**TARGET, "metric": metric})
        end_trial(store, make_trial(store, study), Verdict.UNDECIDED)
        answer = report_data(store, study, wall_s=1.0).ranking.answer
    assert answer.startswith("No trial logged 'val/accuracy'") is is_missing
    assert ("They logged train/loss, val/acc. The nearest is val/acc" in answer) is is_missing


@pytest.mark.parametrize(("loss", "is_noted"), [(None, True), ("train/loss", False)])
def test_a_study_with_several_candidates_for_the_loss_notes_them(tmp_path, loss, is_noted):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path, converge={**TARGET, "loss": loss})
        trial = make_trial(store, study)
        end_trial(store, trial, Verdict.CONVERGED, tau=20)
        run = store.latest_run(trial.id)
        store.ingest(run.id, from_byte=10, to_byte=20, points={"loss": Series.of([(1, 1.0)])})
        notes = report_data(store, study, wall_s=1.0).ranking.notes
    assert any("converge.loss=train/loss" in note for note in notes) is is_noted


def test_several_candidates_for_the_loss_open_the_answer_without_a_target():
    answer = ranking_of(None, ("train_loss", "loss", "val/acc"), threshold=None, mode=Mode.MIN).answer
    assert answer.startswith("Nothing can be judged")
    assert "train_loss, loss" in answer
    assert "converge.loss=train_loss" in answer


def test_a_loss_by_another_name_is_offered_as_the_loss_without_a_target():
    assert "converge.loss=ce_loss" in ranking_of(None, ("ce_loss", "val/acc"), threshold=None, mode=Mode.MIN).answer


def test_a_base_without_a_verdict_has_no_interval():
    data = samples.study({}, "one_at_a_time", lambda _cell, _seed: "crash")
    console = Console(file=io.StringIO(), width=120)
    console.print(render_ranking(build_document(data)))
    assert "base  0/0 converged: 5 crash" in console.file.getvalue()
