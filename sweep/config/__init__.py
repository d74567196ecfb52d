"""From command line and conf/ to validated dataclasses: see `schema`. DictConfig is not used outside this package."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweep.config.schema import WATCHES, DriverConfig, LauncherConfig, LoadedConfig, StudyConfig
    from sweep.config.source import TaskSource

__all__ = [
    "WATCHES",
    "DriverConfig",
    "LauncherConfig",
    "LoadedConfig",
    "StudyConfig",
    "load_study_config",
]


def __getattr__(name: str) -> Any:
    # lazily: verbs that only read the store use small modules of this package, and no schema
    if name in __all__:
        from sweep.config import schema

        return getattr(schema, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_study_config(
    overrides: Sequence[str],
    config_dirs: Sequence[Path] = (),
    *,
    command: Sequence[str] = (),
    source: "TaskSource | None" = None,
) -> "LoadedConfig":
    """Return the validated study for these Hydra overrides.

    `config_dirs` are the user's own config folders: their task/, axis/, ablation/ files are used beside ours. `source`
    is the task's code if it was already read: a study that belongs to another one uses the same code. Raises
    ConfigError for any wrong key or value, never Hydra's own exceptions.
    """
    # Hydra takes 0.3 s to import; verbs that only read the store use this module's types without it.
    from sweep.config.study import load

    return load(overrides, config_dirs, command=tuple(command), source=source)
