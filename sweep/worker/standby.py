"""`python -m sweep.worker.standby FOLDER`: does ahead what FOLDER's run begins with, then waits to become a run."""

import os
import sys
from pathlib import Path

from sweep.rundir import RUN_VARIABLE
from sweep.worker.ahead import Line, RunMark, load_ahead, preamble, run_and_exit
from sweep.worker.leaving import end_process


def main(arguments: list[str]) -> None:
    """Wait for a run and become it; end with the driver."""
    line, mark = Line.of_stdin(), RunMark()
    environment = dict(os.environ)
    failure = load_ahead(arguments[0])
    try:
        line.say(state="failed" if failure else "ready", why=failure or "")
    except OSError:
        return
    told = line.listen()
    if told is None:
        return
    message, [log] = told
    folder = Path(message["run"])
    mark.set(folder)
    try:
        line.say(pid=os.getpid())  # fails where the driver is gone: then nobody knows of this run, and it is not to be
    except OSError:
        return
    line.close()
    if failure is None:
        run_and_exit(folder, log, preamble())
    # What failed ahead is to fail in the run's own words: begin anew, as a process started for it.
    for stream in (1, 2):
        os.dup2(log, stream)
    environment[RUN_VARIABLE] = str(folder)
    os.execve(sys.executable, [sys.executable, "-m", "sweep.worker", str(folder)], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
    end_process(0)
