"""A run whose folder was removed under it says so, and not that the machine could not write."""

from sweep.domain.states import FailureClass
from sweep.launch import Exit, ending_of
from sweep.rundir import RunDir

WITHOUT_RESULT = 74


def test_a_run_folder_that_is_gone_is_named_as_the_reason(tmp_path):
    gone = ending_of(1, RunDir(tmp_path / "0"), Exit(code=WITHOUT_RESULT))
    there = ending_of(1, RunDir(tmp_path), Exit(code=WITHOUT_RESULT))
    assert gone.failure == there.failure == FailureClass.INFRA
    assert "run folder is gone" in gone.message
    assert "could not be written" in there.message
