"""Axes, levels, toggles and cells: what can be varied, and one choice of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

BASELINE = "base"
"""Name of the baseline level, which every axis has implicitly: "as the task has it"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A named value of an axis: the Hydra overrides (`task.dropout=0.0`) that set it."""

    name: str
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing that can be varied. `levels` are those other than the baseline, in the order of the config."""

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
        """All toggles of this axis, in level order."""
        return tuple(Toggle(axis=self.name, level=level.name) for level in self.levels)


@dataclass(frozen=True, slots=True, order=True)
class Toggle:
    """One change to the base: an axis at a level other than its baseline. Written `dropout=off`."""

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
    """Return a searched value for display: floats with at most five significant digits, everything else unchanged."""
    try:
        short = f"{float(text):.5g}"
    except ValueError:
        return text
    is_whole = text.lstrip("+-").isdigit()
    return text if is_whole or len(text) <= len(short) else short


@dataclass(frozen=True, slots=True)
class Cell:
    """One level for every axis, given as its toggles, at most one per axis.

    `params` holds the values that a search drew for `params:` keys, as (key, value as written in a Hydra override); it
    is empty for all designs.
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
        """The toggles, sorted by axis name."""
        return tuple(sorted(self.toggles))

    @property
    def key(self) -> str:
        """A canonical text, the same for equal cells: `dropout=off,weight_decay=off`, or `base`."""
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
        """Return the name of this cell's level on `axis` (`base` if it has no toggle there)."""
        return next((t.level for t in self.toggles if t.axis == axis), BASELINE)

    @property
    def changes(self) -> tuple[str, ...]:
        """What is changed, for display: the toggles, and the params with short values; `key` has the full values."""
        return (*map(str, self.sorted_toggles), *(f"{key}={short_value(value)}" for key, value in self.params))

    def __str__(self) -> str:
        return " + ".join(self.changes) or BASELINE


BASE = Cell()


def in_order(cells: Sequence[Cell], seeds: Sequence[int]) -> Iterator[tuple[Cell, int]]:
    """Yield each (cell, seed) of a fixed design in an order that gives answers early.

    The base comes first, on all seeds, because every other trial is compared with it. Then seed by seed over the cells
    in the given order, so that an interrupted study has tried every cell about equally often.
    """
    yield from ((cell, seed) for cell in cells if cell.is_base for seed in seeds)
    yield from ((cell, seed) for seed in seeds for cell in cells if not cell.is_base)
