"""Axes, levels, toggles and cells: what may be varied, and one choice of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

BASELINE = "base"
"""Name of the level that every axis has without saying so: "as the task has it"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A named value of an axis: the Hydra overrides (`task.dropout=0.0`) that set it."""

    name: str
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing that may be varied. `levels` are those beside the baseline, in the order the config gives them."""

    name: str
    levels: tuple[Level, ...]

    def level(self, name: str) -> Level:
        """Return the level of this name. Raises KeyError."""
        for level in self.levels:
            if level.name == name:
                return level
        raise KeyError(name)

    @property
    def toggles(self) -> tuple["Toggle", ...]:
        """All single changes of this axis, in level order."""
        return tuple(Toggle(axis=self.name, level=level.name) for level in self.levels)


@dataclass(frozen=True, slots=True, order=True)
class Toggle:
    """One change to the base: an axis at a level that is not its baseline. Reads `dropout=off`."""

    axis: str
    level: str

    def __str__(self) -> str:
        return f"{self.axis}={self.level}"

    @classmethod
    def parse(cls, text: str) -> "Toggle":
        """Return the toggle written `axis=level`. Raises ValueError."""
        axis, sep, level = text.partition("=")
        if not (axis and sep and level):
            raise ValueError(f"not a toggle (axis=level): {text!r}")
        return cls(axis, level)


def short_value(text: str) -> str:
    """Return a searched value as a person reads it: a float in at most five significant digits, all else as it is."""
    try:
        short = f"{float(text):.5g}"
    except ValueError:
        return text
    is_whole = text.lstrip("+-").isdigit()
    return text if is_whole or len(text) <= len(short) else short


@dataclass(frozen=True, slots=True)
class Cell:
    """A choice of one level on every axis, written as the toggles that are on, at most one per axis.

    `params` holds the values a search drew for `params:` keys, as (key, value as written in a Hydra override);
    it is empty for every design.
    """

    toggles: frozenset[Toggle] = frozenset()
    params: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        axes = [toggle.axis for toggle in self.toggles]
        if len(axes) != len(set(axes)):
            raise ValueError(f"two levels of one axis in a cell: {self.key}")

    @classmethod
    def of(cls, toggles: Iterable[Toggle | str] = ()) -> "Cell":
        """Return the cell with these toggles on; strings are parsed as `axis=level`."""
        return cls(frozenset(t if isinstance(t, Toggle) else Toggle.parse(t) for t in toggles))

    @property
    def sorted_toggles(self) -> tuple[Toggle, ...]:
        """The toggles that are on, by axis name."""
        return tuple(sorted(self.toggles))

    @property
    def key(self) -> str:
        """A canonical text, equal for equal cells: `dropout=off,weight_decay=off`, or `base`."""
        parts = [str(t) for t in self.sorted_toggles] + [f"{k}={v}" for k, v in self.params]
        return ",".join(parts) or BASELINE

    @property
    def json_form(self) -> str:
        """The cell in JSON: its key."""
        return self.key

    @property
    def is_base(self) -> bool:
        """Whether nothing is changed."""
        return not self.toggles and not self.params

    def level_of(self, axis: str) -> str:
        """Return the level name this cell chooses on `axis` (`base` where it is not toggled)."""
        return next((t.level for t in self.toggles if t.axis == axis), BASELINE)

    @property
    def changes(self) -> tuple[str, ...]:
        """What is changed, as a person reads it: the toggles, and the params in short; the key has them whole."""
        return (*map(str, self.sorted_toggles), *(f"{key}={short_value(value)}" for key, value in self.params))

    def __str__(self) -> str:
        return " + ".join(self.changes) or BASELINE


BASE = Cell()


def in_order(cells: Sequence[Cell], seeds: Sequence[int]) -> Iterator[tuple[Cell, int]]:
    """Yield each (cell, seed) of a fixed design in an order that answers early.

    The base comes first over all seeds: whether it converges is the question that every other trial is compared with.
    Then seed by seed over the cells in the order given, so that a study cut short has tried every cell about equally
    often.
    """
    yield from ((cell, seed) for cell in cells if cell.is_base for seed in seeds)
    yield from ((cell, seed) for seed in seeds for cell in cells if not cell.is_base)
