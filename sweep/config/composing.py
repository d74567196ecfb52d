"""Composing: Hydra makes one config from overrides and config folders, with errors that say what to change."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hydra import compose as hydra_compose
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from sweep.config.files import SCHEME, register
from sweep.config.folders import GROUPS, ONE_OF, option_names, search_folders
from sweep.config.hydra_versions import config_folder
from sweep.config.notes import notes_of
from sweep.config.overrides import Overrides, dotted, is_group, parse_overrides
from sweep.config.searched import default_params
from sweep.config.stagesettings import check_settings, is_setting
from sweep.config.values import unknown_key, whole
from sweep.config.wording import in_words
from sweep.errors import ConfigError, nearest

REQUIRED_GROUPS = ("task", "driver", "launcher", "converge", "symptoms")
"""Groups from which a study has exactly one option."""


_TWICE = re.compile(r"^(\S+) appears more than once in the final defaults list")
_SEVERAL = re.compile(r"^Multiple values for (\S+)\. To override")
_ANOTHER_FORM = re.compile(r"^In '([^']*)': \w+ raised while composing config")
_NOT_CHOSEN = re.compile(r"^In '.*': Could not override '([^']*)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """A composed config with unresolved interpolations, and the choices that led to it.

    `axes` are the axes named on the command line (rather than by an ablation), `chosen_axes` those of them that come
    from an axis file (`+axis=[...]`), `folders` the folders with config files. `before` is the config without the
    overrides that set single values.
    """

    config: DictConfig
    before: DictConfig
    task: str
    ablation: str | None
    search: str | None
    check: str | None
    diagnose: str | None
    regression: str | None
    axes: frozenset[str]
    chosen_axes: frozenset[str]
    folders: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def compose(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> DictConfig:
    """Return the composed config, interpolations unresolved. Raises ConfigError."""
    return compose_study(overrides, config_dirs).config


def compose_study(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> Composition:
    """Return the composed config with the choices that led to it. Raises ConfigError."""
    folders = search_folders(config_dirs)
    parsed = parse_overrides(overrides)
    for override in parsed.hydra:
        _check_group(override, folders)
    try:
        before, choices, defaults = _composed(tuple(parsed.group_texts), tuple(folders), _stamp(folders))
    except (HydraException, OmegaConfBaseException) as exc:
        raise _group_error(exc, parsed, folders) from exc
    except RecursionError as exc:
        groups = " ".join(parsed.group_texts)
        raise ConfigError("config", "a `defaults:` list includes its own file", value=groups) from exc
    config = copy.deepcopy(before)
    of_stages = [each for each in parsed.hydra if _is_for_a_stage(each, before)]
    for override in parsed.hydra:
        if not is_group(override) and override not in of_stages:
            _check_key(override, config)
            _apply(override, config)
    if of_stages:
        stages = config.get("stages")
        check_settings(of_stages, [str(stage) for stage in stages] if OmegaConf.is_list(stages) else [])
    _remove(config, parsed, defaults)
    with open_dict(config):
        for key, text in parsed.params:
            config.params = OmegaConf.merge(config.params or {}, OmegaConf.create({key: text}))
        if not config.get("params"):
            config.params = default_params(config, defaults, parsed.removed_params)
    return Composition(
        config=config,
        before=before,
        task=str(choices.get("task")),
        ablation="-".join(parsed.choices("ablation")) or None,
        search="-".join(parsed.choices("search")) or None,
        check="-".join(parsed.choices("check")) or None,
        diagnose="-".join(parsed.choices("diagnose")) or None,
        regression="-".join(parsed.choices("regression")) or None,
        axes=parsed.named_axes,
        chosen_axes=frozenset(parsed.choices("axis")),
        folders=tuple(folders),
        notes=notes_of(parsed, before, default_params=defaults),
    )


def _stamp(folders: Sequence[Path]) -> tuple[tuple[str, int], ...]:
    """Return a value that changes if a config file does."""
    files = sorted(file for folder in folders for file in folder.rglob("*.yaml") if file.is_file())
    return tuple((str(file), file.stat().st_mtime_ns) for file in files)


@lru_cache(maxsize=4)  # the studies of a night differ only in single values, and Hydra takes 0.1 s for the groups
def _composed(
    overrides: tuple[str, ...],
    folders: tuple[Path, ...],
    stamp: tuple[tuple[str, int], ...],  # noqa: ARG001 - the key
) -> tuple[DictConfig, DictConfig, dict[str, str]]:
    """Return Hydra's composition, its choices, and the section `default_params`; callers must not change them."""
    config, choices = _compose(list(overrides), folders)
    with open_dict(config):
        defaults = config.pop("default_params", None) or {}
    return config, choices, {str(key): str(text) for key, text in defaults.items()}


