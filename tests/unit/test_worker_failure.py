"""How an exception of a task is told."""

import errno

import pytest

from sweep.domain.states import FailureClass
from sweep.worker.failure import describe_failure


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("x"), FailureClass.CRASH),
        (KeyboardInterrupt(), FailureClass.CRASH),
        (SystemExit(3), FailureClass.CRASH),
        (FileNotFoundError(errno.ENOENT, "no data"), FailureClass.CRASH),
        (MemoryError(), FailureClass.OOM),
        (RuntimeError("ResourceExhaustedError: \n\nOut of memory error on GPU 0."), FailureClass.OOM),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), FailureClass.OOM),
        (OSError(errno.ENOSPC, "No space left on device"), FailureClass.INFRA),
        (OSError(errno.EROFS, "Read-only file system"), FailureClass.INFRA),
    ],
)
def test_an_exception_has_the_class_that_decides_about_a_retry(error: BaseException, expected: FailureClass) -> None:
    assert describe_failure(raised(error))["class"] == expected


def test_the_message_is_one_line_and_the_traceback_is_whole() -> None:
    told = describe_failure(raised(ValueError("\nfirst\nsecond")))
    assert told["message"] == "ValueError: first"
    assert told["type"] == "ValueError"
    assert "second" in told["traceback"]
    assert "raise error" in told["traceback"]


def test_a_very_long_message_is_cut() -> None:
    told = describe_failure(raised(ValueError("x" * 10**6)))
    assert len(told["message"]) == 500
    assert len(told["traceback"]) == 20_000


@pytest.mark.parametrize("name", ["paddle", "paddle.nn"])
def test_missing_paddle_names_the_extra_to_install(name: str) -> None:
    told = describe_failure(raised(ModuleNotFoundError(f"No module named {name!r}", name=name)))
    assert told["type"] == "MissingPaddleError"
    assert 'pip install "paddle-sweep[cpu]"' in told["message"]


def test_another_missing_module_is_told_as_it_is() -> None:
    told = describe_failure(raised(ModuleNotFoundError("No module named 'paddlex'", name="paddlex")))
    assert told["message"] == "ModuleNotFoundError: No module named 'paddlex'"
