import math
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from recorded_study import SUMMARY, end_trial, record_study, url_of

import sweep
from sweep.errors import NotFoundError, StoreError
from sweep.store import Store


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    record_study(folder)
    return folder / "sweep.db"


@pytest.fixture
def url(recorded, tmp_path):
    """Give each test a copy of its own: some write."""
    shutil.copy(recorded, tmp_path)
    return url_of(tmp_path)


@pytest.fixture
def store(url):
    with sweep.open_store(url) as opened:
        yield opened


@pytest.fixture
def study(store):
    return store["s"]


def test_an_unknown_attribute_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such"):
        sweep.no_such  # noqa: B018


def test_a_store_is_a_mapping_of_studies_by_name(store):
    assert list(store) == ["s"]
    assert len(store) == 1
    assert "s" in store
    assert store["s"].task == "digits"
    assert store.latest().name == "s"
    assert [study.name for study in store.studies()] == ["s"]


def test_a_store_is_found_by_path_and_by_the_environment(url, monkeypatch):
    path = url.removeprefix("sqlite:///")
    assert list(sweep.open_store(path)) == ["s"]
    monkeypatch.setenv("SWEEP_STORE", url)
    assert list(sweep.open_store()) == ["s"]


def test_opening_a_store_that_is_not_there_creates_nothing(tmp_path):
    with pytest.raises(NotFoundError, match="no store at"):
        sweep.open_store(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_reading_changes_no_byte(url):
    path = Path(url.removeprefix("sqlite:///"))
    before = path.read_bytes()
    with sweep.open_store(url) as store:
        store.latest().curves()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["sweep.db"]


def test_trials_say_how_they_ended(study):
    diverged, converged, crashed, pending = study.trials()
    assert (diverged.cell, diverged.verdict, diverged.symptoms[0].rule) == ("base", "diverged", "non_finite")
    assert (converged.toggles, converged.tau, converged.overrides) == (("dropout=off",), 30, ("task.dropout=off",))
    assert (crashed.state, crashed.failure) == ("failed", "crash")
    assert (pending.state, pending.verdict, pending.tau) == ("pending", "undecided", None)
    assert study.trial(1).tau == 30


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"cell": "base"}, [0, 3]),
        ({"cell": "dropout=off,clip=on"}, [2]),
        ({"cell": "clip=on + dropout=off"}, [2]),
        ({"toggle": "dropout=off"}, [1, 2]),
        ({"seed": 1}, [2, 3]),
        ({"verdict": "converged"}, [1]),
        ({"verdict": "stalled"}, []),
        ({"state": "pending", "cell": "base"}, [3]),
    ],
)
def test_trials_are_picked_by_cell_toggle_seed_verdict_and_state(study, wanted, numbers):
    assert [trial.number for trial in study.trials(**wanted)] == numbers
    assert [trial.number for trial in study.trials().where(**wanted)] == numbers


