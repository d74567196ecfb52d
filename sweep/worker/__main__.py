"""`python -m sweep.worker RUN_DIR`: one run of one trial. The folder is the only argument."""

import atexit
import os
import sys
from pathlib import Path

from sweep.rundir import RunDir
from sweep.worker.entry import run_trial


def main(arguments: list[str]) -> int:
    """Run the trial of the named folder and return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m sweep.worker RUN_DIR", file=sys.stderr)
        return 2
    return run_trial(RunDir(Path(arguments[0])))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # The result is on disk. A thread that the task left behind must not keep the slot, and a library that dies while
    # it is torn down must not make a finished trial look like a crash: so no further than what asked to be run at exit.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
