"""From a composed config to plain data: checks unknown keys first, then missing values, then references."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig, Node, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweep.config.composing import Composition
from sweep.config.keys import KEYS
from sweep.config.values import unknown_key, whole
from sweep.config.wording import in_words
from sweep.domain.task_ref import KIND_OF_KEY, naming_key
from sweep.errors import ConfigError

_CONVERGE = "converge: {metric: val/acc, mode: max, target: 0.9, budget_steps: 300}"
_WHOLE = ("seeds", "converge.budget_steps", "converge.hold", "probe.steps")


def resolve(composed: Composition, sections: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Return the whole config as plain data; `sections` are the allowed keys of some sections.

    Raises ConfigError for the first of these, in this order: an unknown key, a task without a function, a missing
    value, a reference that cannot be resolved.
    """
    config = composed.config
    _check_keys(config, sections)
    _check_task(config, composed.task)
    for key in missing_keys(config):
        raise _missing(key, config, composed.task)
    _make_whole(config)
    try:
        raw = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as exc:
        key, value = unresolved(config)
        raise ConfigError(key, in_words(exc), value=value) from exc
    assert isinstance(raw, dict)
    return {str(key): value for key, value in raw.items()}


def _make_whole(config: DictConfig) -> None:
    """Turn 5e3 into 5000, in place, in integer keys that a task's keys may refer to."""
    for key in _WHOLE:
        path, _, name = key.rpartition(".")
        section = config._get_node(path) if path else config
        is_there = isinstance(section, DictConfig) and not section._is_none() and name in section.keys()  # noqa: SIM118
        node = section._get_node(name) if is_there and isinstance(section, DictConfig) else None
        value = node._value() if isinstance(node, Node) else None
        if isinstance(value, float) and (number := whole(value)) is not None:
            OmegaConf.update(config, key, number)


def missing_keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys whose value is `???`, without resolving references."""
    for key in config.keys():  # noqa: SIM118 - iterating a config needs its values
        node, name = config._get_node(key), prefix + str(key)
        if isinstance(node, Node) and node._is_missing():
            yield name
        elif isinstance(node, DictConfig) and not node._is_none() and not node._is_interpolation():
            yield from missing_keys(node, f"{name}.")


def unresolved(config: DictConfig, prefix: str = "") -> tuple[str, object]:
    """Return key and text of the first reference that cannot be resolved."""
    for key in config.keys():  # noqa: SIM118
        node, name = config._get_node(key), prefix + str(key)
        try:
            config[key]
            if (isinstance(node, DictConfig) and not node._is_interpolation()) or isinstance(node, ListConfig):
                OmegaConf.to_container(node, resolve=True)
        except OmegaConfBaseException:
            if isinstance(node, DictConfig) and not node._is_interpolation() and not node._is_none():
                return unresolved(node, f"{name}.")
            return name, _plain(config)[key]
    return prefix.rstrip(".") or "config", None


def _plain(section: DictConfig) -> dict[Any, Any]:
    """Return a section as plain data, with references as written."""
    plain = OmegaConf.to_container(section, resolve=False)
    assert isinstance(plain, dict)
    return plain


def _check_keys(config: DictConfig, sections: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError for the first unknown key, at the top level and in these sections."""
    for path, known in {"": KEYS, **sections}.items():
        if path and path not in config.keys():  # noqa: SIM118
            continue
        section = config if not path else config._get_node(path)
        if not isinstance(section, DictConfig) or section._is_none() or section._is_missing():
            continue
        for key in section.keys():  # noqa: SIM118 - iterating a config needs its values
            if key not in known:
                raise unknown_key(f"{path}.{key!s}".lstrip("."), known, value=_plain(section)[key])


def _check_task(config: DictConfig, name: str) -> None:
    """Raise ConfigError if the task section names no function."""
    task = config._get_node("task") if "task" in config.keys() else None  # noqa: SIM118
    if isinstance(task, DictConfig) and not task._is_none() and naming_key(task.keys()):
        return
    key = next(iter(KIND_OF_KEY))
    hint = f"add the line `{key}: module.function` to the section `task:` of the task's file ({name}.yaml)"
    raise ConfigError(f"task.{key}", "is missing: the function that trains", hint=hint)


def _missing(key: str, config: DictConfig, task: str) -> ConfigError:
    """Return the error for a key without a value, with a line to paste."""
    if key == "converge.budget_steps":
        has_none = all(config.converge._get_node(name)._is_none() for name in ("metric", "target"))
        line = _CONVERGE if has_none else "budget_steps: 300"
        where = f"to {task}.yaml" if has_none else f"to the section `converge:` of {task}.yaml"
        hint = f"add `{line}` {where}, or give converge.budget_steps=300"
        return ConfigError(key, "is missing: the number of optimizer steps a trial may take", hint=hint)
    return ConfigError(key, "has no value: you must set it", hint=f"{key}=VALUE")
