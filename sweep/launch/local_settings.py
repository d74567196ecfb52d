"""The settings of the local launcher: what `launcher:` says beside the keys that every launcher has."""

from dataclasses import dataclass

from sweep.config import LauncherConfig
from sweep.config.values import LONGEST_S, MOST_MB, Section
from sweep.errors import ConfigError

STARTS = ("auto", "warm", "standby", "cold")
"""`launcher.start`: how the process of a run comes to be. auto is the fastest that is safe."""

KEYS = ("slots", "gpus", "slots_per_gpu", "gpu_memory_mb", "grace_s", "start")
MAX_SLOTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """How runs execute on this machine (docs/config.md). None stands for `auto` in slots and gpus."""

    slots: int | None
    gpus: tuple[str, ...] | None
    slots_per_gpu: int
    gpu_memory_mb: int | None
    grace_s: float
    start: str = "auto"

    @classmethod
    def of(cls, config: LauncherConfig) -> "LocalSettings":
        """Return the settings in a config. Raises ConfigError."""
        section = Section(config.settings, "launcher", KEYS)
        return cls(
            slots=section.integer_or("auto", "slots", low=1, high=MAX_SLOTS),
            gpus=_gpus(section.get("gpus")),
            slots_per_gpu=section.integer("slots_per_gpu", low=1, high=MAX_SLOTS),
            gpu_memory_mb=section.optional_integer("gpu_memory_mb", low=1, high=MOST_MB),
            grace_s=section.number("grace_s", above=0, high=LONGEST_S),
            start=section.choice("start", STARTS),
        )


def _gpus(value: object) -> tuple[str, ...] | None:
    if value == "auto":
        return None
    if isinstance(value, list | tuple) and all(type(gpu) in (str, int) for gpu in value):
        return tuple(str(gpu) for gpu in value)
    raise ConfigError(
        "launcher.gpus",
        "must be auto or a list of indices or UUIDs",
        value="null" if value is None else value,
        hint="launcher.gpus=[0,1]; [] stays on the CPU",
    )