@pytest.mark.parametrize(
    ("ask", "near"),
    [
        (lambda study: study.trials(cell="dropout=of"), "dropout=off"),
        (lambda study: study.trials(toggle="clip=no"), "clip=on"),
        (lambda study: study.trials(verdict="convergd"), "converged"),
        (lambda study: study.trials(state="complete"), "completed"),
        (lambda study: study.curves("val/ac"), "val/acc"),
        (lambda study: study.trial(1).curve("train/los"), "train/loss"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(study, ask, near):
    with pytest.raises(NotFoundError, match=f"did you mean '{near}'"):
        ask(study)


def test_a_study_that_is_not_there_is_answered_with_the_nearest(store):
    with pytest.raises(NotFoundError, match="did you mean 's'"):
        store["ss"]


def test_a_seed_or_trial_that_is_not_there_is_answered_with_what_is(study):
    with pytest.raises(NotFoundError, match="known: 0, 1"):
        study.trials(seed=7)
    with pytest.raises(NotFoundError, match="trials 0 to 3"):
        study.trial(9)


def test_curves_are_numpy_arrays_with_nan_kept(study):
    curve = study.trial(0).curve()
    assert curve.metric == "val/acc"
    assert (curve.steps.dtype, curve.values.dtype) == (np.int64, np.float64)
    np.testing.assert_array_equal(curve.steps, [10, 20])
    np.testing.assert_array_equal(curve.values, [0.2, math.nan])
    assert curve.level == 0.9
    assert study.trial(0).metrics() == ["train/loss", "val/acc"] == study.metrics()


def test_curves_of_a_study_are_by_trial_number(study):
    curves = study.curves()
    assert list(curves) == [0, 1]
    assert curves[1].values.tolist() == [0.1, 0.5, 0.95]
    assert list(study.curves("train/loss", verdict="converged")) == [1]
    assert (3 in curves, curves.get(3)) == (False, None)
    with pytest.raises(NotFoundError, match="val/acc for trial 3"):
        curves[3]


def test_a_ranking_gives_toggles_with_their_figures(url, store, study):
    with pytest.raises(NotFoundError, match="no ranking yet"):
        study.ranking()
    with Store.open(url) as writer:
        writer.save_summary(writer.study("s").id, SUMMARY)
    ranking = study.ranking()
    toggle = ranking["dropout=off"]
    assert toggle is ranking[0]
    assert (toggle.status, toggle.probability, toggle.interval) == ("restores", 0.92, (0.62, 1.0))
    assert (toggle.p_value, toggle.p_adjusted, toggle.median_steps, toggle.steps_saved) == (0.008, 0.016, 30.0, 70.0)
    assert ranking.repairs[0].toggles == ("dropout=off",)
    assert ranking.recommended == ("task.dropout=0.0",)
    assert study.summary()["answer"] == ranking.answer
    with pytest.raises(NotFoundError, match="did you mean 'dropout=off'"):
        ranking["dropout=on"]


def test_what_was_read_makes_flat_rows(url, study):
    rows = study.trials().to_records()
    assert [row["cell"] for row in rows] == ["base", "dropout=off", "clip=on,dropout=off", "base"]
    points = study.curves().to_records()
    assert list(points[0]) == ["trial", "cell", "seed", "metric", "step", "value"]
    assert len(points) == 5
    with Store.open(url) as writer:
        writer.save_summary(writer.study("s").id, SUMMARY)
    assert study.ranking().to_records()[0]["low"] == 0.62
    every = [*rows, *points, *study.ranking().to_records()]
    assert all(not isinstance(v, dict | list) for row in every for k, v in row.items() if k != "seeds")


def test_a_running_study_is_read_as_it_progresses_and_its_writer_never_waits(url):
    with sweep.open_store(url) as store, Store.open(url) as writer:
        study = store.latest()
        assert len(study.trials(verdict="converged")) == 1
        [pending] = [trial for trial in writer.trials(writer.study("s").id) if trial.number == 3]
        end_trial(writer, pending, tau=20)
        assert len(study.trials(verdict="converged")) == 2
        writer.update_study(writer.study("s").id, status="ended", ended=True)
        assert (study.status, study.refreshed().status) == ("running", "ended")


def test_after_closing_what_was_read_stays_and_reading_is_refused(url):
    store = sweep.open_store(url)
    study = store.latest()
    trials = study.trials()
    store.close()
    store.close()
    assert len(trials) == 4
    assert "closed" in repr(store)
    assert store._repr_html_()
    assert study._repr_html_()
    for read in (study.trials, study.ranking, trials[0].curve, store.latest):
        with pytest.raises(StoreError, match="has been closed"):
            read()


def everything(url, store):
    with Store.open(url) as writer:
        writer.save_summary(writer.study("s").id, SUMMARY)
    study = store.latest()
    trials, curves = study.trials(), study.curves()
    return [store, study, trials, *trials, study.ranking(), curves, *curves.values(), study.curves("train/loss")]


def test_everything_shows_itself_in_a_notebook_as_well_formed_html_with_every_text_escaped(url, store):
    for shown in everything(url, store):
        html = shown._repr_html_()
        ElementTree.fromstring(f"<div>{html}</div>")  # unbalanced tags or a stray & raise
        assert not re.search(r"<(script|i)>|<b>dropout", html), shown


def test_everything_has_a_short_repr_that_says_what_it_is(url, store):
    shown = {repr(item) for item in everything(url, store)}
    assert "<Trial 1: dropout=off, seed 0: converged at step 30>" in shown
    assert "<Trial 2: clip=on,dropout=off, seed 1: failed, undecided>" in shown
    assert "<Trials: 4: 1 diverged, 1 converged, 2 undecided>" in shown
    assert "<Ranking of s: dropout=off restores>" in shown
    assert all(len(text) < 160 for text in shown)


@pytest.mark.parametrize("values", [(), (math.nan,), (1e308, -1e308), (5.0,), (1e-300, 1e300), (math.inf, 1.0)])
def test_any_curve_can_be_drawn(url, values):
    with Store.open(url) as writer:
        end_trial(writer, writer.trials(1)[3], values=values)
    with sweep.open_store(url) as store:
        trial = store.latest().trial(3)
        html = trial.curve()._repr_html_() if values else trial._repr_html_()
    ElementTree.fromstring(f"<div>{html}</div>")
    assert not re.search(r'[="( ,]nan', html)
