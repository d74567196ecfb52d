"""The checks: what a trial does with its task instead of training to the target.

what the task trains on
  data        the data check: measures the sets, and passes a batch through the model
  reading     reads what `data(cfg)` returns, of any type
  measures    figures of inputs and labels
  ignored     the label that means "ignored"
  neighbours  whether labels match inputs, by nearest neighbours
  stretches   the same for stretches of rows
  forward     passes a batch through a model
  seen_batches  what a script trains on, as its model and losses see it

how it trains
  overfit     the overfit gate: the task's training on a few samples
  reduced     a training set reduced to these samples
  few_batches  loaders of a script, reduced to the first few samples
  lr_range    the learning-rate range test
  inventory   what a script has that the knobs could change
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sweep.domain.check import Check, CheckName
from sweep.task import TaskConfig

if TYPE_CHECKING:
    from sweep.worker.loading import Task
    from sweep.worker.run import WorkerRun

RunCheck: TypeAlias = "Callable[[Task, TaskConfig, WorkerRun, Check], None]"
"""Runs a check of a task: logs series with `run.log` and writes its other results as the run's FINDINGS. It returns, or
lets StopTrial pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How a check is run. `prepares` is False if the check prepares the task: data that fails to load is a finding."""

    run: RunCheck
    prepares: bool = True


def _data(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    from sweep.worker.checks.data import run_check  # imports NumPy and Pillow

    run_check(task, cfg, run, check)


def _overfit(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    from sweep.worker.checks.overfit import run_check

    run_check(task, cfg, run, check)


def _lr_range(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    from sweep.worker.checks.lr_range import run_check

    run_check(task, cfg, run, check)


def _inventory(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    from sweep.worker.checks.inventory import run_check

    run_check(task, cfg, run, check)


RUNNERS: Mapping[CheckName, Runner] = {
    CheckName.DATA: Runner(run=_data, prepares=False),
    CheckName.OVERFIT: Runner(run=_overfit),
    CheckName.LR_RANGE: Runner(run=_lr_range),
    CheckName.INVENTORY: Runner(run=_inventory),
}
