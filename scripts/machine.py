"""The machine that a benchmark runs on, as named in its table."""

import os
import platform

from sweep.study.regression.environment import processor


def machine(used: int | None = None) -> str:
    """Return processor, number of cores (`used` of them) and system."""
    cores = f"{os.cpu_count()} cores" if used is None else f"{used} of {os.cpu_count()} cores"
    return f"{processor()}, {cores}, {platform.system()} {platform.machine()}"
