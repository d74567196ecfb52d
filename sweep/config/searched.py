"""The default params of a search."""

from collections.abc import Collection, Mapping
from typing import TypeGuard

from omegaconf import DictConfig, OmegaConf

from sweep.config.overrides import dotted
from sweep.errors import ConfigError


def default_params(config: DictConfig, defaults: Mapping[str, str], removed: Collection[str]) -> dict[str, str]:
    """Return the applicable params of a search's file: the task has the knob, and the command line kept them.

    Raises ConfigError if nothing else is searched and the task lacks the knob: only the user knows what is meant.
    """
    task = config._get_node("task")
    has_task = isinstance(task, DictConfig) and not task._is_none()
    knobs = (
        dict(dotted(OmegaConf.to_container(task, resolve=False))) if isinstance(task, DictConfig) and has_task else {}
    )
    kept = {key: text for key, text in defaults.items() if key not in removed}
    found = {key: text for key, text in kept.items() if key.removeprefix("task.") in knobs}
    if kept and not found and not config.get("axes"):
        numbers = {f"task.{name}": value for name, value in knobs.items() if _is_number(value)}
        raise ConfigError(
            "params",
            f"a search without params of your own searches {', '.join(kept)}, which this task does not have",
            allowed=list(numbers),
            hint=f"name what is searched: '+params.{_example(numbers)}'",
        )
    return found


def _example(numbers: Mapping[str, float]) -> str:
    """Return a knob with a range around its value, to paste: one that accepts fractions, if there is one."""
    fractions = [key for key, value in numbers.items() if isinstance(value, float) and value > 0]
    if fractions:
        value = numbers[fractions[0]]
        return f"{fractions[0]}=interval({value / 10:g}, {value * 10:g})"
    whole = [key for key, value in numbers.items() if isinstance(value, int) and value > 0]
    if whole:
        return f"{whole[0]}=range(1, {2 * numbers[whole[0]] + 1})"
    return f"{next(iter(numbers), 'task.KEY')}=interval(0.1, 0.5)"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
