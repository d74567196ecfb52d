"""The `axes:` section: names, levels and their overrides, checked against the task that they change."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sweep.config.knobs import TaskBase, lacks_knob
from sweep.config.values import Section
from sweep.domain.axis import BASELINE, Axis, Level, Toggle
from sweep.domain.inert import InertToggle
from sweep.errors import ConfigError

_AXIS_NAME = re.compile(r"[A-Za-z_][\w-]*")
_LEVEL_NAME = re.compile(r"[\w.+-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAxes:
    """The axes that can be varied, in config order, and the toggles left out with the reason."""

    axes: tuple[Axis, ...]
    inert: tuple[InertToggle, ...]


def read_axes(
    data: object, base: TaskBase, *, skipped: frozenset[str], named: frozenset[str] = frozenset()
) -> ReadAxes:
    """Return the axes of the config section `axes`.

    For axes in `skipped`, a level whose knob the task lacks, or which the task has as its baseline, is left out and
    listed. For those in `named`, a level that the task already has is left out and listed if the axis has another one.
    Otherwise both are errors. Raises ConfigError.
    """
    axes: list[Axis] = []
    inert: list[InertToggle] = []
    if not isinstance(data, Mapping):
        raise ConfigError("axes", "must be a section of axes", value=data, hint="axes: {} for none")
    for name, section in data.items():
        axis = _read_axis(name, section)
        is_skipped = axis.name in skipped
        is_lenient = axis.name in named and not all(_is_baseline(axis, level, base) for level in axis.levels)
        kept = []
        for level in axis.levels:
            may_equal = is_skipped or is_lenient
            found = _inapplicable(axis, level, base, may_lack=is_skipped, may_equal=may_equal)
            if found is None:
                kept.append(level)
            else:
                inert.append(found)
        _check_distinct(axis.name, kept, base)
        if kept:
            axes.append(Axis(name=axis.name, levels=tuple(kept)))
    return ReadAxes(axes=tuple(axes), inert=tuple(inert))


def _read_axis(name: object, data: object) -> Axis:
    """Return one axis as written in the config, with its names and shape checked."""
    if not isinstance(name, str) or not _AXIS_NAME.fullmatch(name):
        raise ConfigError("axes", "axis names have letters, digits, _ and -", value=name)
    key = f"axes.{name}"
    levels = Section(data, key, ("levels",)).get("levels")
    if not isinstance(levels, Mapping) or not levels:
        raise ConfigError(
            f"{key}.levels",
            "must map level names to overrides",
            value=levels,
            hint=f'~{key} removes the axis; {{levels: {{"off": [task.KEY=VALUE]}}}} adds a level',
        )
    return Axis(name=name, levels=tuple(_read_level(f"{key}.levels", k, v) for k, v in levels.items()))


def _read_level(key: str, name: object, overrides: object) -> Level:
    if isinstance(name, bool):
        words = "on, yes and true" if name else "off, no and false"
        quoted = "on" if name else "off"
        raise ConfigError(
            key,
            f"a level's name is a boolean, because YAML reads {words} as one",
            value=name,
            hint=f'quote it: "{quoted}": [...]',
        )
    if not isinstance(name, str) or not _LEVEL_NAME.fullmatch(name):
        hint = f'quote it: "{name}"' if isinstance(name, int | float) else None
        raise ConfigError(key, "level names have letters, digits and . _ + -", value=name, hint=hint)
    if name == BASELINE:
        raise ConfigError(key, f"{BASELINE!r} is the name of the baseline level", value=name)
    if not isinstance(overrides, list) or not overrides or not all(isinstance(o, str) for o in overrides):
        raise ConfigError(
            f"{key}.{name}",
            "must be a list of overrides of task keys",
            value=overrides,
            hint=f"for example [task.dropout=0.0]; on the command line, a level whose name has a dot: "
            f"'{key.removesuffix('.levels')}={{levels: {{x0.5: [task.lr_scale=0.5]}}}}'",
        )
    return Level(name=name, overrides=tuple(overrides))


def _inapplicable(axis: Axis, level: Level, base: TaskBase, *, may_lack: bool, may_equal: bool) -> InertToggle | None:
    """Return why a level changes nothing here, None if it changes something. Raises ConfigError if that is an error."""
    toggle = Toggle(axis.name, level.name)
    owner = f"axes.{axis.name}.levels.{level.name}"
    for text in level.overrides:
        if not base.has_knob(text, owner=owner):
            knob = text.partition("=")[0]
            if may_lack:
                return InertToggle.no_knob(toggle, knob)
            raise lacks_knob(owner, text, knob.removeprefix("task."), base.knobs)
    if _is_baseline(axis, level, base):
        if may_equal:
            return InertToggle.at_baseline(toggle)
        text = ", ".join(level.overrides)
        others = [other for other in axis.levels if other is not level]
        path = f"{owner}" if others else f"axes.{axis.name}"
        raise ConfigError(
            owner,
            "equals the baseline: the task already has this value",
            value=text,
            hint=f"remove it with '~{path}'",
        )
    return None


def _is_baseline(axis: Axis, level: Level, base: TaskBase) -> bool:
    """Return whether the task already has all values of a level; False if it lacks a knob. Raises ConfigError."""
    owner = f"axes.{axis.name}.levels.{level.name}"
    if not all(base.has_knob(text, owner=owner) for text in level.overrides):
        return False
    values = dict(base.check(text, owner=owner) for text in level.overrides)
    return all(base.knobs[name] == value for name, value in values.items())


def _check_distinct(axis: str, levels: list[Level], base: TaskBase) -> None:
    """Raise ConfigError if two levels of one axis give the same task config."""
    seen: list[tuple[str, dict[str, object]]] = []
    for level in levels:
        owner = f"axes.{axis}.levels.{level.name}"
        values = dict(base.check(text, owner=owner) for text in level.overrides)
        for other, known in seen:
            if values == known:
                raise ConfigError(owner, f"is the same as level {other!r}", value=", ".join(level.overrides))
        seen.append((level.name, values))
