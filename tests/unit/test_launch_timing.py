"""How long a run has run: pauses and queueing are not counted."""

import math

import pytest

from sweep.launch.handle import ProcessHandle
from sweep.launch.timing import RunningTime


def test_time_counts_from_the_start_of_the_process() -> None:
    assert RunningTime(started_at_s=100.0).elapsed_s(103.5) == 3.5
    assert RunningTime(started_at_s=100.0).elapsed_s(99.0) == 0.0


def test_pauses_do_not_count() -> None:
    time = RunningTime(started_at_s=0.0).paused(4.0)
    assert time.elapsed_s(60.0) == 4.0
    assert time.continued(60.0).elapsed_s(61.0) == 5.0
    again = time.continued(60.0).paused(62.0).continued(70.0)
    assert again.elapsed_s(71.0) == 7.0


def test_pausing_a_paused_run_and_continuing_a_running_one_change_nothing() -> None:
    time = RunningTime(started_at_s=0.0)
    assert time.continued(5.0) == time
    assert time.paused(4.0).paused(8.0) == time.paused(4.0)


def test_a_deadline_moves_by_the_pauses_and_there_is_none_while_it_is_paused() -> None:
    time = RunningTime(started_at_s=10.0)
    assert time.deadline_s(5.0) == 15.0
    assert time.deadline_s(None) == math.inf
    assert time.paused(12.0).deadline_s(5.0) == math.inf
    assert time.paused(12.0).continued(20.0).deadline_s(5.0) == 23.0


@pytest.mark.parametrize("host", ["vm-1", "a:b", ""])
def test_a_handle_reads_back_the_same(host: str) -> None:
    handle = ProcessHandle(host=host, pid=4242, started_at=1764375000.37)
    assert ProcessHandle.parse(str(handle)) == handle


@pytest.mark.parametrize("text", ["", "job-7", "vm:pid:1.0", "vm:1:then"])
def test_another_launchers_handle_is_no_process(text: str) -> None:
    assert ProcessHandle.parse(text) is None
