"""The `params:` section: which task keys are searched, over which values. plan/space parses the sweeps."""

import re
from collections.abc import Mapping

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override
from hydra.errors import HydraException

from sweep.config.hydra_versions import parse_override
from sweep.config.knobs import TaskBase, lacks_knob, same_type
from sweep.config.overrides import dotted, task_override
from sweep.config.wording import misread
from sweep.errors import ConfigError

FORMS = ("choice(a, b)", "range(1, 10)", "interval(0, 1)", "int(interval(1, 10))", "tag(log, interval(1e-4, 1))")

_FRACTION = re.compile(r"\d\.|\.\d|\d[eE]-?\d")
"""A bound written with a decimal point or exponent, `0.5` or `1e-4`: fractions are meant, even if the task has `lr:
1`."""


def read_params(data: object, base: TaskBase) -> dict[str, str]:
    """Return the Hydra sweep texts by task key (`task.lr`).

    Keys may be nested or dotted. Raises ConfigError if the task lacks a key, the text is not a sweep, or its values do
    not fit the type of the task's value.
    """
    if not isinstance(data, Mapping):
        raise ConfigError("params", "must map task keys to what is searched", value=data)
    params: dict[str, str] = {}
    for key, text in dotted(dict(data)):
        if not key:
            continue
        owner, name = f"params.{key}", key.removeprefix("task.")
        if name == key:
            raise ConfigError(owner, "only keys of the task can be searched", value=text, hint=f"params.task.{key}")
        if name not in base.knobs:
            raise lacks_knob(owner, str(text), name, base.knobs)
        override = _sweep(owner, key, text)
        _check_fits(owner, override, str(text), name, base)
        params[key] = str(text)
    return dict(sorted(params.items()))


def _sweep(owner: str, key: str, text: object) -> Override:
    """Return the parsed sweep. Raises ConfigError if it is not one."""
    try:
        override = parse_override(f"{key}={text}")
    except HydraException as exc:
        problem = f"cannot be read as a sweep: {misread(str(text))}"
        raise ConfigError(owner, problem, value=text, allowed=FORMS, hint="see docs/search.md") from exc
    if not isinstance(text, str) or not override.is_sweep_override():
        hint = f"for a fixed value, use the override {key}={text}"
        raise ConfigError(owner, "is one value, not a sweep", value=text, allowed=FORMS, hint=hint)
    return override


def _check_fits(owner: str, override: Override, text: str, knob: str, task: TaskBase) -> None:
    """Raise ConfigError if a value of the sweep has another type than the task's."""
    sweep, base = override.value(), task.knobs[knob]
    if isinstance(sweep, ChoiceSweep):
        for choice in override.sweep_string_iterator():
            _, value = task_override(f"{override.key_or_group}={choice}")
            same_type(owner, choice, base, task.given(knob, value))
        return
    same_type(owner, text, base, 1)
    is_whole = isinstance(base, int) and isinstance(sweep, IntervalSweep) and not isinstance(sweep.start, int)
    if is_whole and not _FRACTION.search(text):
        raise ConfigError(
            owner,
            f"draws fractions, but the task's value is a whole number ({base})",
            value=text,
            hint="int(interval(2, 8)) or range(2, 9) draw whole numbers; interval(2.0, 8.0) draws fractions",
        )