def _compose(overrides: list[str], folders: Sequence[Path]) -> tuple[DictConfig, DictConfig]:
    """Return Hydra's composition and its choices, with the user's files read by UserFiles."""
    ours, *users = folders
    search_path = ",".join(_quoted(f"{SCHEME}://{folder}") for folder in users)
    extra = [f"hydra.searchpath=[{search_path}]"] if users else []
    register()
    with config_folder(ours):
        config = hydra_compose("config", overrides=[*overrides, *extra], return_hydra_config=True)
    choices = config.hydra.runtime.choices
    with open_dict(config):
        del config["hydra"]
    return config, choices


def _check_group(override: Override, folders: Sequence[Path]) -> None:
    """Raise ConfigError if a group's option does not exist."""
    group = override.key_or_group
    if group not in GROUPS or override.is_delete():
        return
    value = override.value()
    names = value if isinstance(value, list) else [value]
    plus = "" if group in REQUIRED_GROUPS else "+"
    if group in ONE_OF and (isinstance(value, list) or (override.is_add() and not plus)):
        raise ConfigError(
            group,
            f"choose one option{'' if plus else ', without a +'}",
            value=override.input_line,
            allowed=option_names(group, folders),
            hint=f"{plus}{group}=NAME",
        )
    options = option_names(group, folders)
    for name in names:
        if not isinstance(name, str) or name not in options:
            is_ours_alone = name and len(folders) == 1 and nearest(str(name), options) is None
            hint = f"your own files, such as {group}/{name}.yaml: --config-dir DIR" if is_ours_alone else None
            hint = f"{group}.KEY=VALUE sets one of its keys" if isinstance(name, dict) else hint
            raise ConfigError(group, "unknown option", value=str(name), allowed=options, hint=hint)


def _group_error(exc: Exception, parsed: Overrides, folders: Sequence[Path]) -> ConfigError:
    """Return the error for a failed composition of groups alone."""
    missing = exc.missing_cfg_file if isinstance(exc, MissingConfigException) else None
    if missing is not None:
        group, _, name = str(missing).strip("/").removesuffix(".yaml").partition("/")
        options = option_names(group, folders) if group in GROUPS else []
        return ConfigError(
            group, "a defaults list names a config file that does not exist", value=name, allowed=options
        )
    for override in parsed.hydra:
        if override.key_or_group == "axis" and not override.is_add():
            hint = f"+{override.input_line}" if not override.is_delete() else "~axes.NAME"
            return ConfigError(
                "axis",
                "there is no ablation with axes to change",
                value=override.input_line,
                hint=f"did you mean {hint}?",
            )
    problem, hint = "these config files cannot be combined", "see the `defaults:` lists in them"
    if found := _TWICE.search(str(exc)):
        problem = f"a `defaults:` list names {found[1]} a second time"
        hint = f"to replace it: - override /{found[1]}: NAME"
    elif found := _SEVERAL.search(str(exc)):
        problem = f"a `defaults:` list chooses {found[1]}, which is already chosen"
        hint = f"add the word override: - override /{found[1]}: NAME"
    elif found := _ANOTHER_FORM.search(str(exc)):
        problem = f"the file {found[1]} turns a section of keys into a list or a single value"
        hint = "a section is `name: {key: value}`"
    elif found := _NOT_CHOSEN.search(str(exc)):
        problem = f"a `defaults:` list overrides {found[1]}, which no earlier list chooses"
        hint = f"remove the word override: - /{found[1]}: NAME"
    return ConfigError("config", problem, value=" ".join(parsed.group_texts), hint=hint)


def _is_for_a_stage(override: Override, before: DictConfig) -> bool:
    """Return whether an override sets a key of a check although the study is not one: it may consist of checks."""
    return is_setting(key := override.key_or_group) and before.get(key.partition(".")[0]) is None


