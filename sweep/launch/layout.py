"""What this machine has for a study: devices, runs at a time, threads. Asked by plans, too: no process is started."""

import os
from dataclasses import dataclass

from sweep.config import LauncherConfig
from sweep.launch.gpus import GpuInventory, ListedInventory, NvmlInventory, select_devices, visible_devices
from sweep.launch.local_settings import LocalSettings
from sweep.launch.machine import usable_cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What there is on this machine for a study: GPUs by name, whether there are any at all, runs at a time."""

    devices: tuple[str, ...]
    has_gpus: bool
    places: int  # on each device
    slots: int
    threads: int  # for each run

    @classmethod
    def planned(cls, config: LauncherConfig) -> "Layout":
        """Return what a plan may count on, from the driver's files, without a call of NVML. Raises ConfigError."""
        named = ",".join((*(LocalSettings.of(config).gpus or ()), os.environ.get("CUDA_VISIBLE_DEVICES", "")))
        return cls.of(config, ListedInventory(has_uuids="GPU-" in named))

    @classmethod
    def of(cls, config: LauncherConfig, inventory: GpuInventory | None = None) -> "Layout":
        """Return what the config leaves to a study. Raises ConfigError."""
        settings = LocalSettings.of(config)
        gpus = () if settings.gpus == () else (inventory or NvmlInventory()).gpus()
        visible = visible_devices(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
        devices = tuple(select_devices(settings.gpus, visible, gpus))
        cores = usable_cores()
        places = settings.slots_per_gpu if devices else (settings.slots or cores)
        most = places * max(1, len(devices))
        slots = min(settings.slots or most, most)
        return cls(
            devices=devices,
            has_gpus=bool(gpus) or settings.gpus == (),
            places=places,
            slots=slots,
            threads=max(1, cores // slots),
        )
