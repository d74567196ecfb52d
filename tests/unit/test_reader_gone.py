"""`python -m sweep ... | head`: what a command ends with when nobody reads its last words."""

import os
from pathlib import Path

import pytest
from rich.text import Text

from sweep.cli.main import main
from sweep.cli.printing import Printer, print_rich
from sweep.study.session import StudyEnd


def gone(*_args, **_kwargs):
    raise BrokenPipeError


def test_a_broken_pipe_is_no_failure_of_the_program(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        monkeypatch.setattr("sys.stdout", nobody)
        with pytest.raises(BrokenPipeError):
            print_rich(Text("word " * 100))
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), nobody.fileno())


@pytest.mark.parametrize(("status", "summary", "code"), [
    ("ended", {}, 0), ("ended", {"ok": False}, 1), ("interrupted", {}, 130), ("failed", {}, 1),
])  # fmt: skip
def test_a_study_whose_answer_nobody_reads_ends_with_its_own_code(monkeypatch, status, summary, code):
    end = StudyEnd(status=status, message="why", summary=summary, folder=Path("results/s"))
    monkeypatch.setattr("sweep.study.jobs.run_job", lambda *_args, **_kwargs: end)
    monkeypatch.setattr("sweep.report.terminal.render_summary", lambda _summary, **_kwargs: Text("the answer"))
    monkeypatch.setattr(Printer, "print", gone)
    assert main(["task=digits_mlp", "launcher.start=cold"]) == code
