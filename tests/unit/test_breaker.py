"""What is shown of a failed trial when a study is given up."""

from pathlib import Path

from sweep.domain.states import FailureClass
from sweep.rundir import StudyDir
from sweep.study.breaker import LOG_TAIL, CircuitBreaker, Failed


def test_only_the_end_of_a_long_log_is_shown(tmp_path: Path) -> None:
    folder = StudyDir(tmp_path, "s")
    folder.trial(3).renew(attempt=1)
    folder.trial(3).log.write_text("x" * 10**6 + "\n" * 100 + "ValueError: no\n")
    breaker = CircuitBreaker(failed=[Failed(3, FailureClass.CRASH, "ValueError: no", "cpu")])
    first, *lines = breaker.failure_log(folder).splitlines()
    assert (first, lines[-1]) == ("trial 3: ValueError: no", "  | ValueError: no")
    assert len(lines) == LOG_TAIL
    folder.trial(3).log.write_text("x" * 10**6)
    assert len(breaker.failure_log(folder)) < 10_000


def test_without_a_log_the_message_is_shown_once(tmp_path: Path) -> None:
    breaker = CircuitBreaker(failed=[Failed(3, FailureClass.CRASH, "ValueError: no", "cpu")])
    assert breaker.failure_log(StudyDir(tmp_path, "s")) == "trial 3: ValueError: no"
