"""Round trips of events.jsonl, for any metrics and any place where a file is cut."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweep.rundir import EventWriter, points_of, read_events

values = st.floats(allow_nan=True, allow_infinity=True, width=64)
logs = st.lists(
    st.tuples(st.integers(0, 2**63 - 1), st.dictionaries(st.text(max_size=8), values, max_size=4)), max_size=8
)


def written(folder: str, entries: list[tuple[int, dict[str, float]]]) -> Path:
    path = Path(folder) / "events.jsonl"
    writer = EventWriter(path)
    for step, metrics in entries:
        writer.log(step, metrics)
    writer.close()
    return path


@given(logs)
def test_any_metrics_come_back_as_they_were_logged(entries: list[tuple[int, dict[str, float]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        events, _ = read_events(written(folder, entries), 0)
    points = points_of(events)
    expected: dict[str, list[tuple[int, float]]] = {}
    for step, metrics in entries:
        for metric, value in metrics.items():
            expected.setdefault(metric, []).append((step, value))
    assert set(points) == set(expected)
    for metric, pairs in expected.items():
        assert points[metric].steps.tolist() == [step for step, _ in pairs]
        np.testing.assert_array_equal(points[metric].values, np.array([value for _, value in pairs]))


@settings(max_examples=50)
@given(logs, st.floats(0, 1))
def test_a_file_read_in_any_two_parts_gives_every_event_once(
    entries: list[tuple[int, dict[str, float]]], share: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, entries)
        whole, end = read_events(path, 0)
        text = path.read_bytes()
        cut = round(share * len(text))
        path.write_bytes(text[:cut])
        first, position = read_events(path, 0)
        path.write_bytes(text)
        rest, last = read_events(path, position)
    assert first == whole[: len(first)]
    assert first + rest == whole
    assert position <= cut
    assert last == end == len(text)


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_any_bytes_are_read_without_an_error_up_to_the_last_newline(lines: list[bytes]) -> None:
    text = b"\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(text)
        _, position = read_events(path, 0)
    assert position == text.rfind(b"\n") + 1


@given(st.dictionaries(st.text(st.characters()), values, max_size=4), st.text(st.characters()))
@example({"of/caf\udce9": 1.0}, "caf\udce9")
def test_any_words_are_read_as_text_that_can_be_written_anywhere(metrics: dict[str, float], fact: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        writer = EventWriter(path)
        writer.write("facts", v={"fact": fact})
        writer.log(1, metrics)
        writer.close()
        facts, logged = read_events(path, 0)[0]
    assert facts["v"]["fact"].encode() == fact.encode(errors="backslashreplace")
    assert set(logged["v"]) == {name.encode(errors="backslashreplace").decode() for name in metrics}
