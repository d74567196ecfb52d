"""What a study's results were made with: code version, packages, host, devices."""

import platform
import socket
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from sweep.launch.gpus import NvmlInventory
from sweep.launch.leases import CPU

PACKAGES = (
    "paddle-sweep",
    "paddlepaddle",
    "paddlepaddle-gpu",
    "hydra-core",
    "omegaconf",
    "optuna",
    "sqlalchemy",
    "psycopg",
    "numpy",
    "scipy",
    "scikit-learn",
    "visualdl",
)


def collect_provenance(*, folder: Path, seeds: Iterable[int], devices: Iterable[str] = ()) -> dict[str, object]:
    """Return the `provenance` section of summary.json: git state of `folder`, packages, host, seeds.

    `devices` are those that runs have used, or may use, as the launcher names them; `gpus` in the section are their
    models.
    """
    sha = _git(folder, "rev-parse", "HEAD")
    return {
        "git_sha": sha,
        "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no")) if sha else None,
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "gpus": gpu_models(devices),
        "seeds": list(seeds),
        "executable": sys.executable,
        "folder": str(folder),
    }


def gpu_models(devices: Iterable[str]) -> list[str]:
    """Return the model of each GPU among these devices, sorted by device; the device's name if it is not found."""
    used = sorted(set(devices) - {CPU})
    gpus = NvmlInventory().gpus() if used else ()
    return [
        next((gpu.name for gpu in gpus if device == str(gpu.index) or gpu.uuid.startswith(device)), device)
        for device in used
    ]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(folder: Path, *args: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
