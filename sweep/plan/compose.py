"""Composing trials: a cell and its seeds become resolved task configs with their fingerprints."""

from collections.abc import Iterable, Mapping
from typing import Any

from sweep.config import LoadedConfig
from sweep.config.knobs import TARGET_KEY, TaskBase
from sweep.config.source import find_task, missing_imports
from sweep.domain.axis import Cell
from sweep.domain.trial import TrialSpec
from sweep.plan.fingerprint import fingerprint


def missing_packages(task: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the packages that the task's code imports and that are not installed, sorted; nothing is imported."""
    return missing_imports(find_task(task.get(TARGET_KEY)))


class TrialComposer:
    """Composes the trials of one study.

    The task's code is read once, when the composer is made: all trials of a study have the same.
    """

    def __init__(self, loaded: LoadedConfig) -> None:
        self._study = loaded.study
        self._base = TaskBase(loaded.config)
        self._axes = {axis.name: axis for axis in loaded.study.axes}
        self._tasks: dict[Cell, dict[str, Any]] = {}
        self.source = find_task(loaded.study.task.get(TARGET_KEY))

    def overrides(self, cell: Cell) -> tuple[str, ...]:
        """Return the overrides that make a cell from the base: levels in the order of the axes, then params.

        Raises KeyError for an axis or level that the study does not have.
        """
        for toggle in cell.toggles:
            self._axes[toggle.axis].level(toggle.level)
        levels = [axis.level(t.level) for axis in self._axes.values() for t in cell.toggles if t.axis == axis.name]
        return tuple(text for level in levels for text in level.overrides) + tuple(f"{k}={v}" for k, v in cell.params)

    def compose(self, cell: Cell, seeds: Iterable[int]) -> tuple[TrialSpec, ...]:
        """Return one trial per seed. Raises ConfigError where the cell's values do not fit the task, and KeyError."""
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

    def _fingerprint(self, task: Mapping[str, Any], seed: int) -> str:
        return fingerprint(task, seed, code=self.source.digest, target=self._study.target, probe=self._study.probe)
