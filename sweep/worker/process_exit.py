"""The end of a run's process: what Python's own end would do, but not what is its parent's, nor waiting for ever."""

import atexit
import ctypes
import faulthandler
import gc
import io
import os
import sys
import weakref
from contextlib import suppress
from typing import Any, NoReturn

EXIT_S = 30.0
"""What a task leaves for its exit may go on for so long: a trial that is over must not keep its slot."""

_flush_c = ctypes.CDLL(None).fflush  # found ahead: each forked run would take .4 ms to find it
_FILES = frozenset({io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom})

OF_EACH_PROCESS = (
    ("logging", "shutdown"),
    ("paddle.base.multiprocess_utils", "_cleanup"),
    ("multiprocessing.util", "_exit_function"),
    ("paddle.io.multiprocess_utils", "_cleanup"),
    ("paddle.io.dataloader.dataloader_iter", "_clear_loader"),
)
"""What libraries do at exit to what the process itself has made, as they register it: the last one comes first.

Without Paddle's, the batches of a data loader stay in /dev/shm. What it does there to free memory takes 15 ms, and is
left to the end of the process.
"""


def exit_process(code: int) -> NoReturn:
    """End this process, whose result is on disk. Never returns.

    A thread that the task left behind must not keep the slot, and a library that dies while it is torn down must not
    make a finished trial look like a crash: so no further than what asked to be run at exit and what was printed. Where
    that does not come to an end, the log says where it was.
    """
    try:
        with suppress(RuntimeError):  # no thread can be started
            faulthandler.dump_traceback_later(EXIT_S, exit=True, file=2)
        flush_output()
        end_pools()
        atexit._run_exitfuncs()
        flush_output(*unclosed_files())
    finally:
        os._exit(code)


def exit_if_forked(pid: int, code: int) -> None:
    """End this process where it is not the one of this pid: the task has forked it, and it has come out of its code.

    It is no run, and what the run wants done at exit is not its business.
    """
    if os.getpid() != pid:
        flush_output()
        os._exit(code)


def drop_exit_handlers() -> None:
    """Forget what was registered to be done at exit: the parent will do it, once, and no child may do it to all.

    (A temporary folder made by the task's module would be removed by the first run that ends.) What the run itself
    registers is done, and so is what libraries have registered to tidy up after whichever process calls it.
    """
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    for module, name in OF_EACH_PROCESS:
        if function := getattr(sys.modules.get(module), name, None):
            atexit.register(function)


def end_pools() -> None:
    """Let pools of processes end theirs, as Python's own end does: multiprocessing waits for these at exit.

    Pools of threads are not asked: they would wait for whatever theirs do.
    """
    if threads := sys.modules.get("concurrent.futures.thread"):
        threads._threads_queues.clear()
    if threading := sys.modules.get("threading"):
        for end in reversed(threading._threading_atexits):  # of concurrent.futures, joblib
            with suppress(Exception):
                end()


def flush_output(*files: Any) -> None:
    """Write out what standard output and error, Python's and C's, and other files still hold.

    The task may have made of `sys.stdout` what it likes; its `flush` may be missing, or do nothing.
    """
    for file in (*files, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):  # closed, on a full disk, or no file at all
            file.flush()
    _flush_c(None)


def unclosed_files() -> list[Any]:
    """Return the files that nobody will close any more: they live on in a global, or in a cycle."""
    return [found for found in gc.get_objects() if type(found) in _FILES]
