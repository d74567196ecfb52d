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
from typing import Literal

VARIABLE = "SWEEP_KILL_AT_STEP"

StepName = Literal[
    "study locked", "study recorded", "trials enrolled", "plan written", "intent recorded", "folder renewed",
    "spec written", "process started", "process recorded", "events ingested", "run ended", "end recorded",
    "driver told", "loop ended", "curves written", "status recorded", "reports written", "summary saved",
    "run of an earlier session recovered", "trial taken up again", "proposal enrolled", "stage ended",
    "pause recorded", "continuation recorded",
]  # fmt: skip
"""Every point there is; the tests kill the orchestrator at each."""

_count = itertools.count(1)


@cache  # a trial passes a dozen points; at the first of them, for the process may be forked after the import
def _wanted() -> str | None:
    return os.environ.get(VARIABLE)


def step(name: StepName) -> None:
    """Pass the point `name`, or die there where a test has asked for it."""
    wanted = _wanted()
    if wanted is not None and wanted in (name, str(next(_count))):
        print(f"killed at step {wanted}: {name}", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
