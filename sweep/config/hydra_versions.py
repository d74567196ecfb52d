"""Hides the differences between Hydra 1.3 and 1.4 that would change what is run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

import hydra
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser, create_functions
from hydra.core.override_parser.types import Override, RangeSweep

Number = int | float
HydraFunction = Callable[..., object]

_TAKES_VERSION_BASE = hydra.__version__.startswith("1.3.")
"""1.3 warns without `version_base`, 1.4 warns with it."""


def config_folder(folder: Path) -> AbstractContextManager[None]:
    """Return the context in which Hydra composes from this folder."""
    if _TAKES_VERSION_BASE:
        return initialize_config_dir(str(folder), version_base="1.3")
    return initialize_config_dir(str(folder))


def parse_override(text: str) -> Override:
    """Return Hydra's reading of one override. Raises HydraException.

    `int()`, `float()` and `sort()` of a range are ours. 1.3 casts a range's start, stop and step, 1.4 each resulting
    value; and they write different start, stop and step for a sorted range. Here a cast is as in 1.3, and a sorted
    range stays unchanged: the order of searched values does not matter.
    """
    return _parser().parse_override(text)


@cache
def _parser() -> OverridesParser:
    functions = create_functions()
    known = functions.functions
    known.update(int=_cast(int, known["int"]), float=_cast(float, known["float"]), sort=_sort(known["sort"]))
    return OverridesParser(functions)


def _cast(kind: Callable[[Number], Number], otherwise: HydraFunction) -> HydraFunction:
    def cast(*args: object, value: object = None) -> object:
        sweep = args[0] if len(args) == 1 else value
        if not isinstance(sweep, RangeSweep) or sweep.start is None or sweep.stop is None:
            return otherwise(*args, value=value)
        start, stop, step = (kind(part) for part in (sweep.start, sweep.stop, sweep.step))
        return RangeSweep(start=start, stop=stop, step=step, shuffle=sweep.shuffle, tags=set(sweep.tags))

    return cast


def _sort(otherwise: HydraFunction) -> HydraFunction:
    def sort(*args: object, **named: object) -> object:
        sweep = args[0] if len(args) == 1 else named.get("sweep")
        if not isinstance(sweep, RangeSweep):
            return otherwise(*args, **named)
        return RangeSweep(start=sweep.start, stop=sweep.stop, step=sweep.step, tags=set(sweep.tags))

    return sort
