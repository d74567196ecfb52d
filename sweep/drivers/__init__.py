"""Drivers decide what to try next: each is one file here and one line in `DRIVERS`."""

from sweep.drivers.grid import Grid, GridDriver
from sweep.drivers.protocol import Abandon, Driver, DriverInput, DriverSpec, Expected, Proposal, Question
from sweep.drivers.search import Search
from sweep.errors import ConfigError

__all__ = [
    "DRIVERS",
    "Abandon",
    "Driver",
    "DriverInput",
    "DriverSpec",
    "Expected",
    "GridDriver",
    "Proposal",
    "Question",
    "read_driver",
]

DRIVERS: dict[str, type[DriverSpec]] = {"grid": Grid, "optuna": Search}
"""From the name in `driver.name` to the driver."""


def read_driver(name: str, given: DriverInput) -> DriverSpec:
    """Return the driver of this name for a study.

    Raises ConfigError for an unknown name, a wrong setting, a study that has nothing for this driver to vary, and
    params that it does not use.
    """
    if name not in DRIVERS:
        raise ConfigError("driver.name", "no such driver", value=name, allowed=DRIVERS)
    spec = DRIVERS[name]
    if given.space and not spec.takes_params:
        others = [other for other, kind in DRIVERS.items() if kind.takes_params]
        raise ConfigError(
            "params",
            f"are searched by the driver {' or '.join(others)}, not by {name}",
            value=", ".join(param.key for param in given.space),
            hint="+search=tpe",
        )
    if spec.needs_space and not given.axes and not given.space:
        raise ConfigError(
            "params",
            f"the plan is empty: nothing to search for driver {name}",
            value="; ".join(f"{each.toggle}: {each.text}" for each in given.inert) or None,
            hint="add '+params.task.lr=tag(log, interval(1e-4, 1))', or axes by +axis=[...]",
        )
    return spec(given)
