"""Named points between the outside effects of a study. A test kills the driver at one of them; else they do nothing.

With SWEEP_KILL_AT_STEP=N in its environment the driver kills itself with SIGKILL at the Nth point it comes to,
counted from 1, so that a test can walk N until a study comes to its end; with SWEEP_KILL_AT_STEP=NAME at the first
point of that name.
"""

import itertools
import os
import signal
import sys
from functools import cache

VARIABLE = "SWEEP_KILL_AT_STEP"

_count = itertools.count(1)


@cache  # a trial passes a dozen points; at the first of them, for the process may be forked after the import
def _wanted() -> str | None:
    return os.environ.get(VARIABLE)


def step(name: str) -> None:
    """Pass the point `name`, or die there where a test has asked for it."""
    wanted = _wanted()
    if wanted is not None and wanted in (name, str(next(_count))):
        print(f"killed at step {wanted}: {name}", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
