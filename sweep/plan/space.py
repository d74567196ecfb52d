"""Reads `params:`: Hydra sweep syntax becomes distributions to search."""

from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Sweep
from hydra.errors import HydraException

from sweep.config.params import FORMS
from sweep.domain.space import Categorical, Distribution, FloatRange, IntRange, Param
from sweep.errors import ConfigError


def parse_space(params: Mapping[str, Any]) -> tuple[Param, ...]:
    """Return what `params` (task key to sweep text) says to search, by key.

    Read as hydra-optuna-sweeper read it: `choice()` and `a,b` are categories, `range()` a grid that leaves out its
    stop, `interval()` a continuum with both ends, of ints where cast by `int()`; `tag(log, ...)` draws in log.
    Raises ConfigError, naming the key and what is allowed, for anything else.
    """
    return tuple(Param(key, _parse(key, str(text))) for key, text in sorted(params.items()))


def _parse(key: str, text: str) -> Distribution:
    try:
        override = OverridesParser.create().parse_override(f"{key}={text}")
    except HydraException as exc:
        raise _refused(key, f"cannot be read as a sweep: {_first_line(exc)}", text) from exc
    sweep = override.value()
    if not isinstance(sweep, Sweep):
        raise _refused(key, "is one value, not a sweep", text, f"to fix it, give {key}={text} as an override")
    if getattr(sweep, "shuffle", False):
        raise _refused(key, "shuffle() means nothing in a search", text)
    if sweep.tags - {"log"}:
        raise _refused(key, f"unknown tag {', '.join(sorted(sweep.tags - {'log'}))}: only `log` is known", text)
    try:
        return _distribution(override, sweep, log="log" in sweep.tags)
    except (ValueError, HydraException) as exc:
        raise _refused(key, _first_line(exc), text) from exc


def _distribution(override: Override, sweep: Sweep, *, log: bool) -> Distribution:
    if isinstance(sweep, IntervalSweep):
        low, high = sweep.start, sweep.end
        if low is None or high is None:
            raise ValueError("an interval needs a start and an end")
        if isinstance(low, int) and isinstance(high, int):  # int(interval(...)): plain intervals are floats in Hydra
            return IntRange(low=low, high=high, log=log)
        return FloatRange(low=float(low), high=float(high), log=log)
    texts = tuple(dict.fromkeys(override.sweep_string_iterator()))
    if isinstance(sweep, RangeSweep):
        return _grid(texts, sweep, log=log)
    if log:
        raise ValueError("tag(log, ...) is for range() and interval(), not for choices")
    return Categorical(texts)


def _grid(texts: tuple[str, ...], sweep: RangeSweep, *, log: bool) -> Distribution:
    """Return the grid of a range's values as Hydra enumerates them, turned upwards where the range runs down."""
    if not texts:
        raise ValueError("the range is empty")
    step = abs(sweep.step)
    if all(isinstance(v, int) for v in (sweep.start, sweep.stop, sweep.step)):
        ints = sorted(int(text) for text in texts)
        return IntRange(low=ints[0], high=ints[-1], step=int(step), log=log)
    floats = sorted(float(text) for text in texts)
    return FloatRange(low=floats[0], high=floats[-1], step=float(step), log=log)


def _refused(key: str, problem: str, text: str, hint: str | None = None) -> ConfigError:
    return ConfigError(f"params.{key}", problem, value=text, allowed=FORMS, hint=hint or "see docs/search.md")


def _first_line(exc: Exception) -> str:
    return str(exc).splitlines()[0]
