"""`python -m sweep.worker.warm FOLDER`: does ahead what FOLDER's run begins with, then forks a child per run.

It never trains. A child is forked only where this process is proven to hold nothing that children would share but
memory that is copied on write: `shared_things` says what there is otherwise, and then the driver does without.
"""

import atexit
import gc
import os
import sys
import weakref
from pathlib import Path

from sweep.rundir import RunDir
from sweep.worker.ahead import WHY_CHARS, Line, RunMark, load_ahead, preamble, run_and_exit
from sweep.worker.entry import end_process
from sweep.worker.pages import collapse_pages

HARMLESS_DEVICES = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})


def main(arguments: list[str]) -> None:
    """Load, say whether runs may be forked from here, and fork them until the driver is gone."""
    line, mark = Line(), RunMark()
    before = open_files()
    failure = load_ahead(RunDir(Path(arguments[0])))
    gc.collect()
    gc.freeze()  # a child's garbage collector would write to, and so copy, every object it looks at
    shared = [] if failure else shared_things(before)
    state = "failed" if failure else "unsafe" if shared else "ready"
    printed = preamble()
    try:
        line.say(state=state, why=failure or "; ".join(shared)[:WHY_CHARS])
        improving = collapse_pages() if state == "ready" else iter(())
        while state == "ready":
            while not line.has_message() and next(improving, "done") is None:
                pass  # nothing is asked for: a good time
            told = line.listen()
            if told is None:
                break
            message, descriptors = told
            if "run" in message:
                fork_run(line, mark, Path(message["run"]), descriptors[0], printed)
            else:
                line.say(code=os.waitstatus_to_exitcode(os.waitpid(message["collect"], 0)[1]))
    except OSError:
        return  # the driver is gone; the children have sessions of their own and go on


def fork_run(line: Line, mark: RunMark, folder: Path, log: int, printed: bytes) -> None:
    """Fork the run of `folder`; the child itself tells the driver of it, and only then begins."""
    try:
        pid = os.fork()
    except OSError as error:
        os.close(log)
        line.say(error=f"cannot fork: {error}")
        return
    if pid:
        os.close(log)
        return
    try:
        os.setsid()
        mark.set(folder)
        line.say(pid=os.getpid())
        line.close()
        drop_exit_functions()
    except BaseException:  # nobody knows of this child: it is not to be
        os._exit(1)
    run_and_exit(folder, log, printed)


def drop_exit_functions() -> None:
    """Forget what was registered to be done at exit: the parent will do it, once, and no child may do it to all.

    (A temporary folder made by the task's module would be removed by the first run that ends.) What the run itself
    registers is done.
    """
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    multiprocessing = sys.modules.get("multiprocessing.util")
    if multiprocessing is not None:  # it knows by the pid what is its own
        atexit.register(multiprocessing._exit_function)


def has_children() -> bool:
    """Return whether runs go on that were forked from here."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def shared_things(before: dict[int, str]) -> list[str]:
    """Return in words what this process holds that a forked child would share or lose; `before` are its first files."""
    # Libraries that know of forks (OpenBLAS) end their threads before one and start them again when they need them.
    probe = os.fork()
    if probe == 0:
        os._exit(0)
    os.waitpid(probe, 0)
    threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    found = [f"has {threads} threads"] if threads > 1 else []
    now = open_files()
    found += [f"holds {now[fd]} open" for fd in sorted(now) if now[fd] != before.get(fd)]
    for mapping in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        words = mapping.split(maxsplit=5)
        if words[1][1] == "w" and words[1][3] == "s":
            found.append(f"shares memory ({words[5] if len(words) > 5 else 'anonymous'})")
    return found


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
    if has_children():  # the driver has died: what they still need is not tidied up
        os._exit(0)
    end_process(0)
