"""A user's folder, and the real command run in it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "project"
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Folder:
    """Where a user works, with the command at hand."""

    path: Path

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "120", "OMP_NUM_THREADS": "1"}

    def sweep(self, *arguments: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        """Run `python -m sweep ARGUMENTS` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "sweep", *arguments],
            cwd=self.path,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `python -m sweep ARGUMENTS` and return at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "sweep", *arguments],
            cwd=self.path,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def mine(self, *arguments: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a study of the user's own task."""
        return self.sweep("--config-dir", "my_conf", "task=mine", *arguments, timeout_s=timeout_s)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    shutil.copytree(PROJECT, tmp_path / "my project")
    return Folder(tmp_path / "my project")
