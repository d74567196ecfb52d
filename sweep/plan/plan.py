"""The plan: all trials of a fixed design, composed and validated before any is launched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sweep.domain.axis import Axis, Cell, in_order
from sweep.domain.inert import InertToggle
from sweep.domain.trial import TrialSpec
from sweep.errors import ConfigError
from sweep.plan.compose import TrialComposer
from sweep.plan.fingerprint import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a study will run. `trials` are in launch order; `inert` are toggles left out, with the reason.

    `digest` is equal for equal plans: the same trials, by fingerprint, in the same order.
    """

    study: str
    task: str
    base: Mapping[str, object] = field(hash=False)
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    trials: tuple[TrialSpec, ...] = field(repr=False)
    inert: tuple[InertToggle, ...]
    digest: str

    @property
    def duplicates(self) -> tuple[tuple[Cell, ...], ...]:
        """Groups of cells with the same task config: one of each group is run, the others reuse it."""
        groups: dict[str, list[Cell]] = {}
        for trial in self.trials:
            if trial.seed == self.seeds[0]:
                groups.setdefault(trial.fingerprint, []).append(trial.cell)
        return tuple(tuple(cells) for cells in groups.values() if len(cells) > 1)

    def to_dict(self) -> dict[str, object]:
        """Return the plan as plain data for plan.json (schema 1); cells and trials refer to each other by cell key."""
        overrides = {trial.cell: list(trial.overrides) for trial in self.trials}
        return {
            "schema": 1,
            "study": self.study,
            "task": self.task,
            "digest": self.digest,
            "base": dict(self.base),
            "axes": {axis.name: {level.name: list(level.overrides) for level in axis.levels} for axis in self.axes},
            "seeds": list(self.seeds),
            "cells": [
                {"cell": cell.key, "toggles": [str(t) for t in cell.sorted_toggles], "overrides": overrides[cell]}
                for cell in self.cells
            ],
            "duplicates": [[cell.key for cell in group] for group in self.duplicates],
            "inert": [{"toggle": str(each.toggle), "reason": each.text} for each in self.inert],
            "trials": [{"cell": t.cell.key, "seed": t.seed, "fingerprint": t.fingerprint} for t in self.trials],
        }


def build_plan(composer: TrialComposer, cells: Sequence[Cell]) -> Plan:
    """Return the plan of these cells over the study's seeds, with every trial's config composed and checked.

    Trials are in the order of `in_order`. Raises ConfigError for the first cell that cannot be composed, and if there
    are no cells.
    """
    study = composer.study
    cells = tuple(dict.fromkeys(cells))
    if not cells:
        raise ConfigError(
            "driver.design",
            "the plan is empty: the design gives no cells",
            value=str(study.driver.settings.get("design")),
        )
    composed = {(cell, spec.seed): spec for cell in cells for spec in composer.compose(cell, study.seeds)}
    trials = [composed[pair] for pair in in_order(cells, study.seeds)]
    return Plan(
        study=study.name,
        task=study.task_name,
        base=study.task,
        axes=study.axes,
        cells=cells,
        seeds=study.seeds,
        trials=tuple(trials),
        inert=study.inert,
        digest=digest([trial.fingerprint for trial in trials]),
    )
