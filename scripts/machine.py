"""The machine that a benchmark runs on, as its table names it."""

import os
import platform

from sweep.study.regression.environment import processor


def machine(used: int | None = None) -> str:
    """Return processor, cores (of which `used` were) and system."""
    cores = f"{os.cpu_count()} cores" if used is None else f"{used} of {os.cpu_count()} cores"
    return f"{processor()}, {cores}, {platform.system()} {platform.machine()}"
