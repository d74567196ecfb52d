"""`python -m sweep.worker.warm FOLDER`: imports and prepares the task of FOLDER's run, then forks a child per run.

It trains nothing but one step of a tiny network (first_step). It forks only after checking that children would share
nothing with it but copy-on-write memory. Otherwise `fork_hazards` lists what they would share, and the orchestrator
starts runs in another way.
"""

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from sweep.worker.first_step import take_first_step
from sweep.worker.fork_server import ForkServer
from sweep.worker.held import number_of_threads, open_files
from sweep.worker.preforked import WHY_CHARS, Channel, EnvironTag, import_output, preload_task
from sweep.worker.process_exit import exit_process


def main(arguments: list[str]) -> None:
    """Import the task, report whether runs can be forked safely, and fork them until the orchestrator is gone."""
    channel, tag = Channel.from_stdin(), EnvironTag()
    before = open_files()
    failure = preload_task(arguments[0], is_parent=True)
    without_step = None if failure else take_first_step()
    gc.collect()
    gc.freeze()  # otherwise a child's garbage collector would write to every object, and so copy its page
    hazards = [] if failure else fork_hazards(before)
    state = "failed" if failure else "unsafe" if hazards else "ready"
    theirs, ours = Channel.pair()
    server = ForkServer(channel, ours, tag, import_output())
    with suppress(OSError):  # the orchestrator is gone
        with theirs:
            why = failure or "; ".join(hazards)[:WHY_CHARS]
            channel.send(state=state, why=why, without_step=without_step, descriptor=theirs.fileno())
        if state == "ready":
            server.serve()
    if server.has_runs():  # they continue in their own sessions: exit handlers must not remove what they need
        os._exit(0)


def reap_children() -> bool:
    """Reap the dead children of this process; return whether any is alive."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def fork_hazards(before: dict[int, str]) -> list[str]:
    """Return what this process holds that a forked child would share or lose, as phrases.

    `before` are the files that were open before the task was imported.
    """
    if signal.getsignal(signal.SIGCHLD) is not signal.SIG_DFL:  # a handler may reap any child
        return ["ignores or handles SIGCHLD, so the exit code of a child would be lost"]
    # Libraries with fork handlers (OpenBLAS) end their threads before a fork and start them again when needed.
    first = os.fork()
    if first == 0:
        os._exit(0)
    os.waitpid(first, 0)
    threads = number_of_threads()
    found = [f"has {threads} threads"] if threads > 1 else []
    if reap_children():
        found.append("has started a process that is still running")
    now = open_files()
    found += [f"holds {now[fd]} open" for fd in sorted(now) if now[fd] != before.get(fd)]
    for mapping in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        words = mapping.split(maxsplit=5)
        if words[1][1] == "w" and words[1][3] == "s":
            found.append(f"shares memory ({words[5] if len(words) > 5 else 'anonymous'})")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
    exit_process(0)
