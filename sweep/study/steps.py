"""Named points between the outside effects of a study. A test kills the driver at one of them; else they do nothing.

With SWEEP_KILL_AT_STEP=N in its environment the driver kills itself with SIGKILL at the Nth point it comes to,
counted from 1, so that a test can walk N until a study comes to its end; with SWEEP_KILL_AT_STEP=NAME at the first
point of that name.
"""

import itertools
import os
import signal
import sys

VARIABLE = "SWEEP_KILL_AT_STEP"

_WANTED = os.environ.get(VARIABLE)  # once: a trial passes a dozen points
_count = itertools.count(1)


def step(name: str) -> None:
    """Pass the point `name`, or die there where a test has asked for it."""
    if _WANTED is not None and _WANTED in (name, str(next(_count))):
        print(f"killed at step {_WANTED}: {name}", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
