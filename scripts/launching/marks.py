"""The file of marks: one line per trial, `seed begin end loss`, in monotonic seconds, which all processes share."""

import os
import time

MARKS = "LAUNCH_BENCH_MARKS"
"""Names the file in the environment of a candidate and all its processes."""


def mark(seed: int, begin_s: float, loss: float) -> None:
    """Append one line by one write, so that those of two processes do not mix."""
    line = f"{seed} {begin_s!r} {time.monotonic()!r} {loss.hex()}\n"
    file = os.open(os.environ[MARKS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
