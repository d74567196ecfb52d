"""Ends a run's process: what Python does at exit, but without the parent's exit handlers and with a time limit."""

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
"""Time limit (s) of the exit handlers that a task registers: a finished trial must not keep its slot."""

_flush_c = ctypes.CDLL(None).fflush  # looked up on import, or each forked run would spend 0.4 ms on it
_FILES = frozenset({io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom})

PER_PROCESS_HANDLERS = (
    ("logging", "shutdown"),
    ("paddle.base.multiprocess_utils", "_cleanup"),
    ("multiprocessing.util", "_exit_function"),
    ("paddle.io.multiprocess_utils", "_cleanup"),
    ("paddle.io.dataloader.dataloader_iter", "_clear_loader"),
)
"""Exit handlers of libraries that clean up what the calling process itself has made. They run last to first.

Without Paddle's handlers, batches of a data loader stay in /dev/shm. Paddle's handler that frees memory is not listed:
it takes 15 ms, and the kernel frees the memory anyway.
"""


def exit_process(code: int) -> NoReturn:
    """End this process, whose result is on disk. Never returns.

    Only exit handlers are run and output is flushed. Threads that the task left are not waited for, as they would keep
    the slot, and the interpreter is not torn down: a library that crashes there would make a finished trial look like
    a crash. If this takes longer than EXIT_S, a traceback in the log shows where it hangs.
    """
    try:
        with suppress(RuntimeError):  # a new thread cannot be started
            faulthandler.dump_traceback_later(EXIT_S, exit=True, file=2)
        flush_output()
        shut_down_pools()
        atexit._run_exitfuncs()
        flush_output(*open_files())
    finally:
        os._exit(code)


def exit_if_forked(pid: int, code: int) -> None:
    """Exit if this process is not the run, whose pid is `pid`: the task forked it, and it has returned from the task.

    It has no result to write, and the run's exit handlers must not run in it.
    """
    if os.getpid() != pid:
        flush_output()
        os._exit(code)


def drop_exit_handlers() -> None:
    """Drop the exit handlers inherited from the parent. The parent runs them once; a child must not.

    (A temporary folder that the task's module made on import would be removed by the first run that ends.) Handlers
    that the run registers later still run, and so do those in PER_PROCESS_HANDLERS.
    """
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    for module, name in PER_PROCESS_HANDLERS:
        if function := getattr(sys.modules.get(module), name, None):
            atexit.register(function)


def shut_down_pools() -> None:
    """Shut down process pools, as Python does at exit: multiprocessing's exit handler waits for their processes.

    Thread pools are skipped: they would wait for whatever their threads are doing.
    """
    if threads := sys.modules.get("concurrent.futures.thread"):
        threads._threads_queues.clear()
    if threading := sys.modules.get("threading"):
        for end in reversed(threading._threading_atexits):  # registered by concurrent.futures, joblib
            with suppress(Exception):
                end()


def flush_output(*files: Any) -> None:
    """Flush standard output and error, those of Python and of C, and other files.

    The task may have replaced `sys.stdout`; its `flush` may be missing, or do nothing.
    """
    for file in (*files, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):  # closed, on a full disk, or not a file
            file.flush()
    _flush_c(None)


def open_files() -> list[Any]:
    """Return the files that are still open, held by a global or a reference cycle."""
    return [found for found in gc.get_objects() if type(found) in _FILES]
