"""Drivers decide what to try next: each is one file here and one line in `DRIVERS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweep.domain.axis import Axis, Cell
from sweep.domain.space import Param
from sweep.domain.target import Target
from sweep.drivers.grid import GridDriver
from sweep.drivers.protocol import Driver
from sweep.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverInput:
    """All that a driver may need of a study; each takes what it uses.

    `cells` are those of the design (empty where the driver makes its own), `space` what `params:` says to search,
    `settings` the rest of the `driver:` section.
    """

    settings: Mapping[str, Any] = field(hash=False)
    cells: tuple[Cell, ...]
    axes: tuple[Axis, ...]
    space: tuple[Param, ...]
    target: Target
    seeds: tuple[int, ...]


def _grid(given: DriverInput) -> Driver:
    return GridDriver(given.cells, given.seeds)


def _optuna(given: DriverInput) -> Driver:
    # Importing Optuna takes 0.4 s: only a study that searches pays for it.
    from sweep.drivers.optuna import OptunaDriver

    return OptunaDriver(given.settings, given.axes, given.space, given.target, given.seeds[0], given.seeds)


DRIVERS: dict[str, Callable[[DriverInput], Driver]] = {"grid": _grid, "optuna": _optuna}
"""From the name in `driver.name` to what makes the driver."""


def build_driver(name: str, given: DriverInput) -> Driver:
    """Return the driver of this name for a study. Raises ConfigError for an unknown name or a wrong setting."""
    if name not in DRIVERS:
        raise ConfigError("driver.name", "no such driver", value=name, allowed=DRIVERS)
    return DRIVERS[name](given)
