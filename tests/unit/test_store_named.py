"""Commands to copy name the store where it is not the one that is meant anyhow, and only there."""

from dataclasses import replace
from pathlib import Path

import pytest
from recorded_study import end_trial, make_study, make_trial, url_of

from sweep.cli.act import command_in
from sweep.cli.main import main, verb_parser
from sweep.config import load_study_config
from sweep.config.stores import default_store, is_same_store, rebuild_command, results_of, store_option, verbs_store
from sweep.domain.recorded_config import RecordedConfig
from sweep.errors import StudyLockedError
from sweep.reading import open_store
from sweep.report.commands import own_words
from sweep.rundir import StudyDir, StudyLock
from sweep.store import Store
from sweep.study.opening import locked_folder

DEFAULT = "sqlite:///results/sweep.db"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("SWEEP_STORE", raising=False)
    monkeypatch.chdir(tmp_path)


def recorded(tmp_path, command, **config):
    with Store.open(f"sqlite:///{tmp_path / 'some.db'}") as store:
        study = make_study(store, tmp_path)
    return replace(study, command=tuple(command), config=RecordedConfig({**study.config.raw, **config}))


def test_verbs_the_notebook_and_a_study_mean_one_store_where_none_is_named(monkeypatch, tmp_path):
    assert verb_parser("ls").parse_args([]).store == default_store() == verbs_store() == DEFAULT
    monkeypatch.setenv("SWEEP_STORE", url_of(tmp_path))
    assert verb_parser("ls").parse_args([]).store == verbs_store() == url_of(tmp_path)
    with Store.open(url_of(tmp_path)):
        pass
    assert open_store().url == url_of(tmp_path)


def test_an_empty_variable_is_none_at_all(monkeypatch):
    monkeypatch.setenv("SWEEP_STORE", "")
    assert verbs_store() == DEFAULT


@pytest.mark.parametrize(
    ("url", "option"),
    [
        (DEFAULT, ""),
        ("sqlite:///./results/sweep.db", ""),
        ("sqlite:///results/other.db", " --store sqlite:///results/other.db"),
        ("sqlite:///my results/sweep.db", " --store 'sqlite:///my results/sweep.db'"),
        ("postgresql://me:secret@host/db", " --store postgresql://me@host/db"),
    ],
)
def test_a_hint_names_the_store_if_the_verb_would_not_find_it(url, option):
    assert store_option(url) == option


def test_one_file_is_one_store_however_it_is_written(tmp_path):
    assert is_same_store(DEFAULT, f"sqlite:///{tmp_path}/results/sweep.db")
    assert not is_same_store(DEFAULT, "sqlite:///sweep.db")


@pytest.mark.parametrize(
    ("command", "results", "url", "again"),
    [
        (["task=digits"], "results", DEFAULT, ["task=digits", "study=s"]),
        (["task=digits", f"store.url={DEFAULT}"], "results", DEFAULT, ["task=digits", "study=s"]),
        (["results=out"], "out", "sqlite:///out/sweep.db", ["results=out", "study=s"]),
        (["results=out"], "out", DEFAULT, ["results=out", f"store.url={DEFAULT}", "study=s"]),
        (["study=s"], "results", "sqlite:///x.db", ["study=s", "store.url=sqlite:///x.db"]),
    ],
)
def test_a_study_run_again_is_given_a_store_only_where_it_would_take_another(tmp_path, command, results, url, again):
    record = recorded(tmp_path, command, results=results, store={"url": f"sqlite:///{results}/sweep.db"})
    assert command_in(record, url) == again


def test_a_store_that_a_config_file_names_is_not_lost_when_the_default_one_is_meant(tmp_path):
    record = recorded(tmp_path, ["task=mine"], results="results", store={"url": "sqlite:///from_the_task.db"})
    assert command_in(record, DEFAULT) == ["task=mine", f"store.url={DEFAULT}", "study=s"]


def test_commands_in_reports_drop_a_store_that_an_earlier_rerun_has_put_there(tmp_path):
    record = recorded(tmp_path, ["task=digits", f"store.url={DEFAULT}"], results="results")
    assert own_words(record) == ["task=digits"]
    other = replace(record, command=("task=digits", "store.url=sqlite:///x.db"))
    assert own_words(other) == ["task=digits", "store.url=sqlite:///x.db"]


