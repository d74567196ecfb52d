"""What is kept of a run's output: all of an ordinary log, head and tail of one that floods the disk."""

import os

import pytest

from sweep.rundir import logfile
from sweep.rundir.logfile import close_log, log_lines, trim_running

HEAD, TAIL, SLACK = 1 << 16, 9 << 16, 8 << 16  # a sixteenth of the real ones
LIMIT = HEAD + TAIL
COUNT = 200_000
FLOOD = b"".join(b"%015d\n" % number for number in range(COUNT))  # 3.2 MB


def flood(path):
    with path.open("ab") as file:
        file.write(FLOOD)


def numbers(lines):
    return [int(line) for line in lines if not line.startswith("[sweep]")]


@pytest.fixture
def log(tmp_path, monkeypatch):
    for name, size in (("HEAD_BYTES", HEAD), ("TAIL_BYTES", TAIL), ("_SLACK_BYTES", SLACK)):
        monkeypatch.setattr(logfile, name, size)
    return tmp_path / "out.log"


@pytest.mark.parametrize("text", [b"", b"one\ntwo", b"x" * (LIMIT - 1) + b"\n"])
def test_a_log_within_the_bound_stays_as_it_is(log, text):
    log.write_bytes(text)
    inode = log.stat().st_ino
    trim_running(log)
    close_log(log)
    assert log.read_bytes() == text
    assert log.stat().st_ino == inode


def test_a_run_without_a_log_has_none_to_cut(log):
    trim_running(log)
    close_log(log)
    assert not log.exists()


def test_a_long_log_keeps_head_and_tail_and_says_how_much_is_left_out(log):
    flood(log)
    close_log(log)
    lines = list(log_lines(log))
    [said] = [line for line in lines if line.startswith("[sweep]")]
    kept = sum(len(line) for line in lines if line is not said)
    assert f"{len(FLOOD) - kept:,} bytes" in said
    found = numbers(lines)
    assert (found[0], found[-1]) == (0, COUNT - 1)
    assert LIMIT - 64 <= kept <= LIMIT
    assert log.stat().st_size < LIMIT + 200
    assert list(log.parent.iterdir()) == [log]


def test_a_log_that_is_cut_twice_says_so_twice_and_stays_readable(log):
    flood(log)
    close_log(log)
    flood(log)
    close_log(log)
    assert numbers(log_lines(log))[-1] == COUNT - 1


def test_a_run_that_prints_without_end_does_not_fill_the_disk(log):
    with log.open("ab", buffering=0) as writer:  # as a run's processes have it
        for _ in range(4):
            writer.write(FLOOD)
            trim_running(log)
            assert log.stat().st_blocks * 512 < LIMIT + SLACK + (2 << 16)
        writer.write(b"the end\n")
        assert log.stat().st_size == 4 * len(FLOOD) + 8
        lines = list(log_lines(log))
        assert lines[-1] == "the end\n"
        assert sum(line.startswith("[sweep]") for line in lines) == 1
        assert not any("\0" in line for line in lines)
        assert list(log_lines(log, 2)) == ["000000000199999\n", "the end\n"]
    close_log(log)
    assert log.stat().st_size < LIMIT + 200
    assert list(log_lines(log))[-1] == "the end\n"


def test_a_file_system_that_cannot_free_the_middle_has_it_cut_when_the_run_is_over(log, monkeypatch):
    def refuse(path, size):
        raise OSError(95, os.strerror(95))

    flood(log)
    monkeypatch.setattr(logfile, "_free_middle", refuse)
    trim_running(log)
    assert log.stat().st_size == len(FLOOD)
    close_log(log)
    assert log.stat().st_size < LIMIT + 200


def test_a_full_disk_leaves_the_long_log_in_place(log, monkeypatch):
    flood(log)
    monkeypatch.setattr(logfile, "_parts", lambda *_: (_ for _ in ()).throw(OSError(28, os.strerror(28))))
    with pytest.raises(OSError, match="No space"):
        close_log(log)
    assert list(log.parent.iterdir()) == [log]
    assert log.stat().st_size == len(FLOOD)


def test_one_line_without_an_end_is_kept_in_part(log):
    log.write_bytes(b"x" * (LIMIT * 2))
    close_log(log)
    assert log.stat().st_size < LIMIT + 200
    assert sum(line.startswith("[sweep]") for line in log_lines(log)) == 1
