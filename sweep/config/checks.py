"""The settings of the checks (`probe:` of +check=..., +search=lr_range) and of the confirming trials (`confirm:`)."""

from collections.abc import Callable

from sweep.config.schema import ConfirmConfig
from sweep.config.values import LONGEST_S, Section
from sweep.domain.check import CheckName
from sweep.domain.lr_range import FEWEST_STEPS
from sweep.errors import ConfigError

_COUNTS = {"limit": 2, "train_steps": 1, "picture": 1}
_ABOVE_0 = ("read_s", "train_s", "imbalance", "feature_spread", "input_limit", "target_low", "target_high")
_MOST = 10**9
MOST_STEPS = 10_000_000
MOST_CONFIRM_SEEDS = 1_000
_SHARES = ("overlap", "blank")


def check_data(section: Section) -> None:
    """Raise ConfigError if a setting of the data check cannot be used."""
    for name, low in _COUNTS.items():
        section.integer(name, low=low, high=_MOST)
    section.optional_integer("ignore_label", low=-_MOST, high=_MOST)
    for name in _ABOVE_0:
        section.number(name, above=0, high=LONGEST_S)
    for name in _SHARES:
        _share(section, name)


def check_overfit(section: Section) -> None:
    """Raise ConfigError if a setting of the overfit gate cannot be used."""
    section.integer("samples", low=1, high=_MOST)
    section.integer("steps", low=1, high=_MOST)
    _share(section, "loss_fraction")
    length, regularisation = section.get("length"), section.get("regularisation")
    if not isinstance(length, list) or not all(isinstance(name, str) for name in length):
        raise ConfigError(section.key("length"), "must be a list of the task's knobs", value=length)
    if not isinstance(regularisation, dict):
        raise ConfigError(section.key("regularisation"), "must be knobs of the task and values", value=regularisation)


def _share(section: Section, name: str) -> None:
    value = section.optional_number(name)
    if value is None or not 0 <= value <= 1:
        raise ConfigError(section.key(name), "must be a share from 0 to 1", value=value)


def check_lr_range(section: Section) -> None:
    """Raise ConfigError if the settings are not a range of rates above 0 with enough steps."""
    low, high = section.number("lr_min", above=0), section.number("lr_max", above=0)
    if not low < high:
        raise ConfigError(
            section.key("lr_max"),
            f"must be above {section.key('lr_min')} ({low:g})",
            value=section.get("lr_max"),
            hint="1e-7 to 10 covers what is used in practice",
        )
    section.integer("steps", low=FEWEST_STEPS, high=MOST_STEPS)


def check_inventory(section: Section) -> None:
    """Raise ConfigError if the time that an inventory may take cannot be used."""
    section.number("limit_s", above=0, high=LONGEST_S)


CHECKS: dict[CheckName, Callable[[Section], None]] = {
    CheckName.DATA: check_data,
    CheckName.OVERFIT: check_overfit,
    CheckName.LR_RANGE: check_lr_range,
    CheckName.INVENTORY: check_inventory,
}
"""The function for each check that raises ConfigError if its settings cannot be used."""


def read_confirm(data: object) -> ConfirmConfig | None:
    """Return the `confirm` section, None if nothing is to be confirmed. Raises ConfigError."""
    if data is None:
        return None
    section = Section(data, "confirm", ("seeds", "stop_early"))
    seeds = section.integer("seeds", low=1, high=MOST_CONFIRM_SEEDS)
    return ConfirmConfig(seeds=seeds, stop_early=section.flag("stop_early"))
