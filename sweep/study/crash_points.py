"""Named points between the side effects of a study. A test kills the orchestrator at one of them; else they do nothing.

With SWEEP_KILL_AT_STEP=N in its environment, the orchestrator kills itself with SIGKILL at the Nth point it reaches,
counted from 1, so that a test can increase N until a study finishes. With SWEEP_KILL_AT_STEP=NAME it does so at the
first point of that name.
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
    "run of an earlier session recovered", "trial requeued", "proposal enrolled", "stage ended",
    "pause recorded", "continuation recorded",
]  # fmt: skip
"""All points; the tests kill the orchestrator at each."""

_count = itertools.count(1)


@cache  # a trial passes a dozen points; read at the first, not at import, because the process may be forked after it
def _wanted() -> str | None:
    return os.environ.get(VARIABLE)


def step(name: StepName) -> None:
    """Pass the point `name`, or die there if a test has asked for it."""
    wanted = _wanted()
    if wanted is not None and wanted in (name, str(next(_count))):
        print(f"killed at step {wanted}: {name}", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
