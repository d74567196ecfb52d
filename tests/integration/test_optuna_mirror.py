import math
import sqlite3

import optuna
import pytest
from recorded_study import CONFIG, end_trial, make_study, make_trial, record_study, url_of

from sweep.cli.main import main
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.verdict import Verdict
from sweep.store import Store


@pytest.fixture
def url(tmp_path):
    return record_study(tmp_path)


@pytest.fixture
def target(tmp_path):
    return target_in(tmp_path)


def target_in(folder):
    return f"sqlite:///{folder / 'new' / 'optuna.db'}"


def export(url, target, *more, study="s"):
    return main(["export", study, "--store", url, "--optuna", target, *more])


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """The recorded study as Optuna reads it back."""
    folder = tmp_path_factory.mktemp("mirrored")
    assert export(record_study(folder), target_in(folder)) == 0
    return optuna.load_study(study_name="s", storage=target_in(folder))


def test_optuna_reads_back_every_trial_that_has_ended(mirrored):
    study = mirrored
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    _, converged, crashed = study.trials
    assert (converged.state.name, converged.value) == ("COMPLETE", 0.95)
    assert converged.params == {"dropout": "off", "clip": "base"}
    assert converged.intermediate_values == {10: 0.1, 20: 0.5, 30: 0.95}
    assert converged.user_attrs["cell"] == "dropout=off"
    assert (converged.user_attrs["seed"], converged.user_attrs["steps_to_target"]) == (0, 30)
    assert converged.distributions["clip"].choices == ("base", "on")
    assert converged.datetime_start <= converged.datetime_complete
    assert (crashed.state.name, crashed.value, crashed.user_attrs["failure"]) == ("FAIL", None, "crash")
    assert study.best_trial.number == converged.number


def test_a_diverged_trial_keeps_its_nan_and_is_worse_than_all_others(mirrored):
    diverged = mirrored.trials[0]
    assert diverged.state.name == "COMPLETE"
    assert diverged.value == 0.0  # below the worst, 0.95, by as much as that is
    assert math.isnan(diverged.intermediate_values[20])
    assert diverged.user_attrs["verdict"] == "diverged"
    assert "diverged" in diverged.user_attrs["value_is"]


def test_a_study_of_nothing_but_divergence_without_a_value_has_an_infinity(tmp_path, target):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path)
        end_trial(store, make_trial(store, study), Verdict.DIVERGED, values=(math.nan,))
    export(url_of(tmp_path), target)
    assert optuna.load_study(study_name="s", storage=target).trials[0].value == -math.inf


ENDS = [
    (TrialState.PRUNED, None, "PRUNED"),
    (TrialState.TIMED_OUT, FailureClass.TIMEOUT, "PRUNED"),
    (TrialState.FAILED, FailureClass.OOM, "FAIL"),
    (TrialState.LOST, FailureClass.LOST, "FAIL"),
    (TrialState.CANCELLED, None, "FAIL"),
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """The trials, as Optuna reads them back, of a study in which the nth ended as ENDS says."""
    folder = tmp_path_factory.mktemp("ended")
    with Store.open(url_of(folder)) as store:
        study = make_study(store, folder)
        for seed, (state, failure, _) in enumerate(ENDS):
            trial = make_trial(store, study, seed)
            end_trial(store, trial, Verdict.UNDECIDED, values=(0.2, 0.3), state=state, failure=failure)
    assert export(url_of(folder), target_in(folder)) == 0
    return {
        trial.user_attrs["seed"]: trial for trial in optuna.load_study(study_name="s", storage=target_in(folder)).trials
    }


@pytest.mark.parametrize(("seed", "state", "expected"), [(n, state, name) for n, (state, _, name) in enumerate(ENDS)])
def test_states_are_mapped_and_curves_kept(ended, seed, state, expected):
    assert len(ended) == len(ENDS)
    found = ended[seed]
    assert found.state.name == expected
    assert found.user_attrs["state"] == state
    assert found.intermediate_values == {10: 0.2, 20: 0.3}


def test_params_of_a_search_keep_the_distribution_that_was_searched(tmp_path, target):
    params = {
        "task.lr": "tag(log, interval(1e-4, 1))",
        "task.width": "range(8, 65, step=8)",
        "task.act": "choice(a, b)",
    }
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path, params=params)
        for seed, (lr, width, act) in enumerate([("0.001", "16", "a"), ("0.5", "64", "b")]):
            point = (("task.act", act), ("task.lr", lr), ("task.width", width))
            end_trial(store, make_trial(store, study, seed, params=point), tau=20)
        end_trial(store, make_trial(store, study), tau=30)  # the base: nothing was drawn
    export(url_of(tmp_path), target)
    first, _, base = optuna.load_study(study_name="s", storage=target).trials
    assert first.params == {"task.lr": 0.001, "task.width": 16, "task.act": "a", "dropout": "base", "clip": "base"}
    lr = first.distributions["task.lr"]
    assert (lr.low, lr.high, lr.log) == (1e-4, 1.0, True)
    assert first.distributions["task.width"].step == 8
    assert base.params == {"task.lr": 0.1, "dropout": "base", "clip": "base"}  # the task's own rate lies in the range


