"""The program's line behind a call, whatever stands between it and the call."""

from pathlib import Path

import pytest

from sweep.worker import callsite
from sweep.worker.callsite import CallSites

HERE = Path(__file__)
OURS = Path(callsite.__file__).parent


def called_through(file, sites):
    """Return the line found if a function of `file` asks for it."""
    names = {}
    exec(compile("def ask(sites):\n    return sites.here()\n", str(file), "exec"), names)
    return names["ask"](sites)


@pytest.mark.parametrize(
    "file",
    [
        OURS / "script" / "losses.py",  # a script in the folder of a checkout of sweep, as in the README
        HERE.parent / ".venv" / "lib" / "site-packages" / "paddle" / "nn.py",
        HERE.parent / ".venv" / "lib" / "python3" / "dist-packages" / "paddle" / "nn.py",
        Path("/elsewhere/module.py"),
    ],
)
def test_files_that_are_not_the_programs_are_passed_over(file):
    sites = CallSites(OURS.parents[1])
    place = called_through(file, sites)
    assert place is not None
    assert place.startswith("tests/unit/test_call_sites.py:")


def test_a_file_of_the_program_is_named_from_its_folder():
    assert called_through(HERE.parent / "models" / "net.py", CallSites(HERE.parent)) == "models/net.py:2"
