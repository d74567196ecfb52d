"""On which lines of a script a toggle acts, by the script's inventory."""

from collections.abc import Iterable, Mapping, Sequence

from sweep.domain.axis import Axis, Level, Toggle
from sweep.domain.part import Part
from sweep.domain.part_words import parts_text

NAMED = 2
"""Maximum number of kinds of parts named in an answer."""

_PREFIX = "task."
_ADDS = {"clip": "optimizer", "scheduler": "optimizer", "weight_decay": "optimizer"}
"""Knobs that may add what a program lacks, and the knob of the part that gets it."""


def places(axes: Iterable[Axis], parts: Sequence[Part]) -> dict[Toggle, str]:
    """Return what each toggle acts on, with the lines: `Dropout(p=0.95) at train.py:23`; those without are left out."""
    texts = {
        Toggle(axis.name, level.name): parts_text(acted_on(level, parts), most=NAMED)
        for axis in axes
        for level in axis.levels
    }
    return {toggle: text for toggle, text in texts.items() if text}


def acted_on(level: Level, parts: Sequence[Part]) -> list[Part]:
    """Return the parts that a level changes, or to which it adds something; those in a package too."""
    found: list[Part] = []
    for knob, value in knobs_of(level).items():
        mine = [part for part in parts if part.knob == knob and not is_so_already(part, value)]
        found += mine or [part for part in parts if part.knob == _ADDS.get(knob)]
    return found


def knobs_of(level: Level) -> Mapping[str, str]:
    """Return the knobs that a level sets, with their values as written."""
    pairs = (text.removeprefix(_PREFIX).partition("=") for text in level.overrides if text.startswith(_PREFIX))
    return {knob: value for knob, _, value in pairs}


def is_so_already(part: Part, value: str) -> bool:
    """Return whether a part has this value (a number) as the program made it."""
    try:
        return isinstance(part.value, int | float) and float(value) == part.value
    except ValueError:
        return False
