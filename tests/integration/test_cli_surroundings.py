"""Odd places to start in: a terminal that has not all signs, a folder that is gone."""

import io
import sys

from recorded_study import record_study

from sweep.cli.main import main


def test_signs_that_a_terminal_has_not_are_spelled_out(tmp_path, monkeypatch):
    url = record_study(tmp_path)
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="ascii"))
    assert main(["show", "0", "--store", url]) == 0
    sys.stdout.flush()
    assert "\\u" in printed.getvalue().decode("ascii")


def test_a_working_directory_that_is_gone_is_an_error_with_a_message(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["plan", "task=digits_mlp"]) == 2
    assert "working directory" in capsys.readouterr().err
