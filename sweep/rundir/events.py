"""events.jsonl: what a run logs, one strict-JSON line per event, appended by the run and read by the orchestrator.

Kinds (`e`): `start` (`pid`, `host`, `held`: whether the run keeps this file locked while it lives), `log` (`s` step,
`v` metric -> number), `facts` (`v` name -> number or text), `end`; every event has `t`, seconds since the epoch. NaN
and infinities are the strings "NaN", "Infinity", "-Infinity".
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.clock import now_utc
from sweep.domain.json_form import NON_FINITE, json_number
from sweep.rundir.files import sayable

if TYPE_CHECKING:
    from sweep.domain.metric import Series

Event = dict[str, Any]

CHUNK_BYTES = 1 << 20
"""Number of bytes read at a time."""
LINE_LIMIT = 1 << 20
"""A longer line is not one of our events; it is dropped without being held in memory as a whole."""
METRICS_MOST = 1000
"""Maximum number of values in one event: with names of up to a thousand characters, its line is short enough."""
STEP_LIMIT = 2**63

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode


class EventWriter:
    """Appends events to a file, in whole lines: readers see no others, except for a torn last one."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._is_torn = not _ends_with_newline(self._fd)
        self._encoded: dict[str, str] = {}  # names of metrics
        self._held = b""
        self._held_most_s = 0.0
        self._written_s = 0.0

    def hold_back(self, most_s: float) -> None:
        """From now on, keep logged metrics back for up to `most_s` seconds, until the next event of any kind.

        A write takes as long as a hundredth of a small network's step. What is held back is lost if the process is
        killed by SIGKILL.
        """
        self._held_most_s = most_s

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append the metrics logged at a step, in as many events as it takes. Raises OSError."""
        now_s = now_utc().timestamp()
        values = [self._value_text(name, value) for name, value in metrics.items()]
        for first in range(0, len(values) or 1, METRICS_MOST):
            text = ",".join(values[first : first + METRICS_MOST])
            self._held += f'{{"e":"log","t":{round(now_s, 3)},"s":{step},"v":{{{text}}}}}\n'.encode("ascii")
        if not 0 <= now_s - self._written_s < self._held_most_s or len(self._held) > CHUNK_BYTES:
            self._written_s = now_s
            self.flush()

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event; floats in `fields` must be finite. After an OSError the file still accepts events."""
        self._held += _encode({"e": kind, "t": round(now_utc().timestamp(), 3), **fields}).encode("ascii") + b"\n"
        self.flush()

    def flush(self) -> None:
        """Write what is held back. Raises OSError; then it is dropped, and the file still accepts events."""
        line, self._held = self._held, b""
        if not line:
            return
        if self._is_torn:  # do not append to a line that an earlier write left incomplete
            line = b"\n" + line
        self._is_torn = True
        while line:
            line = line[os.write(self._fd, line) :]
        self._is_torn = False

    def hold(self) -> bool:
        """Lock the file until this process and all its forks have ended; return False if it cannot be locked.

        The lock shows on every host that shares the file system whether a process of the run lives (`is_held`).
        """
        with suppress(OSError):
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def _value_text(self, name: str, value: float) -> str:
        key = self._encoded.get(name)
        if key is None:
            key = self._encoded[name] = f"{_encode(name)}:"
        return key + (repr(value) if type(value) is float and isfinite(value) else _encode(json_number(value)))

    def close(self) -> None:
        """Write what is held back, and close the file."""
        with suppress(OSError):
            self.flush()
        os.close(self._fd)


