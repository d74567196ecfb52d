from sweep.cli.main import main


def test_a_verb_behind_an_option_is_told_to_come_first(capsys):
    assert main(["--config-dir", "my conf", "plan", "task=mine"]) == 2
    assert "python -m sweep plan --config-dir 'my conf' task=mine" in capsys.readouterr().err


def test_a_config_folder_may_be_called_as_a_verb(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan").mkdir()
    assert main(["--config-dir", "plan", "task=nothing_of_the_kind"]) == 2
    assert "comes first" not in capsys.readouterr().err
