"""The file of marks, which all processes share: one line per trial, `seed begin end loss`, in monotonic seconds."""

import os
import time

MARKS = "LAUNCH_BENCH_MARKS"
"""The environment variable with the file's path, set for a candidate and all its processes."""


def mark(seed: int, begin_s: float, loss: float) -> None:
    """Append one line in one write, so that lines of two processes do not mix."""
    line = f"{seed} {begin_s!r} {time.monotonic()!r} {loss.hex()}\n"
    file = os.open(os.environ[MARKS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
