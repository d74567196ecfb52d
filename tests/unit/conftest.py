"""Temporary folders of unit tests are in memory where there is room: waiting for a disk took a third of their time."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 256 << 20
"""Free memory there for two processes of unit tests; a container often has 64 MiB in all, and uses the disk."""


@pytest.fixture(scope="session")
def folders(request: pytest.FixtureRequest) -> Iterator[Path | None]:
    """Return a folder in memory, None if there is little room or `--basetemp` says where the folders are to be kept."""
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
    if request.config.option.basetemp is not None or not has_room:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="sweep-unit-", dir=MEMORY) as made:
        yield Path(made)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, folders: Path | None) -> Iterator[Path]:
    """An empty folder, deleted after the test."""
    if folders is None:
        yield request.getfixturevalue("tmp_path_factory").mktemp("unit")
        return
    with tempfile.TemporaryDirectory(dir=folders, ignore_cleanup_errors=True) as made:
        yield Path(made)
