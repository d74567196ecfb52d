"""events.jsonl: what is torn, binary, overlong or not ours never reaches a reader as an event."""

import json
import math
from pathlib import Path

import pytest

from sweep.rundir import EventWriter, facts_of, points_of, read_events
from sweep.rundir.events import CHUNK_BYTES, LINE_LIMIT

LOG = b'{"e":"log","t":1.0,"s":1,"v":{"loss":0.5}}\n'


def write(path: Path, *parts: bytes) -> Path:
    path.write_bytes(b"".join(parts))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_so_many_metrics_that_a_line_does_not_hold_them_come_back(file: Path) -> None:
    metrics = {f"layer{number:05}/norm_of_the_gradient_of_its_weight": float(number) for number in range(45_000)}
    EventWriter(file).log(3, metrics)
    assert file.stat().st_size > 2 * LINE_LIMIT
    events, _ = read_events(file, 0)
    points = points_of(events)
    assert {name: (int(s.steps[0]), float(s.values[0])) for name, s in points.items()} == {
        name: (3, value) for name, value in metrics.items()
    }


def test_a_missing_file_has_no_events(file: Path) -> None:
    assert read_events(file, 0) == ([], 0)


def test_each_event_is_one_strict_json_line(file: Path) -> None:
    writer = EventWriter(file)
    writer.write("start", pid=1)
    writer.log(3, {"loss": math.nan, 'we"ird\n目': -math.inf, "up": math.inf})

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    lines = [json.loads(line, parse_constant=refuse) for line in file.read_text().splitlines()]
    assert [line["e"] for line in lines] == ["start", "log"]
    assert lines[1]["v"] == {"loss": "NaN", 'we"ird\n目': "-Infinity", "up": "Infinity"}


def test_an_event_is_in_the_file_as_soon_as_it_is_written(file: Path) -> None:
    writer = EventWriter(file)
    writer.log(1, {"loss": 0.5})
    assert len(read_events(file, 0)[0]) == 1


def test_a_torn_last_line_is_left_for_later(file: Path) -> None:
    write(file, LOG, LOG[:20])
    events, position = read_events(file, 0)
    assert (len(events), position) == (1, len(LOG))
    write(file, LOG, LOG)
    events, position = read_events(file, position)
    assert (len(events), position) == (1, 2 * len(LOG))


@pytest.mark.parametrize(
    "bad",
    [
        b"\x00\xff\xfe\n",
        b"not json\n",
        b"\n",
        b"[1, 2]\n",
        b'{"t": 1}\n',
        b'{"e": 5}\n',
        b'{"e":"log","s":1,"v":{"loss":NaN}}\n',
        b'{"e":"log","s":-1,"v":{}}\n',
        b'{"e":"log","s":1.5,"v":{}}\n',
        b'{"e":"log","s":true,"v":{}}\n',
        b'{"e":"log","s":9223372036854775808,"v":{}}\n',
        b'{"e":"log","s":1,"v":[1]}\n',
        b'{"e":"facts","v":3}\n',
        b'{"e":"a"},{"e":"b"}\n',
        b'{"e":"log","s":1,"v":{}\n',
        b"[" * 50_000 + b"\n",
    ],
)
def test_a_line_that_is_no_event_is_skipped_and_counted(file: Path, bad: bytes) -> None:
    write(file, LOG, bad, LOG)
    events, position = read_events(file, 0)
    assert [event["e"] for event in events] == ["log", "log", "skipped"]
    assert events[-1]["lines"] == 1
    assert position == file.stat().st_size


def test_lines_that_only_together_are_json_do_not_count_as_one(file: Path) -> None:
    write(file, b'{"e":"x","v":[{}\n', b'{"e":"y"}]}\n', LOG)
    events, _ = read_events(file, 0)
    assert [event["e"] for event in events] == ["log", "skipped"]
    assert events[-1]["lines"] == 2


def test_an_overlong_line_is_skipped_and_what_follows_is_read(file: Path) -> None:
    write(file, LOG, b"x" * (10 * LINE_LIMIT), b"\n", LOG)
    events, position = read_events(file, 0)
    assert [event["e"] for event in events] == ["log", "log", "skipped"]
    assert events[-1]["lines"] == 1
    assert position == file.stat().st_size


def test_the_rest_of_an_overlong_line_is_no_event_however_it_looks(file: Path) -> None:
    write(file, LOG, b"x" * (2 * LINE_LIMIT))
    _, position = read_events(file, 0)
    assert position == file.stat().st_size
    with file.open("ab") as more:
        more.write(LOG + LOG)
    events, position = read_events(file, position)
    assert len(events) == 1
    assert position == file.stat().st_size


def test_lines_across_the_bounds_of_a_chunk_are_whole(file: Path) -> None:
    line = LOG.replace(b"loss", b"l" * 997)
    count = 3 * CHUNK_BYTES // len(line) + 1
    assert all(bound * CHUNK_BYTES % len(line) for bound in (1, 2, 3))  # each bound falls within a line
    write(file, line * count)
    events, position = read_events(file, 0)
    assert events == [json.loads(line)] * count
    assert position == count * len(line)


def test_a_writer_starts_a_new_line_after_a_torn_one(file: Path) -> None:
    write(file, LOG, LOG[:20])
    EventWriter(file).log(2, {"loss": 0.25})
    events, _ = read_events(file, 0)
    assert [event.get("s") for event in events if event["e"] == "log"] == [1, 2]


def test_points_keep_their_order_and_what_is_no_number_is_left_out(file: Path) -> None:
    write(
        file, LOG, b'{"e":"log","s":2,"v":{"loss":"NaN","text":"abc","flag":true,"n":7,"huge":1' + b"0" * 400 + b"}}\n"
    )
    points = points_of(read_events(file, 0)[0])
    assert set(points) == {"loss", "n"}
    assert points["loss"].steps.tolist() == [1, 2]
    assert points["loss"].values[0] == 0.5
    assert math.isnan(points["loss"].values[1])


def test_later_facts_replace_earlier_ones(file: Path) -> None:
    writer = EventWriter(file)
    writer.write("facts", v={"label_entropy": 2.3, "kind": "classification"})
    writer.write("facts", v={"label_entropy": "Infinity"})
    assert facts_of(read_events(file, 0)[0]) == {"label_entropy": math.inf, "kind": "classification"}
