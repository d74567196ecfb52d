"""`python -m sweep.worker RUN_DIR`: one run of one trial. The folder is the only argument."""

import sys
from pathlib import Path

from sweep.rundir import RunDir
from sweep.worker.entry import run_trial
from sweep.worker.process_exit import exit_process


def main(arguments: list[str]) -> int:
    """Run the trial of the named folder and return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m sweep.worker RUN_DIR", file=sys.stderr)
        return 2
    return run_trial(RunDir(Path(arguments[0])))


if __name__ == "__main__":
    exit_process(main(sys.argv[1:]))
