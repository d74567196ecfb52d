"""What a task's runs were made with: code, packages, machine, settings, and the flags that change what is computed."""

import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from sweep.config import LoadedConfig
from sweep.domain.nights import Environment
from sweep.launch.gpus import driver_version
from sweep.plan.fingerprint import digest
from sweep.study.provenance import gpu_models

FLAG = re.compile(r"(FLAGS_|PADDLE_|CUDA_|CUBLAS_|CUDNN_|NCCL_|NVIDIA_TF32|OMP_|MKL_|XLA_|PYTHONHASHSEED)")
"""Environment variables that change what a framework computes, or how."""
NOT_FLAGS = frozenset({"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "PADDLE_TRAINERS_NUM"})
"""Variables that say which device is used, not how it computes."""


def environment_of(
    provenance: Mapping[str, object], *, devices: Iterable[str], loaded: LoadedConfig | None = None
) -> Environment:
    """Return the environment of runs from their study's provenance; `devices` are as the launcher names them.

    With the study's config (`loaded`) it includes the task's packages, code and settings, and this process's flags.
    """
    recorded = provenance.get("packages")
    packages = {str(k): str(v) for k, v in recorded.items()} if isinstance(recorded, Mapping) else {}
    found = Environment(
        git_sha=str(provenance.get("git_sha") or ""),
        dirty=bool(provenance.get("dirty")),
        packages=tuple(sorted(packages.items())),
        python=str(provenance.get("python") or ""),
        platform=str(provenance.get("platform") or ""),
        host=str(provenance.get("host") or ""),
        device=device_model(devices),
        cpu=processor(),
        driver=driver_version(),
    )
    return found if loaded is None else _with_task(found, packages, loaded)


def _with_task(found: Environment, packages: dict[str, str], loaded: LoadedConfig) -> Environment:
    task = loaded.study.task
    for module in loaded.source.imports:
        for name in _distributions().get(module, ()):
            packages.setdefault(name, metadata.version(name))
    return replace(
        found,
        packages=tuple(sorted(packages.items())),
        config=digest(dict(task)),
        code=loaded.source.digest,
        settings=tuple(sorted(_flat(task))),
        flags=tuple(sorted((k, v) for k, v in os.environ.items() if FLAG.match(k) and k not in NOT_FLAGS)),
    )


def _flat(section: Mapping[str, object], prefix: str = "task.") -> Iterable[tuple[str, str]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def device_model(devices: Iterable[str]) -> str:
    """Return `cpu`, or the models of the GPUs that runs used (several joined by +)."""
    return " + ".join(sorted(set(gpu_models(devices)))) or "cpu"


@lru_cache(maxsize=1)
def processor() -> str:
    """Return the model of this machine's processor, or its architecture if the system does not report a model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.machine()


@lru_cache(maxsize=1)
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
