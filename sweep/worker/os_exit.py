"""A program that ends its process by `os._exit` leaves a result all the same."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn


@contextmanager
def os_exit_reported(report: Callable[[int], object]) -> Iterator[None]:
    """Inside the block, `os._exit(code)` of this process calls `report(code)` first; its forks exit as ever."""
    pid, exit_now = os.getpid(), os._exit

    def _exit(status: int) -> NoReturn:
        os._exit = exit_now
        if os.getpid() == pid:
            with suppress(BaseException):
                report(status)
        exit_now(status)

    os._exit = _exit
    try:
        yield
    finally:
        os._exit = exit_now
