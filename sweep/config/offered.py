"""The axes that come with sweep, and which of their toggles can be tried on a task."""

from collections.abc import Iterable, Mapping
from functools import cache
from math import prod

from sweep.config.folders import conf_root, option_names
from sweep.domain.knobs import kind_of, without_none

MOST_CELLS = 16
"""Largest full factorial in a suggested command; with more axes it tries one change at a time."""

Levels = Mapping[str, tuple[tuple[str, str], ...]]
"""Level name to its settings: (knob without `task.`, value as written)."""


@cache
def offered_axes() -> Mapping[str, Levels]:
    """Return each axis of conf/axis with its levels."""
    from sweep.config.yaml_text import yaml_data  # not needed by a verb that names no toggle

    files = [conf_root() / "axis" / f"{axis}.yaml" for axis in option_names("axis", [conf_root()])]
    axes = yaml_data("\n".join(file.read_text(encoding="utf-8") for file in files))
    return {
        axis: {level: tuple(map(_setting, overrides)) for level, overrides in body["levels"].items()}
        for axis, body in axes.items()
    }


def _setting(override: str) -> tuple[str, str]:
    """Return knob and value of `task.KNOB=VALUE`."""
    key, _, value = override.partition("=")
    return key.removeprefix("task."), value


def lacks_knobs(axis: str, knobs: Mapping[str, object]) -> bool:
    """Return whether this is one of sweep's axes and a task with these knobs (name to value) lacks a knob that it
    sets."""
    if _is_idle(axis, knobs):
        return False
    levels = offered_axes().get(axis, {})
    return any(knob not in knobs for settings in levels.values() for knob, _ in settings)


def lacking_axes(knobs: Mapping[str, object]) -> frozenset[str]:
    """Return those of sweep's axes that need a knob which a task with these knobs (name to value) lacks."""
    return frozenset(axis for axis in offered_axes() if lacks_knobs(axis, knobs))


def can_try(toggle: str, knobs: Mapping[str, object]) -> bool:
    """Return whether a toggle of an offered axis changes something in a task with these knobs and values."""
    axis, _, level = toggle.partition("=")
    settings = offered_axes().get(axis, {}).get(level, ())
    if not settings or any(knob not in knobs for knob, _ in settings) or _is_idle(axis, knobs):
        return False
    pairs = [(knobs[knob], without_none(knob, _plain(text), base=knobs[knob])) for knob, text in settings]
    fits = all(base is None or value is None or kind_of(base) == kind_of(value) for base, value in pairs)
    return fits and any(base != value for base, value in pairs)


def toggles_that_can_be_tried(knobs: Mapping[str, object]) -> tuple[str, ...]:
    """Return every toggle of sweep's axes that changes something in a task with these knobs and values."""
    toggles = (f"{axis}={level}" for axis, levels in offered_axes().items() for level in levels)
    return tuple(toggle for toggle in toggles if can_try(toggle, knobs))


def axes_override(toggles: Iterable[str]) -> tuple[str, ...]:
    """Return the overrides that add the axes of these toggles: `+axis=[init,lr]`, with a small design if they are
    many."""
    axes = tuple(dict.fromkeys(toggle.partition("=")[0] for toggle in toggles))
    cells = prod(1 + len(offered_axes().get(axis, ("",))) for axis in axes)
    design = ("driver.design=one_at_a_time",) if cells > MOST_CELLS else ()
    return (f"+axis=[{','.join(axes)}]", *design)


def _is_idle(axis: str, knobs: Mapping[str, object]) -> bool:
    """Return whether an axis has no effect because of another knob: Adam's epsilon without Adam."""
    optimizer = knobs.get("optimizer")
    return axis == "adam_eps" and isinstance(optimizer, str) and "adam" not in optimizer.lower()


def _plain(text: str) -> object:
    """Return the value of an axis file's text."""
    words = {"null": None, "true": True, "false": False}
    if text in words:
        return words[text]
    try:
        return float(text)
    except ValueError:
        return text