def is_held(path: Path) -> bool | None:
    """Return whether a process on any host holds an events file locked; None if unknown."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return True if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    finally:
        os.close(fd)
    return False


def _ends_with_newline(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size == 0 or os.pread(fd, 1, size - 1) == b"\n"


def read_events(path: Path | str, from_byte: int) -> tuple[list[Event], int]:
    """Return the events of all complete lines from `from_byte` on, and the byte to continue from next time.

    A torn last line is left for later; a missing file has no events. A complete line that is not an event (binary, not
    JSON, longer than LINE_LIMIT) is skipped; their number is in a last event `{"e": "skipped", "lines": n}`.
    """
    events: list[Event] = []
    skipped = 0
    position = from_byte
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return events, from_byte
    try:
        for lines, behind in _complete_lines(file, from_byte):
            position = behind
            found = _parse_all(lines)
            events += found
            skipped += len(lines) - len(found)
    finally:
        os.close(file)
    if skipped:
        events.append({"e": "skipped", "lines": skipped})
    return events, position


def _complete_lines(fd: int, from_byte: int) -> Iterator[tuple[list[bytes], int]]:
    """Yield complete lines, chunk by chunk, each with the byte after it; b"" stands for an overlong line."""
    position = from_byte
    # After an overlong line that was left half-way through, the rest of it is not a new line.
    is_inside = from_byte > 0 and os.pread(fd, 1, from_byte - 1) not in (b"\n", b"")
    rest = b""
    while chunk := os.pread(fd, CHUNK_BYTES, position + len(rest)):
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) <= LINE_LIMIT and not is_inside:
            rest = data
            continue
        if end == 0:  # too long for an event: dropped here, counted once
            position += len(data)
            rest = b""
            yield ([] if is_inside else [b""]), position
            is_inside = True
            continue
        lines = data[: end - 1].split(b"\n")
        if is_inside:
            del lines[0]
            is_inside = False
        position += end
        rest = data[end:]
        yield lines, position


def _parse_all(lines: list[bytes]) -> list[Event]:
    """Return the events of these lines. Lines as our writer writes them are decoded together: twice as fast."""
    if all(line.startswith(b'{"e":"') and line.endswith(b"}") for line in lines):
        try:
            events = _decode(b"[" + b",".join(lines) + b"]")
        except (ValueError, RecursionError):
            pass
        else:
            if len(events) == len(lines) and all(map(_is_event, events)):
                return list(events)
    return [event for line in lines if (event := _parse(line)) is not None]


def _parse(line: bytes) -> Event | None:
    """Return the event of a line, None if it is not one."""
    try:
        event = _decode(line)
    except (ValueError, RecursionError):
        return None
    return event if _is_event(event) else None


def _is_event(event: Any) -> bool:
    if not isinstance(event, dict):
        return False
    kind = event.get("e")
    if kind == "log":
        step = event.get("s")
        return type(step) is int and 0 <= step < STEP_LIMIT and type(event.get("v")) is dict
    return type(kind) is str and (kind != "facts" or type(event.get("v")) is dict)


def _reject(constant: str) -> float:
    raise ValueError(f"not strict JSON: {constant}")


def _all_sayable(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {sayable(name): sayable(value) if isinstance(value, str) else value for name, value in pairs}


_decode_plain = json.JSONDecoder(parse_constant=_reject).decode
_decode_escaped = json.JSONDecoder(parse_constant=_reject, object_pairs_hook=_all_sayable).decode


def _decode(data: bytes) -> Any:
    """Return the data of JSON text, with strings that any database accepts. Raises ValueError, RecursionError."""
    has_surrogates = b"\\ud" in data or b"\\uD" in data  # mostly whole pairs: rare, and they take longer
    return (_decode_escaped if has_surrogates else _decode_plain)(data.decode("utf-8"))


def points_of(events: Iterable[Event]) -> dict[str, "Series"]:
    """Return each metric's points in the order logged, NaN and infinities as floats; what is not a number is left
    out."""
    from sweep.domain.metric import Series  # imports numpy, which a trial process does not need

    points: dict[str, list[tuple[int, float]]] = {}
    for event in events:
        if event["e"] != "log":
            continue
        step = event["s"]
        for metric, value in event["v"].items():
            number = value if type(value) is float else _number(value)
            if number is None:
                continue
            if metric in points:
                points[metric].append((step, number))
            else:
                points[metric] = [(step, number)]
    return {metric: Series.of(pairs) for metric, pairs in points.items()}


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return NON_FINITE.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def facts_of(events: Iterable[Event]) -> dict[str, float | str]:
    """Return the facts of a run about its task (`Run.describe`); later values replace earlier ones."""
    facts: dict[str, float | str] = {}
    for event in events:
        if event["e"] != "facts":
            continue
        for name, value in event["v"].items():
            number = _number(value)
            if number is not None:
                facts[name] = number
            elif isinstance(value, str):
                facts[name] = value
    return facts
