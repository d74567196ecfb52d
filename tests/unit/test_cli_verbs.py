import errno
import json
import os

import pytest
from recorded_study import CONFIG, make_study, record_study, url_of

from sweep.cli import main as cli_main
from sweep.cli.main import main
from sweep.store import Store


def test_a_verb_behind_an_option_is_told_to_come_first(capsys):
    assert main(["--config-dir", "my conf", "plan", "task=mine"]) == 2
    assert "python -m sweep plan --config-dir 'my conf' task=mine" in capsys.readouterr().err


def test_a_config_folder_may_be_called_as_a_verb(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan").mkdir()
    assert main(["--config-dir", "plan", "task=nothing_of_the_kind"]) == 2
    assert "comes first" not in capsys.readouterr().err


def test_a_verbs_help_keeps_the_capitals_of_names(capsys):
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert "as an Optuna study, or as VisualDL logs." in capsys.readouterr().out


def test_export_into_what_is_no_folder_is_an_error_in_words(tmp_path, capsys):
    with Store.open(url_of(tmp_path)) as store:
        make_study(store, tmp_path)
    (tmp_path / "taken").write_text("a file")
    assert main(["export", "--store", url_of(tmp_path), "--to", str(tmp_path / "taken")]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "taken") in error
    assert "File exists" in error


def test_export_into_a_folder_that_takes_no_file_is_an_error_in_words(tmp_path, monkeypatch, capsys):
    with Store.open(url_of(tmp_path)) as store:
        make_study(store, tmp_path)
    (tmp_path / "trials.csv").mkdir()
    assert main(["export", "--store", url_of(tmp_path), "--to", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "trials.csv") in error
    assert "Is a directory" in error


@pytest.mark.parametrize("words", [["rank", ""], ["report", ""], ["status", ""], ["resume", ""], ["stop", ""]])
def test_an_empty_name_is_no_name_of_a_study(tmp_path, capsys, words):
    with Store.open(url_of(tmp_path)) as store:
        make_study(store, tmp_path)
    assert main([*words, "--store", url_of(tmp_path)]) == 2
    assert "no study ''" in capsys.readouterr().err


def test_a_config_folder_that_is_a_file_is_called_one(tmp_path, capsys):
    (tmp_path / "mine.yaml").touch()
    assert main(["--config-dir", str(tmp_path / "mine.yaml"), "task=mine"]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE, errno.ESTALE])
def test_what_the_machine_refuses_is_told_by_the_files_name(monkeypatch, capsys, code):
    def refuse(arguments):
        raise OSError(code, os.strerror(code), "results/s/plan.json")

    monkeypatch.setattr(cli_main, "_dispatch", refuse)
    assert main(["task=mine"]) == 1
    assert capsys.readouterr().err.startswith(f"error: {os.strerror(code)}: results/s/plan.json\n  hint: fix this")


def test_ls_prints_the_config_of_a_study_as_it_was_recorded(tmp_path, capsys):
    url = record_study(tmp_path)
    assert main(["ls", "--json", "--store", url]) == 0
    [study] = json.loads(capsys.readouterr().out)
    assert study["config"]["task"] == CONFIG["task"]
