"""Settings of checks in a command with stages: `probe.KEY` and `confirm.KEY` go to the check that has the key.

If several checks have the key, the check's name is given, too: `probe.overfit.steps=500`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from sweep.config.folders import conf_root
from sweep.config.values import unknown_key
from sweep.errors import ConfigError

SECTIONS = ("probe", "confirm")
"""Sections that only the study of a check has."""

_FILES = {
    "data": "check/data",
    "overfit": "check/overfit",
    "lr_range": "search/lr_range",
    "inventory": "check/inventory",
}
"""The config file of each stage that is a check."""


@lru_cache(maxsize=16)
def setting_names(stage: str, section: str) -> tuple[str, ...]:
    """Return the keys that a stage has in one of SECTIONS, () if it lacks the section."""
    if stage not in _FILES:
        return ()
    data = OmegaConf.to_container(OmegaConf.load(conf_root() / f"{_FILES[stage]}.yaml"), resolve=False)
    settings = data.get(section) if isinstance(data, dict) else None
    return tuple(str(key) for key in settings or () if key != "name")


def is_setting(key: str) -> bool:
    """Return whether a key is below a section that only the study of a check has."""
    section, _, name = key.partition(".")
    return section in SECTIONS and bool(name)


def stage_word(stage: str, word: str) -> str | None:
    """Return an argument of a command that sets a check's key, as passed to this stage; None if it is for another
    one."""
    mark = word[: len(word) - len(word.lstrip("+~"))]
    key, equals, value = word.removeprefix(mark).partition("=")
    section, _, name = key.partition(".")
    owner, _, rest = name.partition(".")
    if owner in _FILES:
        return f"{mark}{section}.{rest}{equals}{value}" if owner == stage else None
    return word if owner in setting_names(stage, section) else None


def check_settings(settings: Iterable[Override], stages: Sequence[str]) -> None:
    """Raise ConfigError for a setting that none of the stages has, or several have. Values are not checked."""
    for override in settings:
        key, text = override.key_or_group, str(override.input_line)
        section, _, name = key.partition(".")
        known = {stage: setting_names(stage, section) for stage in stages if setting_names(stage, section)}
        if not known:
            groups = "+check=data, +check=overfit or +search=lr_range" if section == "probe" else "+search=lr_range"
            raise ConfigError(key, f"this study has no check with settings {section}.*", value=text, hint=groups)
        if override.is_delete():
            raise ConfigError(key, "cannot be removed", value=text)
        _owner(known, section, name, text)


def _owner(known: dict[str, tuple[str, ...]], section: str, name: str, text: str) -> str:
    """Return the stage that a setting is for. Raises ConfigError."""
    stage, _, rest = name.partition(".")
    if stage in _FILES:
        if stage not in known:
            raise unknown_key(f"{section}.{stage}", known, value=text)
        if rest.split(".")[0] not in known[stage]:
            raise unknown_key(f"{section}.{stage}.{rest.split('.')[0]}", known[stage], value=text)
        return stage
    owners = [each for each, names in known.items() if stage in names]
    if not owners:
        raise unknown_key(
            f"{section}.{stage}", sorted({each for names in known.values() for each in names}), value=text
        )
    if len(owners) > 1:
        value = text.partition("=")[2]
        hint = " or ".join(f"{section}.{each}.{name}={value}" for each in owners)
        raise ConfigError(f"{section}.{name}", f"{' and '.join(owners)} each have this key", value=text, hint=hint)
    return owners[0]
