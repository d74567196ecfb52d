"""`python -m sweep ... | head`: the exit code of a command whose last output is not read."""

import os
from pathlib import Path

import pytest
from rich.text import Text

from sweep.cli.main import main
from sweep.cli.printing import Printer, print_rich
from sweep.domain.checked import CheckResult
from sweep.domain.result import TrialsCost
from sweep.report.staged import StagedDocument
from sweep.study.results import Reported
from sweep.study.session import StudyEnd


def gone(*_args, **_kwargs):
    raise BrokenPipeError


def test_a_broken_pipe_is_no_failure_of_the_program(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)
        with pytest.raises(BrokenPipeError):
            print_rich(Text("word " * 100))
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), closed.fileno())


@pytest.mark.parametrize(("status", "is_ok", "code"), [
    ("ended", True, 0), ("ended", False, 1), ("interrupted", True, 130), ("failed", True, 1),
])  # fmt: skip
def test_a_study_whose_output_is_not_read_ends_with_its_own_code(monkeypatch, status, is_ok, code):
    reported = Reported(
        result=CheckResult(is_ok=is_ok, answer="", section=None),
        document=StagedDocument(study="s", answer=""),
        cost=TrialsCost(),
        seeds=(),
    )
    end = StudyEnd(status=status, message="why", reported=reported, folder=Path("results/s"))
    monkeypatch.setattr("sweep.study.run_by_kind.run_job", lambda *_args, **_kwargs: end)
    monkeypatch.setattr("sweep.report.terminal.render_document", lambda _document, **_kwargs: Text("the answer"))
    monkeypatch.setattr(Printer, "print", gone)
    assert main(["task=digits_mlp", "launcher.start=cold"]) == code
