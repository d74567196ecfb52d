"""The environment of a run's process."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sweep
from sweep.launch.leases import CPU
from sweep.rundir.paths import PYTHONPATH_VARIABLE

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
DEVICE_VARIABLE = "SWEEP_DEVICE"
"""Names the device that a run has leased, for finding a run that was not recorded."""


def child_environment(
    parent: Mapping[str, str],
    spec: Mapping[str, Any],
    *,
    device: str,
    threads: int,
    has_gpus: bool,
    gpu_memory_mb: int | None,
) -> dict[str, str]:
    """Return the environment of runs on `device`; `env` of a spec has the last word, `threads` of it over ours.

    `has_gpus` False leaves CUDA_VISIBLE_DEVICES as the parent has it: there is nothing to lease. Which run it is a
    starter says (RUN_VARIABLE).
    """
    environment = dict(parent)
    count = str(spec.get("threads") or threads)
    environment.update(dict.fromkeys(THREAD_VARIABLES, count))
    environment[PYTHONPATH_VARIABLE] = parent.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = python_path(parent.get("PYTHONPATH", ""))
    # Sets of strings iterate in the order of their hashes: without this, no two processes train alike.
    environment.setdefault("PYTHONHASHSEED", "0")
    environment[DEVICE_VARIABLE] = device
    environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if device != CPU:
        environment["CUDA_VISIBLE_DEVICES"] = device
        if gpu_memory_mb is not None:
            environment["FLAGS_gpu_memory_limit_mb"] = str(gpu_memory_mb)
    elif has_gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    environment.update({str(name): str(value) for name, value in dict(spec.get("env") or {}).items()})
    return environment


def python_path(inherited: str) -> str:
    """Return a PYTHONPATH by which a run finds what we find: our script's folder, what we inherited, cwd, sweep."""
    own = Path(sweep.__file__).parents[1]
    entries = [sys.path[0], *inherited.split(os.pathsep), str(Path.cwd())]
    if own.name not in ("site-packages", "dist-packages"):
        entries.append(str(own))
    # An entry cannot hold the separator; such a working directory is found all the same, `-m` puts it first.
    kept = dict.fromkeys(entry for entry in entries if entry and os.pathsep not in entry)
    return os.pathsep.join(kept)
