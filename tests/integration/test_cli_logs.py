import pytest
from recorded_study import record_study

from sweep.cli.main import main
from sweep.rundir import RunDir


@pytest.fixture
def url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = record_study(tmp_path)
    log = RunDir(tmp_path / "results" / "s" / "trials" / "0").log
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n")
    return url


@pytest.mark.parametrize(("tail", "words"), [((), "one\ntwo\nthree\n"), (("--tail", "2"), "two\nthree\n")])
def test_a_log_is_printed_whole_or_its_end(url, capsys, tail, words):
    assert main(["logs", "0", *tail, "--store", url]) == 0
    assert capsys.readouterr().out == words


@pytest.mark.parametrize("tail", ["0", "-2"])
def test_a_tail_of_less_than_a_line_is_refused(url, capsys, tail):
    assert main(["logs", "0", "--tail", tail, "--store", url]) == 2
    assert f"--tail must be 1 or more, got {tail}" in capsys.readouterr().err
