"""The log of the orchestrator's decisions, in the folder of the study that it runs."""

import logging
import re
import shutil

import pytest
from loop_bench import Bench
from test_loop_retries import Failing, trains

from sweep.cli.main import main
from sweep.domain.states import FailureClass
from sweep.errors import SweepError
from sweep.launch.fake import FakeLauncher
from sweep.launch.warm import CRASHES, WarmStarter
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study import decision_log
from sweep.study.decisions import logging_to, set_log_level
from sweep.study.interrupts import Interrupt

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) sweep[\w.]*\[\d+\]: .+")
logger = logging.getLogger("sweep.test")


@pytest.fixture(autouse=True)
def at_the_default_level():
    set_log_level("info")
    yield
    set_log_level("info")


@pytest.fixture
def folder(tmp_path):
    folder = StudyDir(tmp_path, "s")
    folder.path.mkdir()
    return folder


@pytest.fixture
def bench(tmp_path):
    with Store.open("sqlite://") as store:
        yield Bench(tmp_path, store)


def lines(folder):
    return folder.log.read_text(encoding="utf-8").splitlines()


def logged(bench, launcher):
    """Return what a session of the bench's study logs."""
    with logging_to(bench.folder):
        bench.loop(launcher).run()
    return lines(bench.folder)


def test_each_line_has_its_time_level_module_and_process(bench, folder):
    found = logged(bench, FakeLauncher(Failing(-9)))
    assert found
    assert [line for line in found if not LINE.fullmatch(line)] == []


def test_a_retry_names_its_trial_attempt_and_reason(bench, folder):
    [first, second] = [line for line in logged(bench, FakeLauncher(Failing(-9))) if " WARNING " in line]
    assert "trial 0 attempt 1 (run 1): killed" in first
    assert first.endswith("; retried")
    assert "trial 2 attempt 1" in second


def test_a_failure_that_is_not_tried_again_says_so(bench, folder):
    found = [line for line in logged(bench, FakeLauncher(Failing(1))) if str(FailureClass.CRASH) in line]
    assert len(found) == 2
    assert all(line.endswith("; not retried") for line in found)


def test_a_trial_that_completes_leaves_no_line_but_in_debug(bench, folder):
    count = len(logged(bench, FakeLauncher(trains)))
    folder.log.unlink()
    bench.seeds = tuple(range(8))
    assert len(logged(bench, FakeLauncher(trains))) == count
    folder.log.unlink()
    set_log_level("debug")
    bench.seeds = tuple(range(9))
    assert sum(" DEBUG " in line for line in logged(bench, FakeLauncher(trains))) == 4, "two trials start and end"


def test_the_breaker_is_logged(bench, folder):
    found = logged(bench, FakeLauncher(Failing(1, says="ImportError: no module", seed=None)))
    assert sum("breaker" in line for line in found) == 1


def test_an_interrupt_and_the_trials_that_the_next_session_requeues_are_logged(bench, folder):
    def hangs(folder):
        loop.interrupt = Interrupt.STOP

    loop = bench.loop(FakeLauncher(hangs))
    with logging_to(folder):
        loop.run()
    assert sum("interrupt: stop" in line for line in lines(folder)) == 1
    found = logged(bench, FakeLauncher(trains))
    assert any("trial 0: requeued" in line and "cancelled" in line for line in found)


def test_the_fallback_from_warm_to_cold_is_logged_with_its_reason(folder, tmp_path):
    class Dead:
        """A warm parent that died while it imported."""

        state, why = "gone", ""
        child = type("Child", (), {"pid": 7, "poll": staticmethod(lambda: 1)})

        def is_for(self, environment):
            return True

        def look(self, wait_s):
            return "gone"

        def close(self):
            return 1

    class Cold:
        def start(self, folder, environment):
            return "a process"

    starter = WarmStarter(instead=Cold(), unsafe_instead=Cold(), say=lambda text: None, early=Dead())
    starter._crashes = CRASHES - 1
    with logging_to(folder):
        assert starter.start(tmp_path, {}) == "a process"
    assert any("warm to cold" in line and f"{CRASHES} warm parents died" in line for line in lines(folder))


def test_a_removed_folder_or_a_full_disk_loses_lines_and_nothing_else(folder, capsys):
    with logging_to(folder):
        logger.warning("one")
        shutil.rmtree(folder.path)
        logger.warning("two")
    with logging_to(folder):
        logger.warning("three")
    assert not folder.path.exists()
    folder.path.mkdir()
    folder.log.symlink_to("/dev/full")
    with logging_to(folder):
        logger.warning("four")
    assert capsys.readouterr() == ("", "")


def test_a_log_is_bounded(folder, monkeypatch):
    monkeypatch.setattr(decision_log, "MAX_BYTES", 10_000)
    with logging_to(folder):
        for number in range(1000):
            logger.warning("%d %s", number, "x" * 100)
        logger.warning("y" * 100_000)
    kept = sorted(folder.path.glob("orchestrator.log*"))
    assert [path.name for path in kept] == ["orchestrator.log", "orchestrator.log.1"]
    assert sum(path.stat().st_size for path in kept) < 25_000


def test_each_decision_is_in_the_log_of_one_study(folder, tmp_path):
    inner = StudyDir(tmp_path, "s.base")
    inner.path.mkdir()
    with logging_to(folder):
        logger.info("outer")
        with logging_to(inner):
            logger.info("inner")
        logger.info("outer again")
    assert [line.rpartition(": ")[2] for line in lines(folder)] == ["outer", "outer again"]
    assert [line.rpartition(": ")[2] for line in lines(inner)] == ["inner"]


def test_what_ends_a_session_is_logged_on_one_line(folder):
    with pytest.raises(SweepError), logging_to(folder):
        raise SweepError("first\nsecond\x1b[2J")
    [line] = lines(folder)
    assert " ERROR " in line
    assert "SweepError: first | second\\x1b[2J" in line


def test_a_level_that_does_not_exist_is_refused_with_those_that_do(capsys):
    assert main(["task=digits_mlp", "--log-level", "inf"]) == 2
    message = capsys.readouterr().err
    assert "--log-level" in message
    assert "debug, info, warning, error" in message
    assert "did you mean 'info'?" in message
