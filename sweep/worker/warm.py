"""`python -m sweep.worker.warm FOLDER`: does ahead what FOLDER's run begins with, then forks a child per run.

It never trains. A child is forked only where this process is proven to hold nothing that children would share but
memory that is copied on write: `shared_things` says what there is otherwise, and then the driver does without.
"""

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from sweep.worker.fork_server import ForkServer
from sweep.worker.preforked import WHY_CHARS, Channel, EnvironTag, import_output, preload_task
from sweep.worker.process_exit import exit_process

HARMLESS_DEVICES = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
# jemalloc's own, which comes with pyarrow and so with many an import of pandas and scikit-learn: its fork handlers hold
# its locks around a fork and have a child begin without it (background_thread_prefork, _postfork_child).
HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})


def main(arguments: list[str]) -> None:
    """Load, say whether runs may be forked from here, and fork them until the driver is gone."""
    channel, tag = Channel.from_stdin(), EnvironTag()
    before = open_files()
    failure = preload_task(arguments[0])
    gc.collect()
    gc.freeze()  # a child's garbage collector would write to, and so copy, every object it looks at
    shared = [] if failure else shared_things(before)
    state = "failed" if failure else "unsafe" if shared else "ready"
    theirs, ours = Channel.pair()
    server = ForkServer(channel, ours, tag, import_output())
    with suppress(OSError):  # the driver is gone
        with theirs:
            channel.send(state=state, why=failure or "; ".join(shared)[:WHY_CHARS], descriptor=theirs.fileno())
        if state == "ready":
            server.serve()
    if server.has_runs():  # they have sessions of their own and go on: what they still need is not tidied up
        os._exit(0)


def reap_children() -> bool:
    """Reap the dead children of this process; return whether any lives."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def shared_things(before: dict[int, str]) -> list[str]:
    """Return in words what this process holds that a forked child would share or lose; `before` are its first files."""
    if signal.getsignal(signal.SIGCHLD) is not signal.SIG_DFL:  # a handler may reap whatever has ended
        return ["ignores or handles SIGCHLD: nobody would know how a child has ended"]
    # Libraries that know of forks (OpenBLAS) end their threads before one and start them again when they need them.
    probe = os.fork()
    if probe == 0:
        os._exit(0)
    os.waitpid(probe, 0)
    threads = sum(name not in HARMLESS_THREADS for name in thread_names())
    found = [f"has {threads} threads"] if threads > 1 else []
    if reap_children():
        found.append("has started a process that goes on")
    now = open_files()
    found += [f"holds {now[fd]} open" for fd in sorted(now) if now[fd] != before.get(fd)]
    for mapping in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        words = mapping.split(maxsplit=5)
        if words[1][1] == "w" and words[1][3] == "s":
            found.append(f"shares memory ({words[5] if len(words) > 5 else 'anonymous'})")
    return found


def thread_names() -> list[str]:
    """Return the name of each thread of this process."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it has ended meanwhile
            names.append((task / "comm").read_text(errors="replace").strip())
    return names


def open_files() -> dict[int, str]:
    """Return what the descriptors of this process refer to, but for devices that have no state."""
    files = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:  # the one that listed them
            continue
        if target not in HARMLESS_DEVICES:
            files[int(entry.name)] = target
    return files


if __name__ == "__main__":
    main(sys.argv[1:])
    exit_process(0)