def _check_key(override: Override, config: DictConfig) -> None:
    """Raise ConfigError if an override's key does not exist, naming similar keys."""
    key = override.key_or_group
    parts = key.split(".")
    node: object = config
    for depth, part in enumerate(parts):
        if isinstance(node, DictConfig) and part in node.keys():  # noqa: SIM118 - `in node` leaves out a `???`
            node = node._get_node(part)
            continue
        is_new = override.is_add() or override.is_force_add()
        if is_new and depth and parts[0] in ("task", "axes", "params"):
            return
        if is_new and depth > 1:
            return  # inside a free-form setting (driver.sampler_args): its reader checks it
        if not isinstance(node, DictConfig):
            problem = "is one value, not a section of keys"
            raise ConfigError(".".join(parts[:depth]), problem, value=override.input_line)
        if key == "task.args":
            hint = "task.KEY=VALUE sets one of its values"
            raise ConfigError(key, "only a script takes arguments, and this task is not a script", hint=hint)
        names = [str(name) for name in node.keys()]  # noqa: SIM118
        raise unknown_key(".".join(parts[: depth + 1]), names, value=override.input_line)
    if (
        override.is_add()
        and not isinstance(override.value(), dict | list)
        and OmegaConf.select(config, key) is not None
    ):
        raise ConfigError(
            key,
            "already exists: change it without the +",
            value=override.input_line,
            hint=str(override.input_line).lstrip("+"),
        )
    if override.is_delete() and parts[0] != "task":
        raise ConfigError(
            key,
            "cannot be removed",
            value=override.input_line,
            hint="only axes, levels, params and a task's own keys can",
        )


def _apply(override: Override, config: DictConfig) -> None:
    """Set or remove one value in place, as Hydra does last (composing again for it would double the time)."""
    key = override.key_or_group
    try:
        with open_dict(config):
            if override.is_delete():
                parent, _, name = key.rpartition(".")
                del OmegaConf.select(config, parent)[name]
            else:
                OmegaConf.update(config, key, _as_written(key, override.value(), config), merge=True)
    except OmegaConfBaseException as exc:
        if isinstance(OmegaConf.select(config, key), DictConfig):
            hint = "choose axes by name with '+axis=[NAME]'" if key == "axes" else f"{key}.NAME=VALUE"
            raise ConfigError(key, "is a section of keys", value=override.input_line, hint=hint) from exc
        raise ConfigError(key, in_words(exc), value=override.input_line) from exc


def _as_written(key: str, value: object, config: DictConfig) -> object:
    """Return a number for a task's key in the form of the task's file: 1 as 1.0 for a float, 1e2 as 100 for an int."""
    if not key.startswith("task.") or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        before = OmegaConf.select(config, key)
        if isinstance(before, float):
            return float(value)
        return value if isinstance(before, bool) or not isinstance(before, int) else whole(value) or value
    except (OmegaConfBaseException, OverflowError):
        return value


def _remove(config: DictConfig, parsed: Overrides, defaults: Mapping[str, str]) -> None:
    """Remove axes, levels and params in place. Raises ConfigError if they do not exist."""
    with open_dict(config):
        for axis, level in parsed.removed_axes:
            axes = config.axes or {}
            if axis not in axes:
                raise _nothing_to_remove(f"axes.{axis}", axis, [str(name) for name in axes], "axis")
            if level is None:
                del axes[axis]
                continue
            levels = axes[axis].get("levels") or {}
            if level not in levels:
                raise _nothing_to_remove(f"axes.{axis}.levels.{level}", level, [str(n) for n in levels], "level")
            del levels[level]
        for key in parsed.removed_params:
            params = dict(dotted(OmegaConf.to_container(config.params, resolve=False)))
            if key not in params and key not in defaults:
                raise _nothing_to_remove(f"params.{key}", key, list(params), "param")
            config.params = {name: text for name, text in params.items() if name != key}


def _nothing_to_remove(key: str, name: str, there: list[str], what: str) -> ConfigError:
    near = nearest(name, there)
    hint = None if near is None else f"did you mean ~{key.removesuffix(name)}{near}?"
    if not there:
        hint = {
            "axis": "axes here: none; add some with +ablation=NAME or '+axis=[NAME]'",
            "param": "params here: none; add one, such as '+params.task.lr=interval(0.01, 0.1)'",
        }.get(what, f"{what}s here: none")
    return ConfigError(key, f"there is no such {what} to remove", value=f"~{key}", allowed=there, hint=hint)


def _quoted(text: str) -> str:
    """Return text as a quoted value of Hydra's override grammar."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
