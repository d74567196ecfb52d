"""The settings of a learning-rate range test (`probe:`) and of the trials that confirm it (`confirm:`)."""

from collections.abc import Mapping
from typing import Any

from sweep.config.values import Section
from sweep.domain.lr_range import FEWEST_STEPS
from sweep.errors import ConfigError


def check_lr_range(section: Section) -> None:
    """Raise ConfigError where the settings are no range of rates above 0 in enough steps."""
    rates = {name: section.optional_number(name, above=0.0) for name in ("lr_min", "lr_max")}
    for name, rate in rates.items():
        if rate is None:
            raise ConfigError(section.key(name), "must be a finite number above 0", value="null")
    low, high = rates["lr_min"], rates["lr_max"]
    if low is not None and high is not None and not low < high:
        raise ConfigError(
            section.key("lr_max"),
            f"must be above {section.key('lr_min')} ({low:g})",
            value=section.get("lr_max"),
            hint="1e-7 to 10 covers what is used in practice",
        )
    section.integer("steps", low=FEWEST_STEPS)


def read_confirm(data: object) -> Mapping[str, Any] | None:
    """Return the `confirm` section, None where nothing is to be confirmed. Raises ConfigError."""
    if data is None:
        return None
    section = Section(data, "confirm", ("seeds", "stop_early"))
    return {"seeds": section.integer("seeds", low=1), "stop_early": section.flag("stop_early")}
