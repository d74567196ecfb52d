"""`python -m sweep.worker.standby FOLDER`: imports and prepares the task of FOLDER's run, then becomes one run."""

import os
import sys
from pathlib import Path

from sweep.rundir import RUN_VARIABLE
from sweep.worker.preforked import Channel, EnvironTag, import_output, preload_task, run_and_exit
from sweep.worker.process_exit import exit_process


def main(arguments: list[str]) -> None:
    """Wait for a run and become it; return if the orchestrator is gone."""
    channel, tag = Channel.from_stdin(), EnvironTag()
    environment = dict(os.environ)
    failure = preload_task(arguments[0])
    try:
        channel.send(state="failed" if failure else "ready", why=failure or "")
    except OSError:
        return
    request = channel.receive()
    if request is None:
        return
    message, [log] = request
    folder = Path(message["run"])
    tag.set(folder)
    try:
        channel.send(pid=os.getpid())  # fails if the orchestrator is gone: it would not know of this run
    except OSError:
        return
    channel.close()
    if failure is None:
        run_and_exit(folder, log, import_output())
    # The run must fail with its own error: start over in this process, as in a cold start.
    for stream in (1, 2):
        os.dup2(log, stream)
    environment[RUN_VARIABLE] = str(folder)
    os.execve(sys.executable, [sys.executable, "-m", "sweep.worker", str(folder)], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
    exit_process(0)