def test_the_study_says_where_it_comes_from(mirrored):
    study = mirrored
    assert study.user_attrs["command"] == ["python", "-m", "sweep", "task=digits", "+axis=[dropout]"]
    assert study.user_attrs["provenance"]["git_sha"] == "abc"
    assert study.user_attrs["target"]["threshold"] == CONFIG["converge"]["threshold"]
    assert study.metric_names == ["val/acc"]


def test_a_study_of_that_name_is_replaced_only_by_force(url, target, capsys):
    export(url, target)
    capsys.readouterr()
    assert export(url, target) == 2
    assert "--force" in capsys.readouterr().err
    assert export(url, target, "--force") == 0
    assert optuna.get_all_study_names(target) == ["s"]
    assert len(optuna.load_study(study_name="s", storage=target).trials) == 3


def test_other_studies_of_an_optuna_storage_stay(url, tmp_path):
    target = f"sqlite:///{tmp_path / 'optuna.db'}"
    optuna.create_study(study_name="mine", storage=target)
    assert export(url, target) == 0
    assert sorted(optuna.get_all_study_names(target)) == ["mine", "s"]


@pytest.mark.parametrize("kind", ["our own store", "another database", "text"])
def test_a_file_that_is_not_optunas_is_refused_and_stays_as_it_is(url, tmp_path, capsys, kind):
    path = tmp_path / "some.db"
    if kind == "our own store":
        path = tmp_path / "sweep.db"
    elif kind == "another database":
        with sqlite3.connect(path) as file:
            file.execute("create table studies (id integer)")
    else:
        path.write_text("no database at all, and rather long for one" * 10)
    before = path.read_bytes()
    assert export(url, f"sqlite:///{path}") in (1, 2)
    assert "hint: name a new file" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_plain_path_and_options_that_do_not_go_together_are_refused(url, tmp_path, capsys):
    assert export(url, "optuna.db") == 2
    assert "sqlite:///optuna.db" in capsys.readouterr().err
    assert main(["export", "s", "--store", url, "--force"]) == 2
    assert export(url, "sqlite:///o.db", "--to", str(tmp_path)) == 2


PARAMS = {"task.lr": "interval(0.01, 1)", "task.width": "range(8, 65, 8)", "task.init": "choice(none, 0.10)"}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"lr": 0.1, "width": 16.0, "init": 0.1}, {"task.lr": 0.1, "task.width": 16, "task.init": "0.1"}),
        ({"lr": 1, "width": 9, "init": "none"}, {"task.lr": 1.0, "task.init": "none"}),
        ({"lr": 30.0, "width": "x", "init": True}, {}),
    ],
)
def test_the_base_has_the_tasks_own_values_if_they_lie_in_what_is_searched(
    tmp_path, target, monkeypatch, task, expected
):
    monkeypatch.setitem(CONFIG, "task", {**CONFIG["task"], **task})
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path, axes={}, params=PARAMS)
        end_trial(store, make_trial(store, study), Verdict.CONVERGED, values=(0.8999999761581421,))
    export(url_of(tmp_path), target)
    (base,) = optuna.load_study(study_name="s", storage=target).trials
    assert base.params == expected
    assert base.value == 0.9
    assert list(base.intermediate_values.values()) == [0.9]
