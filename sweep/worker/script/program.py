"""Makes this process what `python SCRIPT ARGS` would be. Does not need Paddle."""

import builtins
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NoReturn

from sweep.rundir.paths import PYTHONPATH_VARIABLE
from sweep.worker.on_import import on_import

THREAD_POLL_S = 0.05
DRAWS_NOWHERE = "Agg"
"""The backend of matplotlib that opens no window."""

_before: list[ModuleType] = []  # a `__main__` module that was replaced; its functions are still running


def prepare_process(script: Path, env: Mapping[str, object]) -> None:
    """Set the module search path and the environment, before anything of the program or Paddle is imported.

    `env` is the task's own environment. Calling it again for the same script changes nothing.
    """
    os.environ.update({"MPLBACKEND": DRAWS_NOWHERE, **{name: str(value) for name, value in env.items()}})
    on_import("matplotlib", _draw_nowhere)
    sys.dont_write_bytecode = True  # the program's folder stays as it is
    sys.path[:] = search_path(script, sys.path, os.environ.get(PYTHONPATH_VARIABLE))
    builtins.input = _no_input


def search_path(script: Path, present: Sequence[str], inherited: str | None) -> list[str]:
    """Return `sys.path` as the script finds it by hand: its folder, PYTHONPATH as `inherited`, what is installed.

    What only the worker was given (entries of its PYTHONPATH, the current folder) goes to the end, where it hides
    nothing. With `inherited` None that is not known, and only the script's folder is put first.
    """
    first = os.path.dirname(os.path.realpath(script))  # noqa: PTH120 - as Python itself does
    if inherited is None:
        return [first, *(entry for entry in present if entry != first)]
    own = [os.path.abspath(entry) for entry in inherited.split(os.pathsep) if entry]  # noqa: PTH100
    given = {os.path.abspath(entry) for entry in (os.environ.get("PYTHONPATH", "")).split(os.pathsep) if entry}  # noqa: PTH100
    given |= {os.getcwd(), ""}  # noqa: PTH109
    rest = [entry for entry in present if entry not in {first, *own}]
    return [first, *own, *(e for e in rest if e not in given), *(e for e in rest if e in given and e)]


def become_main(script: Path, typed: str, args: Sequence[object]) -> ModuleType:
    """Make a new `__main__` module for the script and set `sys.argv`. `typed` is the script as the user named it."""
    sys.argv = [typed, *(str(word) for word in args)]
    main = ModuleType("__main__")
    vars(main).update(
        __file__=str(script),
        __cached__=None,
        __loader__=SourceFileLoader("__main__", str(script)),
        __builtins__=builtins,
        __annotations__={},
    )
    _before.append(sys.modules["__main__"])
    sys.modules["__main__"] = main
    return main


def run_main(code: CodeType, main: ModuleType, is_over: Callable[[], bool]) -> None:
    """Execute the script, and wait for its threads as Python does at the end. Raises whatever it raises.

    `is_over` returns whether the run has been decided: then nothing is waited for.
    """
    try:
        exec(code, vars(main))
    finally:
        while not is_over() and (alive := _own_threads()):
            alive[0].join(THREAD_POLL_S)


def _own_threads() -> list[threading.Thread]:
    me = threading.current_thread()
    return [thread for thread in threading.enumerate() if thread is not me and not thread.daemon]


def restore_environment() -> None:
    """Give the program the environment of the user, for the processes that it starts."""
    inherited = os.environ.pop(PYTHONPATH_VARIABLE, None)
    if inherited:
        os.environ["PYTHONPATH"] = inherited
    elif inherited is not None:
        os.environ.pop("PYTHONPATH", None)


def _no_input(prompt: object = "", /) -> NoReturn:
    raise EOFError(f"the program asks for input ({str(prompt)!r}), and a trial has none: give it as an argument")


def _draw_nowhere(matplotlib: Any) -> None:
    """Keep the backend that draws nowhere, whatever the program chooses."""
    matplotlib.use = lambda *args, **kwargs: None  # noqa: ARG005 - its signature
