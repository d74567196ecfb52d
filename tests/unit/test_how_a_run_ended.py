"""How a run ended, in words."""

import pytest

from sweep.domain.failure import ending_text
from sweep.domain.states import FailureClass


@pytest.mark.parametrize(
    ("kind", "message", "text"),
    [
        (FailureClass.KILLED, "killed by SIGSEGV", "killed by SIGSEGV"),
        (FailureClass.CRASH, "KeyError: 'x'", "crash: KeyError: 'x'"),
        (FailureClass.INFRA, "its files could not be written", "machine failure: its files could not be written"),
        (FailureClass.TIMEOUT, None, "timeout"),
        ("", "only words", "only words"),
        ("", None, ""),
    ],
)
def test_each_thing_is_named_once(kind, message, text):
    assert ending_text(str(kind), message) == text
