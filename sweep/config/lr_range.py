"""The settings of a learning-rate range test (`probe:`) and of the trials that confirm it (`confirm:`)."""

from collections.abc import Mapping
from typing import Any

from sweep.config.values import Section
from sweep.domain.lr_range import FEWEST_STEPS
from sweep.errors import ConfigError

MOST_STEPS = 10_000_000
MOST_CONFIRM_SEEDS = 1_000


def check_lr_range(section: Section) -> None:
    """Raise ConfigError where the settings are no range of rates above 0 in enough steps."""
    low, high = section.number("lr_min", above=0), section.number("lr_max", above=0)
    if not low < high:
        raise ConfigError(
            section.key("lr_max"),
            f"must be above {section.key('lr_min')} ({low:g})",
            value=section.get("lr_max"),
            hint="1e-7 to 10 covers what is used in practice",
        )
    section.integer("steps", low=FEWEST_STEPS, high=MOST_STEPS)


def read_confirm(data: object) -> Mapping[str, Any] | None:
    """Return the `confirm` section, None where nothing is to be confirmed. Raises ConfigError."""
    if data is None:
        return None
    section = Section(data, "confirm", ("seeds", "stop_early"))
    return {"seeds": section.integer("seeds", low=1, high=MOST_CONFIRM_SEEDS), "stop_early": section.flag("stop_early")}