def test_commands_in_reports_keep_a_store_from_which_the_results_folder_follows(tmp_path):
    command = ["task=digits", "store.url=sqlite:///copy/sweep.db"]
    assert own_words(recorded(tmp_path, command, results="copy")) == command


@pytest.mark.parametrize(
    ("words", "results"),
    [
        (["store.url=sqlite:///copy/sweep.db"], "copy"),
        (["store.url='sqlite:////data/of me/sweep.db'"], "/data/of me"),
        (["store.url=sqlite:///copy/sweep.db", "results=results"], "results"),
        (["store.url=sqlite:///copy/sweep.db", "results=out"], "out"),
        (["results=out"], "out"),
        (["store.url=sqlite:///sweep.db"], "results"),
        (["store.url=sqlite:///copy/other.db"], "results"),
        (["store.url=postgresql://host/db"], "results"),
        ([], "results"),
    ],
)
def test_a_study_puts_its_folder_beside_the_sweep_db_that_it_names(words, results):
    study = load_study_config(words).study
    assert (study.results, study.raw["results"]) == (results, results)


def test_a_second_orchestrator_is_given_the_store_of_the_first():
    folder = StudyDir(Path("results"), "s")
    with StudyLock(folder.lock), pytest.raises(StudyLockedError) as caught, locked_folder(folder, "sqlite:///x.db"):
        pass
    assert "`python -m sweep status s --watch --store sqlite:///x.db`" in str(caught.value)
    assert "`python -m sweep stop s --store sqlite:///x.db`" in str(caught.value)


def test_a_refused_rerun_of_a_running_study_names_its_store(tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with Store.open(url) as store:
        study = make_study(store, tmp_path)
        end_trial(store, make_trial(store, study))
    with StudyLock(StudyDir(tmp_path / "results", "s").lock):
        assert main(["rerun", "s", "--store", url]) == 1
    assert f"`python -m sweep stop s --store {url}`" in capsys.readouterr().err


def test_the_hints_of_reading_verbs_name_the_store(tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with Store.open(url) as store:
        make_trial(store, make_study(store, tmp_path))
    assert main(["rank", "s", "--store", url]) == 2
    assert main(["logs", "0", "--study", "s", "--store", url]) == 2
    assert main(["stop", "s", "--store", url]) == 2
    said = capsys.readouterr().err
    assert said.count(f"`python -m sweep status s --store {url}`") == 2
    assert f"`python -m sweep ls --store {url}`" in said


@pytest.mark.parametrize(
    ("url", "results", "words"),
    [
        (DEFAULT, "results", ""),
        ("sqlite:///out/sweep.db", "out", " --store sqlite:///out/sweep.db"),
        ("sqlite:///out/sweep.db", "results", " --store sqlite:///out/sweep.db --results results"),
        ("sqlite:///x.db", "results", " --store sqlite:///x.db"),
        ("sqlite:///sweep.db", "my results", " --store sqlite:///sweep.db --results 'my results'"),
        ("postgresql://me:secret@host/db", "out", " --store postgresql://me@host/db --results out"),
    ],
)
def test_the_command_that_rebuilds_a_store_names_it_and_a_folder_that_it_would_not_search(url, results, words):
    assert rebuild_command(url, results) == f"python -m sweep rebuild{words}"


def test_a_default_store_is_rebuilt_from_its_own_results_folder():
    assert results_of(default_store("/else/where")) == "/else/where"
    assert results_of("sqlite:////else/where/other.db") == "results"


def test_a_damaged_store_is_reported_with_the_command_that_rebuilds_it(tmp_path, capsys):
    file = tmp_path / "out" / "sweep.db"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    assert main(["ls", "--store", f"sqlite:///{file}"]) == 1
    assert f"`python -m sweep rebuild --store sqlite:///{file}` rebuilds it" in capsys.readouterr().err
    assert main(["rebuild", "--store", f"sqlite:///{file}"]) == 2
    assert str(file.parent) in capsys.readouterr().err


@pytest.mark.parametrize("words", [("rerun", "s"), ("baseline", "accept", "--last", "1"), ("gc",)])
def test_a_verb_that_changes_a_store_makes_none_where_there_is_none(tmp_path, capsys, words):
    assert main([*words, "--store", url_of(tmp_path)]) == 2
    assert "there is no store at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
