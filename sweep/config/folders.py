"""The folders with config files: ours, and the user's."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from sweep.errors import ConfigError

GROUPS = (
    "task", "axis", "ablation", "driver", "launcher", "converge", "symptoms",
    "search", "check", "diagnose", "regression",
)  # fmt: skip
"""The config groups: one folder each, one file per option."""
ONE_OF = frozenset(GROUPS) - {"axis", "ablation"}
"""Groups from which only one option is allowed: of several, the last would silently win."""


RESERVED = frozenset({"benchmarks"})
"""Names that studies may not have. A clone of sweep tracks results/benchmarks in git."""


def conf_root() -> Path:
    """Return the folder of sweep's own config files: inside the package (wheel) or beside it (checkout)."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise ConfigError("conf", f"sweep's own config files are missing; looked in {package} and beside it")


def docs_root() -> Path:
    """Return the folder of the documentation: inside the package (wheel) or beside it (checkout)."""
    package = Path(__file__).resolve().parents[1]
    return next((folder for folder in (package / "docs", package.parent / "docs") if folder.is_dir()), package)


def check_free(name: str, key: str = "study") -> None:
    """Raise ConfigError for a name whose folder below `results/` is reserved."""
    if name.lower() in RESERVED:
        raise ConfigError(
            key, "is reserved: results/benchmarks has sweep's own tables", value=name, hint=f"{key}={name}-1"
        )


def folder_words(config_dirs: Iterable[Path]) -> tuple[str, ...]:
    """Return the arguments of a command line that name the user's config folders."""
    return tuple(word for folder in config_dirs for word in ("--config-dir", str(folder)))


def option_names(group: str, folders: Sequence[Path]) -> list[str]:
    """Return the options of a group, sorted: its YAML files, `sub/name` for those in subfolders."""
    names = set()
    for folder in folders:
        base = folder / group
        files = (path for path in base.rglob("*.yaml") if path.is_file())  # not a folder, not a dangling link
        names |= {path.relative_to(base).with_suffix("").as_posix() for path in files}
    return sorted(names)


@lru_cache(maxsize=16)
def own_keys(group: str, name: str) -> tuple[str, ...]:
    """Return the keys that sweep's own file of this name has, () without one: all keys that the section may have."""
    file = conf_root() / group / f"{name}.yaml"
    keys = re.findall(r"^(\w+):", file.read_text(encoding="utf-8"), re.MULTILINE) if file.is_file() else []
    return tuple(keys)


def search_folders(config_dirs: Sequence[Path]) -> list[Path]:
    """Return our folder followed by the user's, absolute. Raises ConfigError.

    A user's file with the name of one of ours is an error, because Hydra would take the first one and never read the
    user's.
    """
    ours = conf_root()
    folders = [ours]
    for given in config_dirs:
        folder = Path(given).expanduser().resolve()
        if not folder.is_dir():
            why = "is a file, not a folder" if folder.is_file() else "this folder does not exist"
            hint = "name the folder that contains task/, axis/ or ablation/, such as my_conf"
            raise ConfigError("--config-dir", why, value=str(given), hint=hint)
        if folder in folders:
            continue
        for group in GROUPS:
            taken = set(option_names(group, [folder])) & set(option_names(group, folders))
            if taken:
                name = min(taken)
                raise ConfigError(
                    "--config-dir",
                    f"{group}/{name}.yaml has the name of an existing file",
                    value=str(folder / group / f"{name}.yaml"),
                    hint="rename it; its defaults list can build on the existing file",
                )
        folders.append(folder)
    return folders
