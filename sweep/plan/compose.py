"""Composes trials: a cell and its seeds become resolved task configs with their fingerprints."""

from collections.abc import Iterable, Mapping

from sweep.config import LoadedConfig
from sweep.domain.axis import Cell
from sweep.domain.task_ref import identity
from sweep.domain.trial import TrialSpec
from sweep.plan.fingerprint import fingerprint


class TrialComposer:
    """Composes the trials of one study, all with the task code that was read with its config."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self.study = loaded.study
        self._base = loaded.base
        self._axes = {axis.name: axis for axis in loaded.study.axes}
        self._tasks: dict[Cell, dict[str, object]] = {}
        self._code = loaded.source.digest

    def overrides(self, cell: Cell) -> tuple[str, ...]:
        """Return the overrides that make a cell from the base: levels in the order of the axes, then params.

        Raises KeyError for an axis or level that the study does not have.
        """
        for toggle in cell.toggles:
            self._axes[toggle.axis].level(toggle.level)
        levels = [axis.level(t.level) for axis in self._axes.values() for t in cell.toggles if t.axis == axis.name]
        return tuple(text for level in levels for text in level.overrides) + tuple(f"{k}={v}" for k, v in cell.params)

    def compose(self, cell: Cell, seeds: Iterable[int]) -> tuple[TrialSpec, ...]:
        """Return one trial per seed. Raises ConfigError if the cell's values do not fit the task, and KeyError."""
        overrides = self.overrides(cell)
        if cell not in self._tasks:
            self._tasks[cell] = self._base.with_overrides(overrides, owner=f"cell {cell.key}")
        task = self._tasks[cell]
        return tuple(
            TrialSpec(
                cell=cell,
                seed=seed,
                overrides=overrides,
                task=task,
                fingerprint=self._fingerprint(task, seed),
            )
            for seed in seeds
        )

    def _fingerprint(self, task: Mapping[str, object], seed: int) -> str:
        return fingerprint(identity(task), seed, code=self._code, target=self.study.target, check=self.study.check)
