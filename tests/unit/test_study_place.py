"""A study refuses a folder that cannot be made, and names the key."""

from pathlib import Path

import pytest

from sweep.errors import ConfigError
from sweep.rundir import StudyDir
from sweep.study.opening import locked_folder


def test_a_folder_that_cannot_be_made_names_the_key_and_the_place():
    place = locked_folder(StudyDir(Path("/proc/nowhere"), "s"), "sqlite:///results/sweep.db")
    with pytest.raises(ConfigError, match=r"results: the folder cannot be written .*/proc/nowhere"):
        place.__enter__()
