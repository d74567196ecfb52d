"""`python -m sweep.worker.warm FOLDER`: does ahead what FOLDER's run begins with, then forks a child per run.

It never trains. A child is forked only where this process is proven to hold nothing that children would share but
memory that is copied on write: `shared_things` says what there is otherwise, and then the driver does without.
"""

import atexit
import gc
import os
import select
import sys
import weakref
from pathlib import Path
from typing import NoReturn

from sweep.clock import process_started_at
from sweep.worker.ahead import WHY_CHARS, Line, RunMark, load_ahead, preamble, run_and_exit
from sweep.worker.entry import end_process
from sweep.worker.pages import collapse_pages

SPARES = 2
"""Children that wait for a run: the next run starts at once while another child is forked beside it."""
IMPROVE_AFTER_S = 0.005

HARMLESS_DEVICES = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})


def main(arguments: list[str]) -> None:
    """Load, say whether runs may be forked from here, and fork them until the driver is gone."""
    line, mark = Line.of_stdin(), RunMark()
    before = open_files()
    failure = load_ahead(arguments[0])
    gc.collect()
    gc.freeze()  # a child's garbage collector would write to, and so copy, every object it looks at
    shared = [] if failure else shared_things(before)
    state = "failed" if failure else "unsafe" if shared else "ready"
    theirs, ours = Line.pair()
    try:
        with theirs:
            line.say(state=state, why=failure or "; ".join(shared)[:WHY_CHARS], descriptor=theirs.fileno())
        if state == "ready":
            Nursery(line, ours, mark, preamble()).serve()
    except OSError:
        return  # the driver is gone; the runs have sessions of their own and go on


class Nursery:
    """Forks children ahead of the runs: one waits on the line that all share and becomes the run that it is told.

    A spare child holds one end of a pipe and writes to it when it has a run: one that closes it without has died.
    """

    def __init__(self, line: Line, runs: Line, mark: RunMark, printed: bytes) -> None:
        self._line, self._runs, self._mark, self._printed = line, runs, mark, printed
        self._spares: dict[int, int] = {}  # pid by our end of the pipe

    def serve(self) -> None:
        """Go on until the driver is gone. Raises OSError where it goes just then."""
        improving = collapse_pages()
        has_improved = False
        while True:
            # Nothing is asked for: a good time. Spares come later, or they would keep the pages as they were.
            while not has_improved and not self._ready([self._line.fileno(), self._runs.fileno()], 0.0):
                has_improved = next(improving, "done") is not None
            problem = self._fork_spares(SPARES if has_improved else 1)
            watched = [self._line.fileno(), *(self._spares or [self._runs.fileno()])]
            for descriptor in self._ready(watched, None if has_improved else IMPROVE_AFTER_S):
                if descriptor in self._spares:
                    self._note_taken(descriptor)
                elif descriptor == self._runs.fileno():
                    self._refuse(problem)
                elif not self._collect():
                    self._send_away()
                    return

    def _fork_spares(self, count: int) -> str:
        """Have so many children waiting; return what stands in the way, empty where nothing does."""
        while len(self._spares) < count:
            ours, theirs = os.pipe()
            try:
                pid = os.fork()
            except OSError as error:
                os.close(ours)
                os.close(theirs)
                return f"cannot fork: {error}"
            if pid == 0:
                os.close(ours)
                self._wait_for_run(theirs)
            os.close(theirs)
            self._spares[ours] = pid
        return ""

    def _wait_for_run(self, pipe: int) -> NoReturn:
        """Be a spare child: wait for a run and become it; end with the driver."""
        try:
            os.setsid()
            self._line.close()
            for descriptor in self._spares:
                os.close(descriptor)
            drop_exit_functions()
            started_at = process_started_at(os.getpid())
            told = self._runs.listen()
            if told is None:
                os._exit(0)
            message, [log] = told
            folder = Path(message["run"])
            self._mark.set(folder)
            os.write(pipe, b"!")
            os.close(pipe)
            # Fails where the driver is gone: then nobody knows of this run.
            self._runs.say(pid=os.getpid(), started_at=started_at)
            self._runs.close()
        except BaseException:
            os._exit(1)
        run_and_exit(folder, log, self._printed)

    def _note_taken(self, descriptor: int) -> None:
        """Forget a spare child that has a run now, or has died."""
        pid = self._spares.pop(descriptor)
        has_run = bool(os.read(descriptor, 1))
        os.close(descriptor)
        if not has_run:
            os.waitpid(pid, 0)

    def _refuse(self, problem: str) -> None:
        """Answer for the children that there are not."""
        if problem and (told := self._runs.listen()) is not None:
            os.close(told[1][0])
            self._runs.say(error=problem)

    def _collect(self) -> bool:
        """Reap the run that the driver names; return False where there is no driver."""
        told = self._line.listen()
        if told is None:
            return False
        self._line.say(code=os.waitstatus_to_exitcode(os.waitpid(told[0]["collect"], 0)[1]))
        return True

    def _send_away(self) -> None:
        """See the spare children end: the driver's end of their line is closed."""
        self._runs.close()
        for descriptor in list(self._spares):
            self._note_taken(descriptor)

    def _ready(self, descriptors: list[int], wait_s: float | None) -> list[int]:
        return select.select(descriptors, [], [], wait_s)[0]


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
