"""The points of a search: axes and params together, as named values and as cells."""

from collections.abc import Mapping, Sequence
from math import prod

from sweep.domain.axis import BASELINE, Axis, Cell, Toggle
from sweep.domain.space import Categorical, Distribution, Param, Value
from sweep.errors import ConfigError


class PointSpace:
    """Every axis as a category over its baseline and levels, and every param: what a point names a value for."""

    def __init__(self, axes: Sequence[Axis], params: Sequence[Param]) -> None:
        self._axes = tuple(axes)
        self._params = tuple(params)
        _refuse_overlap(self._axes, self._params)
        self.dimensions: dict[str, Distribution] = {
            axis.name: Categorical((BASELINE, *(level.name for level in axis.levels))) for axis in self._axes
        } | {param.key: param.distribution for param in self._params}

    @property
    def size(self) -> int | None:
        """Number of points, None for a continuum."""
        sizes = [distribution.size for distribution in self.dimensions.values()]
        known = [size for size in sizes if size is not None]
        return prod(known) if len(known) == len(sizes) else None

    def at(self, index: int) -> dict[str, Value]:
        """Return the point of this index, in [0, size), of a space that has a size."""
        point: dict[str, Value] = {}
        for name, distribution in self.dimensions.items():
            index, digit = divmod(index, distribution.size or 1)
            point[name] = distribution.at(digit)
        return point

    def cell(self, point: Mapping[str, Value]) -> Cell:
        """Return the cell that a point stands for."""
        chosen = {axis.name: str(point[axis.name]) for axis in self._axes}
        return Cell(
            frozenset(Toggle(axis, level) for axis, level in chosen.items() if level != BASELINE),
            tuple((param.key, param.distribution.text(point[param.key])) for param in self._params),
        )

    def point(self, cell: Cell) -> dict[str, Value] | None:
        """Return the point a cell stands for, None if it is not in this space (another design, a changed range)."""
        if {toggle.axis for toggle in cell.toggles} - {axis.name for axis in self._axes}:
            return None
        texts = {axis.name: cell.level_of(axis.name) for axis in self._axes} | dict(cell.params)
        if texts.keys() != self.dimensions.keys():
            return None
        try:
            return {name: distribution.read(texts[name]) for name, distribution in self.dimensions.items()}
        except ValueError:
            return None

    def canonical(self, cell: Cell) -> Cell:
        """Return the cell of the same point as this space writes it, the cell itself if it is no point of it."""
        values = self.point(cell)
        return cell if values is None else self.cell(values)


def _refuse_overlap(axes: Sequence[Axis], params: Sequence[Param]) -> None:
    """Raise ConfigError if nothing is searched, or if an axis and a param would both set one key."""
    if not axes and not params:
        raise ConfigError(
            "params", "nothing to search: give params or an ablation", hint="params.task.lr='interval(...)'"
        )
    keys = {param.key for param in params}
    for axis in axes:
        for level in axis.levels:
            for override in level.overrides:
                key = override.partition("=")[0].lstrip("+~")
                if key in keys:
                    raise ConfigError(
                        f"params.{key}", f"is set by the axis {axis.name} too", hint=f"drop ~axes.{axis.name}"
                    )
