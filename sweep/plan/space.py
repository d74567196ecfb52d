"""Reads `params:`: Hydra sweep syntax becomes distributions to search."""

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Sweep
from hydra.errors import HydraException

from sweep.config.hydra_versions import parse_override
from sweep.config.params import FORMS
from sweep.config.wording import misread
from sweep.domain.space import Categorical, Distribution, FloatRange, IntRange, Param
from sweep.errors import ConfigError


def parse_space(params: Mapping[str, object]) -> tuple[Param, ...]:
    """Return the distributions that `params` (task key to sweep text) describes, by key.

    The syntax is that of hydra-optuna-sweeper: `choice()` and `a,b` are categories, `range()` is a grid without its
    stop, `interval()` is a continuum with both ends, of ints if cast by `int()`; `tag(log, ...)` draws log-uniformly.
    Raises ConfigError, naming the key and what is allowed, for anything else.
    """
    return tuple(Param(key, _parse(key, str(text))) for key, text in sorted(params.items()))


def _parse(key: str, text: str) -> Distribution:
    try:
        override = parse_override(f"{key}={text}")
    except HydraException as exc:
        raise _refused(key, f"cannot be read as a sweep: {misread(text)}", text) from exc
    sweep = override.value()
    if not isinstance(sweep, Sweep):
        raise _refused(key, "is one value, not a sweep", text, f"for a fixed value, use the override {key}={text}")
    if getattr(sweep, "shuffle", False):
        raise _refused(key, "shuffle() has no meaning in a search", text)
    if sweep.tags - {"log"}:
        raise _refused(key, f"unknown tag {', '.join(sorted(sweep.tags - {'log'}))}; only `log` is allowed", text)
    try:
        return _distribution(override, sweep, log="log" in sweep.tags)
    except HydraException as exc:
        raise _refused(key, "is not a range or a choice of values", text) from exc
    except ValueError as exc:
        raise _refused(key, str(exc), text) from exc


def _distribution(override: Override, sweep: Sweep, *, log: bool) -> Distribution:
    if isinstance(sweep, IntervalSweep):
        low, high = sweep.start, sweep.end
        if low is None or high is None:
            raise ValueError("an interval needs a start and an end")
        if isinstance(low, int) and isinstance(high, int):  # int(interval(...)): plain intervals are floats in Hydra
            return IntRange(low=low, high=high, log=log)
        return FloatRange(low=float(low), high=float(high), log=log)
    if isinstance(sweep, RangeSweep):
        return _grid(sweep, log=log)
    if log:
        raise ValueError("tag(log, ...) is for range() and interval(), not for choices")
    return Categorical(tuple(dict.fromkeys(override.sweep_string_iterator())))


def _grid(sweep: RangeSweep, *, log: bool) -> Distribution:
    """Return the grid from a range's start to its stop, which is excluded; a descending one is reversed.

    Computed in decimals, as written: in binary floats 0.1 + 3 * 0.1 is above or below 0.4 by chance.
    """
    given = sweep.start, sweep.stop, sweep.step
    if any(part is None or not math.isfinite(part) for part in given):
        raise ValueError("a range needs a finite start, stop and step")
    start, stop, step = (Decimal(str(part)) for part in given)
    if step == 0:
        raise ValueError("the step of a range must not be 0")
    count = math.ceil(Fraction(stop - start) / Fraction(step))
    if count < 1:
        raise ValueError("the range is empty")
    low, high = sorted((start, start + (count - 1) * step))
    if all(isinstance(part, int) for part in given):
        return IntRange(low=int(low), high=int(high), step=int(abs(step)), log=log)
    return FloatRange(low=float(low), high=float(high), step=float(abs(step)), log=log)


def _refused(key: str, problem: str, text: str, hint: str | None = None) -> ConfigError:
    return ConfigError(f"params.{key}", problem, value=text, allowed=FORMS, hint=hint or "see docs/search.md")
